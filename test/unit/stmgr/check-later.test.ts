/** States of version 16 and later: a whole one has nothing to complain of, and what is missing or wrong is named. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { checkLaterState, isLaterState } from "../../../src/stmgr/check-later.ts";
import { comparing } from "../../../src/storage/check-block.ts";
import type { BlockSource } from "../../../src/storage/contract.ts";
import { type CID, cidKey } from "../../../src/types/cid.ts";
import { INIT } from "../../../src/types/singletons.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

/** A store with some blocks replaced, or taken away. */
function changedIn(store: BlockSource, changes: ReadonlyMap<string, Uint8Array | undefined>): BlockSource {
  const peek = (cid: Uint8Array): Uint8Array | undefined =>
    changes.has(cidKey(cid)) ? changes.get(cidKey(cid)) : store.peek(cid);
  return { peek, get: async (cid) => (changes.has(cidKey(cid)) ? changes.get(cidKey(cid)) : store.get(cid)) };
}

test("a state is looked at as a whole, and what is wrong in it is told of the actor that has it", async () => {
  const open = { ...TEST_OPTIONS, blockTime: 3600, networkVersion: 28, bundle: await testBundle() };
  const net = await Devnet.open(open);
  try {
    await net.clock.mine(1);
    const { blocks } = net.node.chain;
    const root = net.head.blocks[0]?.parentStateRoot as CID;
    expect(await isLaterState(blocks, root)).toBe(true);
    const whole = await checkLaterState(root, blocks);
    expect(whole).toMatchObject({ complaints: [], total: 2_000_000_000n * 10n ** 18n });
    expect(whole.actors).toBeGreaterThan(10);
    // Test actors have one code, which the list names that the system actor leads to.
    const view = await net.node.states.stateAt(root);
    const { code, head } = await view.requireActor(INIT);
    const missing = await checkLaterState(root, changedIn(blocks, new Map([[cidKey(code), undefined]])));
    expect(missing.complaints).toEqual([`f00: block ${code} is not there`]);
    const [map, , name] = dagCbor.decode(blocks.peek(head.bytes) as Uint8Array) as [CID, number, string];
    const other = dagCbor.encode([map, 100, name]);
    const early = await checkLaterState(root, changedIn(blocks, new Map([[cidKey(head), other]])));
    expect(early.complaints).toContain("actor f0100 has an id that was not given out");
    // The same, where blocks are compared with their CIDs, as the command does; and where code has another byte.
    const hashes = await loadCrypto();
    const damaged = (cid: CID, bytes: Uint8Array) =>
      checkLaterState(root, comparing(changedIn(blocks, new Map([[cidKey(cid), bytes]])), hashes));
    await expect(damaged(head, other)).rejects.toMatchObject({ code: "WRONG_BLOCK" });
    expect(await checkLaterState(root, comparing(blocks, hashes))).toEqual(whole);
    const bytes = (blocks.peek(code.bytes) as Uint8Array).slice();
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    const forged = `f00: the bytes of block ${code} are not what its CID says: they are damaged or forged`;
    expect((await damaged(code, bytes)).complaints).toEqual([forged]);
    const [, actors, info] = dagCbor.decode(blocks.peek(root.bytes) as Uint8Array) as [number, CID, CID];
    const tree = await checkLaterState(
      root,
      changedIn(blocks, new Map([[cidKey(root), dagCbor.encode([99, actors, info])]])),
    );
    expect(tree.complaints).toEqual(["the state tree: its version is none of 4, 5"]);
    const [bits, slots] = dagCbor.decode(blocks.peek(actors.bytes) as Uint8Array) as [Uint8Array, unknown[]];
    const bucket = slots.find((slot) => Array.isArray(slot)) as [[Uint8Array, unknown[]]];
    bucket[0][1][2] = -1;
    const negative = await checkLaterState(
      root,
      changedIn(blocks, new Map([[cidKey(actors), dagCbor.encode([bits, slots])]])),
    );
    expect(negative.complaints).toEqual([expect.stringMatching(/nonce -1 is out of range/)]);
    await net.request("anvil_setBalance", "0xff00000000000000000000000000000000000064", "0x1");
    await net.clock.mine(1);
    const edited = await checkLaterState(net.head.blocks[0]?.parentStateRoot as CID, blocks);
    expect(edited.complaints).toEqual([expect.stringContaining("set by hand")]);
  } finally {
    await net.close();
  }
});
