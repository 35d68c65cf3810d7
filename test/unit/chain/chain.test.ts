import { expect, test } from "vitest";
import { toHex, utf8 } from "../../../src/base/bytes.ts";
import { nextBaseFee } from "../../../src/chain/base-fee.ts";
import { buildMessageMeta, ChainStore } from "../../../src/chain/chain-store.ts";
import { drawRandomness, randomnessOf } from "../../../src/chain/randomness.ts";
import { amtCount, amtEntries, amtGet, buildAmt } from "../../../src/storage/amt.ts";
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

test("arrays: what is built reads back at every size around the borders, and gaps are absent", async () => {
  for (const size of [0, 1, 7, 8, 9, 63, 64, 65, 511, 513]) {
    const values = Array.from({ length: size }, (_, i) => i * 3);
    const store = new MemoryStore();
    const { root, blocks } = buildAmt(values);
    store.writeNow({ blocks });
    expect(await amtCount(store, root)).toBe(BigInt(size));
    const read: unknown[] = [];
    for await (const [, value] of amtEntries(store, root)) read.push(value);
    expect(read).toEqual(values);
    for (const at of [0, size - 1, size, size + 8])
      expect(await amtGet(store, root, BigInt(Math.max(at, 0)))).toBe(at >= 0 && at < size ? at * 3 : undefined);
  }
});

/** Roots of the arrays 0, 3, 6, … Source: go-amt-ipld v2 at 924ee87a1349, an array of CBOR integers. */
test.each([
  [0, "bafy2bzacedswlcz5ddgqnyo3sak3jmhmkxashisnlpq6ujgyhe4mlobzpnhs6"],
  [1, "bafy2bzacebpmqt6m5kqbx3yxp67fb7gwgawzguy2ts2qg3m5gnmnqbzplehk4"],
  [7, "bafy2bzacec6ua5qolmgbtyceouqliprlobmtqc6nte2ulvwwotom5s7vsrrmy"],
  [8, "bafy2bzacebmr7efsip2ian72nkwytbbc7ujrbumloyycrwdmhbry4duhk7nc6"],
  [9, "bafy2bzaceb3y47om4bhpcxnimubo6jp4vvbhp7ppq7c6ojh4n5szabzwkjsvy"],
  [63, "bafy2bzacebe3tdppd6fmi7fcsrwzv7suh4y5esr7fvqlnvjhtlm2zdqzdrhfo"],
  [64, "bafy2bzacebmnygq5j4dzbnnbmmuedhm5mrz4xdiwktlcdqb4qzxyhlgdio5mu"],
  [65, "bafy2bzacecktodao2k6c5bkhegrfevsw5hx3ufsev5xtrvrhcgbf3di7ow7bk"],
  [512, "bafy2bzacedvoxrsmzrmbnvaz2q4btlvdr7lkcqgwoth4ojpxpj7szally7sdy"],
  [513, "bafy2bzaced6eym4iiz2d3bbgnicvxwyihb3zukbmu5r563gd62a4mcquvjpky"],
  [10_000, "bafy2bzaceaczn5bn267asibkwpiv2z3w5f4gyv4tuw3qoukfmi7xc4bi6zvn2"],
])("arrays: the root of %i values is the reference's, and each is found at its index", async (size, expected) => {
  const store = new MemoryStore();
  const { root, blocks } = buildAmt(Array.from({ length: size }, (_, i) => i * 3));
  expect(`${root}`).toBe(expected);
  store.writeNow({ blocks });
  for (let i = 0; i < 1000; i++) {
    const at = (i * 7919) % (size + 8);
    expect(await amtGet(store, root, BigInt(at))).toBe(at < size ? at * 3 : undefined);
  }
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

async function makeChain(): Promise<{ chain: ChainStore; store: MemoryStore; line: Tipset[] }> {
  const store = new MemoryStore();
  const chain = await ChainStore.open(store);
  const line: Tipset[] = [];
  const result = { stateRoot: cidOfBlock(utf8("s")), receiptsRoot: buildAmt([]).root };
  for (const height of [0, 1, 3, 4]) {
    const blocks = [...buildMessageMeta({ bls: [], secp: [] }).blocks, ...buildAmt([]).blocks];
    line.push(await chain.append([header(height, line.at(-1)?.key ?? [])], [], result, blocks));
  }
  return { chain, store, line };
}

test("chain: null rounds are looked up backwards and forwards, and the head survives opening again", async () => {
  const { chain, store } = await makeChain();
  expect((await chain.tipsetAtOrBefore(2)).height).toBe(1);
  expect((await chain.tipsetAtOrAfter(2)).height).toBe(3);
  await expect(chain.tipsetAtOrBefore(5)).rejects.toMatchObject({ data: { code: "AHEAD_OF_HEAD" } });
  expect((await ChainStore.open(store)).head.height).toBe(4);
});

test("chain: going back announces reverts from the top, and what was above is no longer canonical", async () => {
  const { chain, line } = await makeChain();
  const heard: string[] = [];
  chain.onHeadChange((changes) => heard.push(...changes.map(({ type, tipset }) => `${type} ${tipset.height}`)));
  await chain.revertTo(line[1] as Tipset);
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
  const { line } = await makeChain();
  const source = randomnessOf(line);
  const at = (epoch: number) => toHex(source.ticketRandomness(5, epoch, utf8("e")));
  expect(at(2)).toBe(toHex(drawRandomness(utf8("ticket 1"), 5, 2, utf8("e"))));
  expect(at(2)).not.toBe(at(1));
  expect(toHex(source.beaconRandomness(5, 3, utf8("e")))).toBe(
    toHex(drawRandomness(utf8("beacon 3"), 5, 3, utf8("e"))),
  );
  expect(toHex(source.ticketRandomness(6, 2, utf8("e")))).not.toBe(at(2));
});
