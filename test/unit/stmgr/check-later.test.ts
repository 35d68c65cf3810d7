/** States of version 16 and later: a whole one has nothing to complain of, and what is missing or wrong is named. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { Devnet } from "../../../src/node/devnet.ts";
import { checkLaterState, isLaterState } from "../../../src/stmgr/check-later.ts";
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
    await net.request("anvil_setBalance", "0xff00000000000000000000000000000000000064", "0x1");
    await net.clock.mine(1);
    const edited = await checkLaterState(net.head.blocks[0]?.parentStateRoot as CID, blocks);
    expect(edited.complaints).toEqual([expect.stringContaining("set by hand")]);
  } finally {
    await net.close();
  }
});
