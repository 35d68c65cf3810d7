/** Ids that a genesis gives out by itself: 80 (root verifier) and 90 (what is left), as the calibration network's does. */
import { expect, test } from "vitest";
import { equal } from "../../../src/base/bytes.ts";
import { checkState } from "../../../src/core/state-check.ts";
import { buildGenesis } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { FIL } from "../../../src/types/amount.ts";
import { key } from "../../support/plain-state.ts";

/** Complaints about a genesis whose init actor maps the second account's address to `id` in place of 101. */
async function complaintsWith(id: number): Promise<readonly string[]> {
  const accounts = [0, 1].map((i) => ({ address: key(i), balance: FIL }));
  const genesis = await buildGenesis({ network: DEVNET, networkVersion: 5, accounts, worker: key(0) });
  const store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  const address = key(1).bytes;
  let changed = 0;
  const peek = (cid: Uint8Array): Uint8Array | undefined => {
    const bytes = store.peek(cid)?.slice();
    if (bytes === undefined) return undefined;
    // In the map the address is followed by its id, a CBOR integer of one byte behind 0x18.
    for (let at = 0; at + address.length + 2 <= bytes.length; at++) {
      const value = at + address.length;
      if (!equal(bytes.subarray(at, value), address) || bytes[value] !== 0x18 || bytes[value + 1] !== 101) continue;
      bytes[value + 1] = id;
      changed++;
    }
    return bytes;
  };
  const report = await checkState(genesis.stateRoot, 0, { peek, get: async (cid) => peek(cid) }, { profile: "devnet" });
  expect(changed).toBeGreaterThan(0);
  return report.complaints;
}

test.each([80, 90])("id %i may stand for an address", async (id) => {
  expect(await complaintsWith(id)).toEqual([]);
});

test.each([79, 91, 104])("id %i may not", async (id) => {
  expect((await complaintsWith(id)).join()).toContain(`id ${id} was not given out`);
});
