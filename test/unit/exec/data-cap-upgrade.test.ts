/** The upgrade to actors v9, of what only a hostile client or provider brings onto a chain. */
import { expect, test } from "vitest";
import { toV9 } from "../../../src/exec/data-cap-upgrade.ts";
import { StateBlocks } from "../../../src/exec/state-blocks.ts";
import type { Tuple } from "../../../src/exec/state-change.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { hamtEntries } from "../../../src/storage/hamt.ts";
import { CID, cidKey } from "../../../src/types/cid.ts";

const SEAL_PROOF = 5;

test("a sector that is pre-committed with pieces whose 32 bytes are no commitments gets theirs all the same", async () => {
  const kept = new Map<string, Uint8Array>();
  const peek = (cid: Uint8Array) => kept.get(cidKey(cid));
  const blocks = new StateBlocks({ peek, get: async (cid) => peek(cid) }, ({ cid, bytes }) =>
    kept.set(cidKey(cid), bytes),
  );
  const bytes = new Uint8Array(32).fill(0xff);
  const sealed = blocks.put("sealed");
  const array = (values: readonly unknown[]) =>
    blocks.put([3, 0, values.length, [Uint8Array.of((1 << values.length) - 1), [], values]]);
  const proposals = array([1024, 2048].map((size) => [pieceCidV1(bytes), size]));
  const preCommit = (deals: readonly number[]): Tuple => [
    [SEAL_PROOF, 7, sealed, 100, deals, 5000, false, 0, 0, 0],
    Uint8Array.of(0, 1),
    120,
    new Uint8Array(0),
    new Uint8Array(0),
  ];
  // One deal that is there, one that fills the sector, and one that has ended.
  const preCommits = blocks.numbered(new Map([[0], [1], [9]].map((deals, i) => [BigInt(i), preCommit(deals)])));
  const deadline = blocks.put([0, 0, 0, 0, 0, 0, 0, 0, array([])]);
  const state: unknown[] = Array.from({ length: 15 }, () => 0);
  Object.assign(state, { 0: blocks.put([1]), 6: preCommits, 9: array([]), 12: blocks.put([[deadline]]) });
  const changed = (await toV9(blocks, 200, async () => [proposals])["storageminer"]?.(state, 1000n)) as Tuple;
  const made = new Map<number, unknown>();
  for await (const [key, value] of hamtEntries({ peek, get: async (cid) => peek(cid) }, changed[6] as CID)) {
    const [info] = value as [Tuple];
    made.set(key[0] as number, info[6] === null ? null : (CID.asCID(info[6]) as CID).toString());
  }
  expect(made).toEqual(
    new Map<number, unknown>([
      [0, `${pieceCidV1(bytes)}`],
      [1, `${pieceCidV1(bytes)}`],
      [2, null],
    ]),
  );
});
