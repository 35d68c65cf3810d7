import { expect, test } from "vitest";
import { toHex, utf8 } from "../../../src/base/bytes.ts";
import { nextBaseFee } from "../../../src/chain/base-fee.ts";
import { Chain } from "../../../src/chain/chain.ts";
import { buildMessageMeta } from "../../../src/chain/message-store.ts";
import { drawRandomness, randomnessAt } from "../../../src/chain/randomness.ts";
import { buildAmt } from "../../../src/storage/amt.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../../../src/types/block-header.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";

test.each([
  // Source: lotus chain/store/basefee_test.go (network version 2 and up; earlier ones divide by 4/5).
  [100_000_000n, 0n, 1, 2, 87_500_000n],
  [100_000_000n, 5_000_000_000n, 1, 2, 100_000_000n],
  [100_000_000n, 10_000_000_000n, 1, 2, 112_500_000n],
  [100_000_000n, 20_000_000_000n, 2, 2, 112_500_000n],
  [100_000_000n, 5_000_000_000n, 1, 0, 103_125_000n],
  [100n, 0n, 1, 5, 100n],
])("base fee %d with %d gas in %d blocks at network version %d becomes %d", (fee, gas, blocks, version, next) => {
  expect(nextBaseFee(fee, gas, blocks, version)).toBe(next);
});

function header(height: number, parents: readonly CID[], change: Partial<BlockHeader> = {}): BlockHeader {
  const root = cidOfBlock(utf8("state"));
  return {
    miner: Address.id(1000),
    ticket: utf8(`ticket ${height}`),
    electionProof: { winCount: 1n, vrfProof: new Uint8Array(96) },
    beaconEntries: [{ round: BigInt(height), data: utf8(`beacon ${height}`) }],
    winPoStProof: [],
    parents,
    parentWeight: 0n,
    height,
    parentStateRoot: root,
    parentMessageReceipts: root,
    messages: buildMessageMeta({ bls: [], secp: [] }).root,
    blsAggregate: null,
    timestamp: 0n,
    blockSig: null,
    forkSignaling: 0n,
    parentBaseFee: 100n,
    ...change,
  };
}

async function makeChain(): Promise<{ chain: Chain; store: MemoryStore; line: Tipset[] }> {
  const store = new MemoryStore();
  const chain = await Chain.open({ blocks: store });
  const line: Tipset[] = [];
  const result = { stateRoot: cidOfBlock(utf8("s")), receiptsRoot: buildAmt([]).root };
  for (const height of [0, 1, 3, 4]) {
    const blocks = [...buildMessageMeta({ bls: [], secp: [] }).blocks, ...buildAmt([]).blocks];
    line.push(await chain.append({ headers: [header(height, line.at(-1)?.key ?? [])], result, blocks }));
  }
  return { chain, store, line };
}

test("chain: null rounds are looked up backwards and forwards, and the head survives opening again", async () => {
  const { chain, store } = await makeChain();
  expect((await chain.tipsetAtOrBefore(2)).height).toBe(1);
  expect((await chain.tipsetAtOrAfter(2)).height).toBe(3);
  await expect(chain.tipsetAtOrBefore(5)).rejects.toMatchObject({ data: { code: "AHEAD_OF_HEAD" } });
  expect((await Chain.open({ blocks: store })).head.height).toBe(4);
});

test("chain: going back announces reverts from the top, and what was above is no longer canonical", async () => {
  const { chain, line } = await makeChain();
  const heard: string[] = [];
  chain.onHeadChange((changes) => heard.push(...changes.map(({ type, tipset }) => `${type} ${tipset.height}`)));
  await chain.setHead(line[1] as Tipset);
  expect(heard).toEqual(["revert 4", "revert 3"]);
  expect(chain.head.height).toBe(1);
  await expect(chain.tipsetAtOrBefore(3)).rejects.toThrow();
});

test("tipset: ordered by ticket; blocks of other parents or epochs are refused", () => {
  const a = header(5, [], { ticket: utf8("a") });
  const b = header(5, [], { ticket: utf8("b"), miner: Address.id(1001) });
  expect(makeTipset([a, b]).key.map(String)).toEqual(makeTipset([b, a]).key.map(String));
  expect(() => makeTipset([a, header(6, [])])).toThrow(/differ/);
  expect(() => makeTipset([])).toThrow(/without blocks/);
});

test("randomness: null rounds take the tipset before them, and tag, epoch and entropy all matter", async () => {
  const { chain, line } = await makeChain();
  const source = randomnessAt(chain, line.at(-1) as Tipset, () => 5);
  const at = (epoch: number) => toHex(source.ticketRandomness(5, epoch, utf8("e")) as Uint8Array);
  expect(at(2)).toBe(toHex(drawRandomness(utf8("ticket 1"), 5, 2, utf8("e"))));
  expect(at(2)).not.toBe(at(1));
  expect(toHex(source.beaconRandomness(5, 3, utf8("e")) as Uint8Array)).toBe(
    toHex(drawRandomness(utf8("beacon 3"), 5, 3, utf8("e"))),
  );
  expect(toHex(source.ticketRandomness(6, 2, utf8("e")) as Uint8Array)).not.toBe(at(2));
});
