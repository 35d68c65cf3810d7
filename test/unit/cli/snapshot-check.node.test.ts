/** `chain import --validate` over chains of version 16 on: which version made them, and that a snapshot that is refused leaves no chain. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Chain } from "../../../src/chain/chain.ts";
import { exportChain } from "../../../src/chain/export.ts";
import { type ImportReport, importSnapshot } from "../../../src/chain/import.ts";
import { checkSnapshot, type SnapshotReport } from "../../../src/cli/snapshot-check.ts";
import { progressLine } from "../../../src/cli/terminal.ts";
import { replayChain } from "../../../src/conformance/replay.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { BlockHeader, Tipset } from "../../../src/types/block-header.ts";
import { gather, sourceOf } from "../../support/bytes-source.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

let net: Devnet;
beforeAll(async () => {
  // Actors that nobody published.
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, networkVersion: 28, bundle: await testBundle() });
  const [From, To] = net.accounts.map(({ secp256k1 }) => `${secp256k1}`);
  await net.request("MpoolPushMessage", { From, To, Value: "1" }, null);
  await net.clock.mine(2);
  await net.clock.skip(2);
  // Without elections the clock may be set forward.
  await net.request("evm_increaseTime", 100);
  await net.clock.mine(3);
});
afterAll(() => net.close());

type Taken = { readonly report: ImportReport; readonly checked: SnapshotReport | null; readonly store: MemoryStore };

async function taken(head: Tipset, networkVersion?: number, store = new MemoryStore()): Promise<Taken> {
  const file = await gather(exportChain(net.node.chain, head, { recentRoots: 10, skipOldMessages: false }));
  const crypto = await loadCrypto();
  const version = networkVersion === undefined ? {} : { networkVersion };
  const more = { epochs: 10, signal: new AbortController().signal, line: progressLine() };
  let checked: SnapshotReport | null = null;
  const check = async (): Promise<void> => {
    checked = await checkSnapshot(store, { crypto, network: "local", ...version, ...more });
  };
  const report = await importSnapshot(store, sourceOf(file), { hashes: crypto, check });
  return { report, checked, store };
}

test("a chain of version 28 is executed and found equal, null rounds and a clock set forward included", async () => {
  const { report, checked, store } = await taken(net.head, 28);
  expect(checked).toEqual({
    tipsets: 6,
    blocks: 6,
    lowest: 1,
    versions: [{ epoch: 0, earliest: 0, networkVersion: 28 }],
  });
  const chain = await Chain.open({ blocks: store });
  expect(chain.head.key).toEqual(report.head.key);
  await expect(taken(net.head, 28, store)).rejects.toMatchObject({ code: "NOT_EMPTY" });
});

test("another network than the one whose rules are asked for is told by name, here and by replay", async () => {
  const file = await gather(exportChain(net.node.chain, net.head, { recentRoots: 10, skipOldMessages: false }));
  const crypto = await loadCrypto();
  const proofs = { verifyPoSt: () => true, verifySeal: () => true };
  await expect(replayChain(file, { proofs, hashes: crypto })).rejects.toMatchObject({ code: "OTHER_NETWORK" });
  const store = new MemoryStore();
  const check = async (): Promise<void> => {
    const signal = new AbortController().signal;
    await checkSnapshot(store, { crypto, network: "mainnet", epochs: 2, signal, line: progressLine() });
  };
  await expect(importSnapshot(store, sourceOf(file), { hashes: crypto, check })).rejects.toMatchObject({
    code: "OTHER_NETWORK",
  });
});

test("of actors that nobody published the version must be told, and what cannot be theirs is refused", async () => {
  await expect(taken(net.head)).rejects.toMatchObject({
    code: "VERSION_UNKNOWN",
    message: expect.stringContaining("nobody published"),
  });
  await expect(taken(net.head, 5)).rejects.toMatchObject({ message: expect.stringMatching(/version 16, .*28, not 5/) });
  // Under the rules of another version the roots are others.
  await expect(taken(net.head, 20)).rejects.toThrow();
});

test("a snapshot that is refused leaves no chain, and the next import goes on", async () => {
  const [top] = net.head.blocks as [BlockHeader];
  const below = (await net.node.chain.tipsetAtOrBefore(1)).blocks[0] as BlockHeader;
  const forged = await net.node.chain.put({ headers: [{ ...top, parentStateRoot: below.parentStateRoot }] });
  const store = new MemoryStore();
  await expect(taken(forged, 28, store)).rejects.toMatchObject({ code: "RESULT_MISMATCH" });
  await expect(Chain.open({ blocks: store })).rejects.toMatchObject({ code: "IMPORT_UNFINISHED" });
  const { report } = await taken(net.head, 28, store);
  expect((await Chain.open({ blocks: store })).head.key).toEqual(report.head.key);
});
