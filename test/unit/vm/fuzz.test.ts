/**
 * Bad input: whatever bytes come as a message, the machine answers with a receipt, a refusal or a fault with a reason,
 * and a refusal leaves it as it was. Seeded by fast-check, which prints the seed of a failure.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { EngineFault } from "../../../src/core/errors.ts";
import { Vm } from "../../../src/core/vm.ts";
import { buildGenesis } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import type { CID } from "../../../src/types/cid.ts";
import { contextOf, hostOf, key, message } from "../../support/plain-state.ts";

const NETWORK_VERSION = 5;

let store: MemoryStore;
let root: CID;
let vm: Vm;
beforeAll(async () => {
  const accounts = [0, 1, 2].map((i) => ({ address: key(i), balance: 1_000_000n * FIL }));
  const spec = { network: DEVNET, networkVersion: NETWORK_VERSION, accounts, worker: key(0) };
  const genesis = await buildGenesis(spec);
  store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  root = genesis.stateRoot;
  vm = await Vm.create(hostOf(store), { maxPages: 4096 });
});

/** Opens a machine, on a new instance if the last run was void. */
async function fresh(): Promise<Vm> {
  if (vm.spent) vm = await Vm.create(hostOf(store), { maxPages: 4096 });
  vm.open(contextOf(root, NETWORK_VERSION));
  return vm;
}

type Ending = "receipt" | "refusal" | "void";

async function feed(bytes: Uint8Array, chainLength = bytes.length): Promise<Ending> {
  const machine = await fresh();
  try {
    const applied = machine.apply(bytes, chainLength);
    expect(applied.gasUsed).toBeGreaterThanOrEqual(0n);
    return "receipt";
  } catch (error) {
    if (!(error instanceof EngineFault)) throw error;
    if (error.data.code === "MESSAGE_REFUSED") {
      expect(machine.spent).toBe(false);
      expect(`${machine.flush()}`).toBe(`${root}`);
      return "refusal";
    }
    // The reference gives up on these, too; anything else is a crash.
    expect(error.data.code).toBe("RUN_VOID");
    return "void";
  }
}

const count = async (endings: Record<Ending, number>, bytes: Uint8Array): Promise<void> => {
  endings[await feed(bytes)]++;
};

describe("messages of any bytes", () => {
  test("random bytes are refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await feed(bytes)).toBe("refusal");
      }),
      { numRuns: 500 },
    );
  });

  test("a good message with bytes changed, cut off or added ends in a receipt or a refusal", async () => {
    const endings = { receipt: 0, refusal: 0, void: 0 };
    const good = message({ value: 5n, gasLimit: 5_000_000n, params: new Uint8Array(20) });
    const damage = fc.record({
      at: fc.nat(good.length - 1),
      byte: fc.nat(255),
      cut: fc.option(fc.nat(good.length - 1), { freq: 5 }),
      more: fc.uint8Array({ maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, byte, cut, more }) => {
        const bytes = Uint8Array.from([...good.subarray(0, cut ?? good.length), ...more]);
        if (at < bytes.length) bytes[at] = byte;
        await count(endings, bytes);
      }),
      { numRuns: 1500 },
    );
    expect(endings.receipt).toBeGreaterThan(0);
    expect(endings.refusal).toBeGreaterThan(0);
    expect(endings.void).toBe(0);
  });
});

describe("calls of any method with any parameters", () => {
  const targets = [0, 1, 2, 3, 4, 5, 6, 99, 100, 101, 102, 103, 104, 4242].map((id) => Address.id(id));

  /** CBOR-like data: mostly well formed, so that parameters get past their first byte. */
  const item: fc.Arbitrary<number[]> = fc.letrec<{ item: number[] }>((tie) => ({
    item: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.nat(23).map((n) => [n]),
      fc.nat(23).map((n) => [0x20 | n]),
      fc.nat(255).map((n) => [0x18, n]),
      fc.uint8Array({ maxLength: 23 }).map((b) => [0x40 | b.length, ...b]),
      fc.constantFrom<number[]>([0xf4], [0xf5], [0xf6], [0x42, 0, 100], [0x43, 0, 0xe8, 7], [0xd8, 0x2a, 0x41, 0]),
      fc.array(tie("item"), { maxLength: 6 }).map((items) => [0x80 | items.length, ...items.flat()]),
    ),
  })).item;

  test("no call breaks the machine or fails to give a receipt", async () => {
    const endings = { receipt: 0, refusal: 0, void: 0 };
    const call = fc.record({
      to: fc.constantFrom(...targets),
      method: fc.bigInt(0n, 25n),
      params: fc.oneof(
        item,
        fc.uint8Array({ maxLength: 60 }).map((b) => [...b]),
      ),
      value: fc.constantFrom(0n, 1n, 10n ** 18n),
      gasLimit: fc.constantFrom(1_000_000n, 10_000_000_000n),
    });
    await fc.assert(
      fc.asyncProperty(call, async ({ params, ...fields }) => {
        await count(endings, message({ ...fields, params: Uint8Array.from(params) }));
      }),
      { numRuns: 1500 },
    );
    expect(endings).toMatchObject({ refusal: 0, void: 0 });
  });
});
