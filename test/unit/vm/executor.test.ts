/** Fetching and running again; tipsets; upgrades of the state. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, describe, expect, test } from "vitest";
import { equal, toHex } from "../../../src/base/bytes.ts";
import { EngineFault } from "../../../src/core/errors.ts";
import { Executor } from "../../../src/exec/executor.ts";
import type { Migration } from "../../../src/exec/migration.ts";
import { linksOf, reachable } from "../../../src/exec/reachable.ts";
import { chargesOf, isCall } from "../../../src/exec/trace.ts";
import type { MessageInput, TipsetInput } from "../../../src/exec/types.ts";
import { buildGenesis } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import type { BlockSource } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import { CID, cidKey } from "../../../src/types/cid.ts";
import {
  contextOf,
  executorOver,
  idOf,
  key,
  makeState,
  message,
  NO_PROOFS,
  NO_RANDOMNESS,
  type PlainState,
} from "../../support/plain-state.ts";

const NETWORK_VERSION = 5;

/** A store that never answers at once, and counts what it is asked for. */
class SlowStore implements BlockSource {
  readonly asked = new Map<string, number>();
  readonly #under: MemoryStore;

  constructor(under: MemoryStore) {
    this.#under = under;
  }

  peek(): undefined {
    return undefined;
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    this.asked.set(cidKey(cid), (this.asked.get(cidKey(cid)) ?? 0) + 1);
    return this.#under.peek(cid);
  }
}

function input(bytes: Uint8Array): MessageInput {
  return { bytes, chainLength: bytes.length };
}

describe("missing blocks", () => {
  let state: PlainState;
  beforeAll(() => {
    state = makeState(NETWORK_VERSION, 200);
  });

  test("a run over a slow store gives what a run over a quick one gives, and fetches each block once", async () => {
    const send = input(message({ from: key(17), to: key(180), value: 7n }));
    const single = { ...contextOf(state.root, NETWORK_VERSION), message: send };
    const quick = await executorOver(state.store).applyMessage(single);
    const slow = new SlowStore(state.store);
    const again = await executorOver(slow).applyMessage(single);
    expect(`${again.stateRoot}`).toBe(`${quick.stateRoot}`);
    expect(again.applied).toEqual(quick.applied);
    expect(again.blocks.map(({ cid }) => toHex(cid))).toEqual(quick.blocks.map(({ cid }) => toHex(cid)));
    expect(slow.asked.size).toBeGreaterThan(3);
    expect([...slow.asked.values()].every((times) => times === 1)).toBe(true);
  });

  test("a block that nobody has is a fault that names it, and the executor goes on", async () => {
    const executor = executorOver(state.store);
    const nowhere = CID.parse("bafy2bzaceaq6gxxjuvsf7diwddfpxh24wdaximidodyhlquouvknsnc4gnc6a");
    const send = input(message({ value: 1n }));
    const lost = executor.applyMessage({ ...contextOf(nowhere, NETWORK_VERSION), message: send });
    const error: unknown = await lost.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineFault);
    expect((error as EngineFault).data).toEqual({ code: "BLOCK_MISSING", cid: nowhere.bytes });
    const next = await executor.applyMessage({ ...contextOf(state.root, NETWORK_VERSION), message: send });
    expect(next.applied.exitCode).toBe(0);
  });

  test("only blocks that the new root reaches are part of the result", async () => {
    const executor = executorOver(state.store);
    const context = contextOf(state.root, NETWORK_VERSION);
    const result = await executor.applyMessage({ ...context, message: input(message({ value: 3n })) });
    const made = new Set(result.blocks.map(({ cid }) => cidKey(cid)));
    expect(made.has(cidKey(result.stateRoot))).toBe(true);
    const linked = new Set(result.blocks.flatMap(({ bytes }) => linksOf(bytes).map(cidKey)));
    for (const key of made) if (key !== cidKey(result.stateRoot)) expect(linked.has(key)).toBe(true);
    expect(reachable([result.stateRoot], result.blocks)).toHaveLength(result.blocks.length);
  });

  test("a message that no block may hold is refused and the machine stays as it was", async () => {
    const executor = executorOver(state.store);
    const context = contextOf(state.root, NETWORK_VERSION);
    for (const [bytes, reason] of [
      [message({ gasLimit: 0n }), "NOT_APPLICABLE"],
      [message({ gasFeeCap: -1n }), "NOT_APPLICABLE"],
      [message({ gasPremium: -1n }), "NOT_APPLICABLE"],
      [Uint8Array.of(0x8a), "MALFORMED"],
      [Uint8Array.of(), "MALFORMED"],
    ] as const) {
      const error: unknown = await executor
        .applyMessage({ ...context, message: input(bytes) })
        .catch((thrown: unknown) => thrown);
      expect((error as EngineFault).data).toEqual({ code: "MESSAGE_REFUSED", reason });
    }
  });
});

describe("tipsets", () => {
  const accounts = [0, 1, 2, 3].map((i) => ({ address: key(i), balance: 1000n * FIL }));
  let store: MemoryStore;
  let root: CID;
  let miner: Address;
  beforeAll(async () => {
    const network = DEVNET;
    const genesis = await buildGenesis({ network, networkVersion: NETWORK_VERSION, accounts, worker: key(0) });
    store = new MemoryStore();
    store.writeNow({ blocks: genesis.blocks });
    root = genesis.stateRoot;
    miner = genesis.miners[0] as Address;
  });

  const rules = { networkVersionAt: () => NETWORK_VERSION, circulatingSupply: 10n ** 27n };
  const tipset = (fields: Partial<TipsetInput>): TipsetInput => ({
    stateRoot: root,
    parentEpoch: 10,
    epoch: 11,
    baseFee: 100n,
    blocks: [],
    ...fields,
  });
  const block = (blsMessages: readonly MessageInput[]): TipsetInput["blocks"][number] => ({
    miner,
    winCount: 1n,
    blsMessages,
    secpMessages: [],
  });

  test("cron runs once in every null round and once at the end", async () => {
    const result = await executorOver(store).applyTipset(tipset({ parentEpoch: 10, epoch: 14 }), rules);
    expect(result.applied.map(({ kind, epoch }) => [kind, epoch])).toEqual([
      ["cron", 11],
      ["cron", 12],
      ["cron", 13],
      ["cron", 14],
    ]);
  });

  test("null rounds give the state that empty tipsets give, one after another", async () => {
    const executor = executorOver(store);
    const once = await executor.applyTipset(tipset({ parentEpoch: 10, epoch: 13 }), rules);
    let stateRoot = root;
    const steps = new MemoryStore(store);
    for (let epoch = 11; epoch <= 13; epoch++) {
      const step = await executorOver(steps).applyTipset(tipset({ stateRoot, parentEpoch: epoch - 1, epoch }), rules);
      steps.writeNow({ blocks: step.blocks });
      stateRoot = step.stateRoot;
    }
    expect(`${stateRoot}`).toBe(`${once.stateRoot}`);
  });

  test("thousands of null rounds give the same, keep little of what they made, and hear an interrupt", async () => {
    const executor = executorOver(store);
    const once = await executor.applyTipset(tipset({ parentEpoch: 10, epoch: 2600 }), rules);
    const steps = new MemoryStore(store);
    let stateRoot = root;
    for (const [parentEpoch, epoch] of [
      [10, 900],
      [900, 1800],
      [1800, 2600],
    ] as const) {
      const step = await executorOver(steps).applyTipset(tipset({ stateRoot, parentEpoch, epoch }), rules);
      steps.writeNow({ blocks: step.blocks });
      stateRoot = step.stateRoot;
    }
    expect(`${stateRoot}`).toBe(`${once.stateRoot}`);
    expect(once.applied.length).toBeLessThan(1100);
    const interrupt = new AbortController();
    const endless = executor.applyTipset(tipset({ parentEpoch: 10, epoch: 5_000_000 }), rules, {
      signal: interrupt.signal,
    });
    setTimeout(() => interrupt.abort(new Error("interrupted")), 1);
    await expect(endless).rejects.toThrow("interrupted");
    await expect(executor.applyTipset(tipset({ parentEpoch: 10, epoch: 2 ** 52 }), rules)).rejects.toMatchObject({
      code: "NULL_ROUNDS",
    });
  });

  test("a message in two blocks is applied once; each block has its reward, cron comes last", async () => {
    const a = input(message({ value: 5n }));
    const b = input(message({ value: 6n, nonce: 1n }));
    const input_ = tipset({ blocks: [block([a]), { ...block([a, b]), winCount: 2n }] });
    const result = await executorOver(store).applyTipset(input_, rules);
    expect(result.applied.map(({ kind }) => kind)).toEqual(["message", "reward", "message", "reward", "cron"]);
    expect(result.applied.every(({ exitCode }) => exitCode === 0)).toBe(true);
  });

  test("receipts are an array of what the messages left, without implicit ones", async () => {
    const result = await executorOver(store).applyTipset(
      tipset({ blocks: [block([input(message({ value: 5n })), input(message({ nonce: 7n }))])] }),
      rules,
    );
    const [ok, bad] = result.applied;
    const bytes = result.blocks.find(({ cid }) => equal(cid, result.receiptsRoot.bytes))?.bytes as Uint8Array;
    // AMT of width 8: [height, count, [bitmap, links, values]]; a receipt is [exit code, return, gas used].
    expect(dagCbor.decode(bytes)).toEqual([
      0,
      2,
      [
        Uint8Array.of(0b11),
        [],
        [
          [0, new Uint8Array(0), Number(ok?.gasUsed)],
          [2, new Uint8Array(0), Number(bad?.gasUsed)],
        ],
      ],
    ]);
    expect(bad?.gasUsed).toBe(0n);
  });

  test("an empty tipset has the root of the empty array of receipts", async () => {
    const result = await executorOver(store).applyTipset(tipset({}), rules);
    const bytes = result.blocks.find(({ cid }) => equal(cid, result.receiptsRoot.bytes))?.bytes as Uint8Array;
    expect(toHex(bytes)).toBe("8300008341008080");
  });

  test("a reward that fails voids the tipset", async () => {
    const stranger = { ...block([]), miner: Address.id(4242) };
    const error: unknown = await executorOver(store)
      .applyTipset(tipset({ blocks: [{ ...stranger, winCount: -1n }] }), rules)
      .catch((thrown: unknown) => thrown);
    expect((error as { code?: string }).code).toBe("IMPLICIT_FAILED");
  });

  test("a tipset before its parent is refused", async () => {
    await expect(executorOver(store).applyTipset(tipset({ epoch: 9 }), rules)).rejects.toMatchObject({
      data: { code: "BAD_EPOCH" },
    });
  });

  test("an upgrade replaces the state between two epochs, on slow stores too", async () => {
    const migrated: CID[] = [];
    const toRoot: Migration = async (at, epoch, blocks) => {
      expect(epoch).toBe(12);
      for (const { bytes: cid } of [at, root])
        if (blocks.peek(cid) === undefined) throw new EngineFault({ code: "BLOCK_MISSING", cid }, "not at hand");
      migrated.push(at);
      return root;
    };
    const upgrades = [{ epoch: 12, name: "actors-v2" }] as const;
    const none = async (): Promise<never> => {
      throw new Error("no other migration was asked for");
    };
    const later = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18] as const;
    const others = Object.fromEntries(later.map((actors) => [`actors-v${actors}`, none] as const));
    const migrations = { ...(others as Record<`actors-v${(typeof later)[number]}`, typeof none>), "actors-v2": toRoot };
    const over = (blocks: BlockSource): Executor =>
      new Executor({ asset: "vm-test.wasm" }, { blocks, randomness: NO_RANDOMNESS, proofs: NO_PROOFS, migrations });
    const input_ = tipset({ parentEpoch: 10, epoch: 14 });
    const result = await over(store).applyTipset(input_, { ...rules, upgrades });
    const plain = await executorOver(store).applyTipset(tipset({ parentEpoch: 12, epoch: 14 }), rules);
    expect(migrated).toHaveLength(1);
    expect(`${migrated[0]}`).not.toBe(`${root}`);
    expect(`${result.stateRoot}`).toBe(`${plain.stateRoot}`);
    const slow = await over(new SlowStore(store)).applyTipset(input_, { ...rules, upgrades });
    expect(`${slow.stateRoot}`).toBe(`${plain.stateRoot}`);
  });
});

describe("traces", () => {
  test("charges of a message sum up to the gas it used, nested calls included", async () => {
    const state = makeState(NETWORK_VERSION, 3);
    const bytes = message({ to: Address.secp256k1(new Uint8Array(65)), value: 9n });
    const context = contextOf(state.root, NETWORK_VERSION);
    const { applied } = await executorOver(state.store).applyMessage(
      { ...context, message: input(bytes) },
      { tracing: true },
    );
    const calls = applied.trace ?? [];
    expect(calls).toHaveLength(1);
    expect(chargesOf(calls).reduce((sum, { gas }) => sum + gas, 0)).toBe(Number(applied.gasUsed));
    const nested = calls[0]?.steps.filter(isCall) ?? [];
    expect(nested.map(({ to, method }) => [toHex(to), method])).toEqual([[toHex(idOf(3).bytes), 1n]]);
  });
});
