/** Snapshots that `chain import --validate` and `replay` do not execute: what is said of them, before any machine is asked. */
import { expect, test } from "vitest";
import { exportChain } from "../../../src/chain/export.ts";
import { importSnapshot } from "../../../src/chain/import.ts";
import { checkSnapshot, type NetworkName } from "../../../src/cli/snapshot-check.ts";
import { progressLine } from "../../../src/cli/terminal.ts";
import { replayChain } from "../../../src/conformance/replay.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { gather, sourceOf } from "../../support/bytes-source.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { openEthNet } from "../../support/eth-net.ts";

async function checked(net: Devnet, network: NetworkName): Promise<unknown> {
  const { crypto, chain } = net.node;
  const file = await gather(exportChain(chain, net.head, { recentRoots: 3, skipOldMessages: false }));
  const proofs = { verifyPoSt: () => true, verifySeal: () => true };
  await expect(replayChain(file, { proofs, hashes: crypto })).rejects.toMatchObject({ code: "OTHER_NETWORK" });
  const store = new MemoryStore();
  await importSnapshot(store, sourceOf(file), { hashes: crypto });
  const signal = new AbortController().signal;
  return checkSnapshot(store, { crypto, network, epochs: 2, signal, line: progressLine() });
}

test("states of modules are told of by name, and so is another network than the one whose rules are asked for", async () => {
  const { net } = await openEthNet();
  const native = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  try {
    for (const one of [net, native]) await one.clock.mine(3);
    await expect(checked(net, "local")).rejects.toMatchObject({ code: "ACTORS_NEEDED" });
    await expect(checked(native, "mainnet")).rejects.toMatchObject({ code: "OTHER_NETWORK" });
    expect(await checked(native, "local")).toMatchObject({ tipsets: 2 });
  } finally {
    await net.close();
    await native.close();
  }
});
