/** The machine's scan of HAMT nodes against the maps themselves, and on nodes that are broken. */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { EngineFault } from "../../../src/core/errors.ts";
import { Vm, type VmHost } from "../../../src/core/vm.ts";
import { hamtGet } from "../../../src/storage/hamt.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, cidKey } from "../../../src/types/cid.ts";
import { contextOf, hostOf, idOf, key, makeState, message, RICH } from "../../support/plain-state.ts";

describe.each([
  [0, "bare"],
  [5, "versioned"],
])("lookups in the tree of network version %i (%s root)", (networkVersion) => {
  const ACCOUNTS = 2500;
  const state = makeState(networkVersion, ACCOUNTS);

  test("every actor is found by its id and by its key, and nothing else is", async () => {
    const vm = await Vm.create(hostOf(state.store));
    vm.open(contextOf(state.root, networkVersion));
    for (let i = 0; i < ACCOUNTS; i++) {
      expect(vm.resolve(key(i))).toEqual(idOf(i));
      expect(vm.actor(key(i))?.balance).toBe(RICH);
    }
    for (let i = ACCOUNTS; i < ACCOUNTS + 500; i++) {
      expect(vm.resolve(key(i))).toBeNull();
      expect(vm.actor(idOf(i))).toBeNull();
    }
  });

  test("the host's reader of maps finds the same", async () => {
    const top = dagCbor.decode<readonly [number, CID]>(state.store.peek(state.root.bytes) as Uint8Array);
    const root = networkVersion < 4 ? state.root : top[1];
    const vm = await Vm.create(hostOf(state.store));
    vm.open(contextOf(state.root, networkVersion));
    await fc.assert(
      fc.asyncProperty(fc.nat(ACCOUNTS * 2), async (i) => {
        const theirs = await hamtGet(state.store, root, idOf(i).bytes);
        expect(vm.actor(idOf(i)) === null).toBe(theirs === undefined || theirs === null);
      }),
    );
  });
});

describe("nodes that are kept between lookups", () => {
  const ACCOUNTS = 3000;
  const state = makeState(5, ACCOUNTS);

  test("maps that change are read as they are, and those of another state after the next opening", async () => {
    const vm = await Vm.create(hostOf(state.store));
    vm.open(contextOf(state.root, 5));
    const before = Array.from({ length: ACCOUNTS }, (_, i) => `${vm.resolve(key(i))}`);
    // Each send to a new key changes the map of addresses from its root on.
    for (let i = 0; i < 40; i++) {
      const bytes = message({ to: key(ACCOUNTS + i), nonce: BigInt(i), value: 1n });
      expect(vm.apply(bytes, bytes.length).exitCode).toBe(0);
      expect(vm.resolve(key(ACCOUNTS + i))).toEqual(idOf(ACCOUNTS + i));
      expect(`${vm.resolve(key(i * 70))}`).toBe(before[i * 70]);
    }
    const root = vm.flush();
    for (let i = 0; i < 40; i++) expect(vm.actor(idOf(ACCOUNTS + i))?.balance).toBe(1n);
    expect(Array.from({ length: ACCOUNTS }, (_, i) => `${vm.resolve(key(i))}`)).toEqual(before);
    const made = [...vm.madeBlocks()];
    vm.open(contextOf(state.root, 5));
    expect(vm.resolve(key(ACCOUNTS))).toBeNull();
    state.store.writeNow({ blocks: made });
    vm.open(contextOf(root, 5));
    expect(vm.resolve(key(ACCOUNTS + 39))).toEqual(idOf(ACCOUNTS + 39));
  });

  test("upper nodes are read from the host once in a run, and once more in the next", async () => {
    const reads = new Map<string, number>();
    const host: VmHost = {
      ...hostOf(state.store),
      peek: (cid) => {
        reads.set(cidKey(cid), (reads.get(cidKey(cid)) ?? 0) + 1);
        return state.store.peek(cid);
      },
    };
    const vm = await Vm.create(host);
    for (let run = 1; run <= 2; run++) {
      vm.open(contextOf(state.root, 5));
      for (let i = 0; i < ACCOUNTS; i++) vm.actor(key(i));
      expect(Math.max(...reads.values())).toBeLessThanOrEqual(2 * run);
    }
  });
});

describe("broken nodes", () => {
  const state = makeState(5, 400);
  const blocks = [...state.store.entries()];

  test("a state with damaged blocks gives answers, missing blocks or void runs, never a crash", async () => {
    const seen = new Set<string>();
    const damage = fc.record({
      block: fc.nat(blocks.length - 1),
      at: fc.nat(4000),
      byte: fc.nat(255),
      cut: fc.option(fc.nat(4000), { freq: 4 }),
      more: fc.uint8Array({ maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(500), async ({ block, at, byte, cut, more }, account) => {
        const victim = blocks[block] as (typeof blocks)[number];
        const bytes = concat(victim.bytes.subarray(0, cut ?? victim.bytes.length), more);
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const host: VmHost = {
          ...hostOf(state.store),
          peek: (cid) => (cidKey(cid) === victim.key ? bytes : state.store.peek(cid)),
        };
        const vm = await Vm.create(host, { maxPages: 256 });
        try {
          vm.open(contextOf(state.root, 5));
          for (const address of [idOf(account), key(account), Address.id(99)]) vm.actor(address);
          seen.add("answer");
        } catch (error) {
          if (!(error instanceof EngineFault)) throw error;
          expect(["RUN_VOID", "BLOCK_MISSING"]).toContain(error.data.code);
          seen.add(error.data.code);
        }
      }),
      { numRuns: 1000 },
    );
    expect([...seen]).toEqual(expect.arrayContaining(["answer", "RUN_VOID"]));
  });
});
