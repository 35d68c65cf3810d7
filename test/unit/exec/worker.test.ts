/** Execution in a worker gives what execution in this thread gives, whatever its world is like and whoever dies. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { toBase64, toHex } from "../../../src/base/bytes.ts";
import { EngineFault } from "../../../src/core/errors.ts";
import { channelsWork } from "../../../src/exec/channel.ts";
import { ExecError } from "../../../src/exec/errors.ts";
import { Executor, type ExecutorParts } from "../../../src/exec/executor.ts";
import { ExecutionPool, type PoolClient } from "../../../src/exec/pool.ts";
import type { Execution, MessageInput, TipsetInput } from "../../../src/exec/types.ts";
import { buildGenesis } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import { sealedCid } from "../../../src/sector/piece/cid.ts";
import { encodeMethodParams } from "../../../src/state/state-view.ts";
import type { BlockSource } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import { CID, cidOfBlock, cidOfText } from "../../../src/types/cid.ts";
import {
  contextOf,
  key,
  makeState,
  message,
  NO_PROOFS,
  NO_RANDOMNESS,
  type PlainState,
} from "../../support/plain-state.ts";

const NETWORK_VERSION = 5;
const RULES = { networkVersionAt: () => NETWORK_VERSION, circulatingSupply: 10n ** 27n };
const OPTIONS = { profile: "devnet" } as const;
const MISSING = CID.parse("bafy2bzaceaq6gxxjuvsf7diwddfpxh24wdaximidodyhlquouvknsnc4gnc6a");

const pools: ExecutionPool[] = [];
afterEach(async () => {
  for (const one of pools.splice(0)) await one.close();
});

type Worker = PoolClient & { killWorker(): Promise<boolean> };

/** The one client of a pool of one worker. */
function workerOver(blocks: BlockSource, channels: boolean, parts: Partial<ExecutorParts> = {}): Worker {
  const world = { blocks, randomness: NO_RANDOMNESS, proofs: NO_PROOFS, ...parts };
  const pool = new ExecutionPool({ size: 1, channels });
  pools.push(pool);
  const client = pool.client(OPTIONS, world);
  return Object.assign(client, { killWorker: () => pool.killWorker() });
}

function threadOver(blocks: BlockSource): Executor {
  return new Executor(OPTIONS, { blocks, randomness: NO_RANDOMNESS, proofs: NO_PROOFS });
}

function input(bytes: Uint8Array): MessageInput {
  return { bytes, chainLength: bytes.length };
}

/** A store that answers only later, and does something first at the first question of all. */
function slow(under: BlockSource, first: () => Promise<unknown> | unknown = () => {}): BlockSource {
  let asked = 0;
  const get = async (cid: Uint8Array): Promise<Uint8Array | undefined> => {
    if (asked++ === 0) await first();
    return under.get(cid);
  };
  return { peek: () => undefined, get };
}

let store: MemoryStore;
let root: CID;
let miner: Address;
beforeAll(async () => {
  const accounts = Array.from({ length: 20 }, (_, i) => ({ address: key(i), balance: 1000n * FIL }));
  const genesis = await buildGenesis({ network: DEVNET, networkVersion: NETWORK_VERSION, accounts, worker: key(0) });
  store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  root = genesis.stateRoot;
  miner = genesis.miners[0] as Address;
});

/** Messages of senders who have used `nonce` nonces, account 1 twice as many. */
function tipset(stateRoot: CID, parentEpoch: number, epoch: number, nonce = 0n): TipsetInput {
  const send = (from: number, fields: object = {}) => input(message({ from: key(from), nonce, value: 5n, ...fields }));
  const first = send(1, { nonce: 2n * nonce });
  const blsMessages = [first, send(2), send(1, { nonce: 2n * nonce + 1n }), send(3, { nonce: 99n }), first];
  const block = { miner, winCount: 1n, blsMessages, secpMessages: [send(4), send(5, { to: new_(epoch) })] };
  return { stateRoot, parentEpoch, epoch, baseFee: 100n, blocks: [block] };
}

/** An address that no account has yet. */
function new_(seed: number): Address {
  const bytes = new Uint8Array(49).fill(seed);
  bytes[0] = 3;
  return Address.fromBytes(bytes);
}

const ways = [
  ...(channelsWork() ? [{ way: "over a channel", channels: true }] : []),
  { way: "in rounds", channels: false },
] as const;

describe.each(ways)("a worker that asks $way", ({ channels }) => {
  test("gives the same results for a row of tipsets, from a store that answers at once and from one that does not", async () => {
    const ours = new MemoryStore(store);
    const theirs = new MemoryStore(store);
    const thread = threadOver(ours);
    const quick = workerOver(theirs, channels);
    const late = workerOver(slow(theirs), channels);
    let at = root;
    for (let i = 0; i < 3; i++) {
      const one = tipset(at, 10 + 3 * i, 12 + 3 * i, BigInt(i));
      const expected = await thread.applyTipset(one, RULES, { tracing: i === 1 });
      const got = await quick.applyTipset(one, RULES, { tracing: i === 1 });
      expect(got).toEqual(expected);
      expect(await late.applyTipset(one, RULES, { tracing: i === 1 })).toEqual(expected);
      expect(expected.applied.filter(({ exitCode }) => exitCode === 0).length).toBe(8);
      ours.writeNow({ blocks: expected.blocks });
      theirs.writeNow({ blocks: got.blocks });
      at = expected.stateRoot;
    }
  });

  test("gives the same for one message and for simulated ones", async () => {
    const context = { ...contextOf(root, NETWORK_VERSION), baseFee: 0n };
    const worker = workerOver(store, channels);
    const single = { ...context, message: input(message({ value: 7n })) };
    expect(await worker.applyMessage(single)).toEqual(await threadOver(store).applyMessage(single));
    const messages = [
      ...[0n, 1n, 7n].map((nonce) => input(message({ nonce, value: 3n }))),
      { ...input(message({ nonce: 99n })), nonceFromState: true as const, baseFee: 5n },
      { ...input(message({ nonce: 99n })), implicit: true as const },
    ];
    const trial = { context, messages };
    const result = await worker.simulate(trial, { tracing: true });
    expect(result).toEqual(await threadOver(store).simulate(trial, { tracing: true }));
    expect(result.applied.map(({ exitCode }) => exitCode)).toEqual([0, 0, 2, 0, 0]);
    expect(result.applied.map(({ gasUsed }) => gasUsed > 0n)).toEqual([true, true, false, true, false]);
    expect(result.applied[3]?.baseFeeBurn).toBe(5n * (result.applied[3]?.gasUsed as bigint));
    const stranger = { ...input(message({ from: Address.id(99_999) })), nonceFromState: true as const };
    await expect(worker.simulate({ context, messages: [stranger] })).rejects.toMatchObject({ code: "UNKNOWN_SENDER" });
  });

  test("reports faults and failures as this thread does, and goes on", async () => {
    const worker = workerOver(store, channels);
    const failures = async (execution: Execution): Promise<unknown[]> => {
      const jobs = [
        () => execution.applyTipset(tipset(MISSING, 10, 11), RULES),
        () => execution.applyMessage({ ...contextOf(root, NETWORK_VERSION), message: input(Uint8Array.of(0x8a)) }),
        () => execution.applyTipset({ ...tipset(root, 10, 11), blocks: [stranger()] }, RULES),
        () => execution.applyTipset(tipset(root, 11, 10), RULES),
      ];
      const out: unknown[] = [];
      for (const job of jobs) out.push(await job().catch((error: unknown) => error));
      return out;
    };
    const stranger = () => ({ miner: Address.id(4242), winCount: -1n, blsMessages: [], secpMessages: [] });
    const got = await failures(worker);
    expect(got).toEqual(await failures(threadOver(store)));
    expect(got.map((error) => (error as EngineFault).data.code)).toEqual([
      "BLOCK_MISSING",
      "MESSAGE_REFUSED",
      "IMPLICIT_FAILED",
      "BAD_EPOCH",
    ]);
    expect(got[0]).toBeInstanceOf(EngineFault);
    expect(got[2]).toBeInstanceOf(ExecError);
    expect((await worker.applyTipset(tipset(root, 10, 11), RULES)).applied.length).toBeGreaterThan(0);
  });

  test("passes on what a store throws, itself", async () => {
    const broken = new Error("the disk is on fire");
    const worker = workerOver(
      slow(store, () => {
        throw broken;
      }),
      channels,
    );
    await expect(worker.applyTipset(tipset(root, 10, 11), RULES)).rejects.toBe(broken);
    expect((await worker.applyTipset(tipset(root, 10, 11), RULES)).stateRoot.bytes).toHaveLength(38);
  });

  test("reads a block of more than one part of a channel", async () => {
    const state = bigMultisig();
    const none = new Uint8Array(0);
    const proposal = dagCbor.encode([Address.id(100).bytes, none, 0, none]);
    const call = {
      ...contextOf(state.root, NETWORK_VERSION),
      message: input(message({ to: Address.id(90), method: 2n, params: proposal })),
    };
    const expected = await threadOver(state.store).applyMessage(call);
    expect(await workerOver(state.store, channels).applyMessage(call)).toEqual(expected);
    expect(expected.applied.why).toContain("not a signer");
  });

  test("takes randomness and verdicts on proofs from the thread that wants the run", async () => {
    const outcomes = [];
    for (const valid of [true, false])
      for (const make of [
        (parts: ExecutorParts) => new Executor(OPTIONS, parts),
        (parts: ExecutorParts) => workerOver(parts.blocks, channels, parts),
      ])
        outcomes.push(await sealOneSector(make, valid));
    const [good, goodToo, bad, badToo] = outcomes as [Outcome, Outcome, Outcome, Outcome];
    expect(goodToo).toEqual(good);
    expect(badToo).toEqual(bad);
    expect(good.asked).toEqual(["beacon 6", "seal", "ticket 5"]);
    expect(good.infos).toHaveLength(1);
    expect(bad.asked).toEqual(good.asked);
    expect(bad.stateRoot).not.toEqual(good.stateRoot);
    // Randomness that must be looked up first: the run waits for it and goes the same way.
    const late = [
      await sealOneSector((parts) => new Executor(OPTIONS, parts), true, true),
      await sealOneSector((parts) => workerOver(parts.blocks, channels, parts), true, true),
    ];
    for (const one of late) expect(one).toEqual(good);
  });

  test("an aborted run rejects with the signal's reason, and the next one is as if it had not been", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const source = slow(store, () => controller.abort(reason));
    const worker = workerOver(source, channels);
    const run = worker.applyTipset(tipset(root, 10, 11), RULES, { signal: controller.signal });
    await expect(run).rejects.toBe(reason);
    await expect(worker.applyTipset(tipset(root, 10, 11), RULES, { signal: controller.signal })).rejects.toBe(reason);
    const expected = await threadOver(store).applyTipset(tipset(root, 10, 11), RULES);
    expect(await worker.applyTipset(tipset(root, 10, 11), RULES)).toEqual(expected);
  });
});

describe("a worker that dies", () => {
  const run = (worker: Worker) => worker.applyTipset(tipset(root, 10, 40), RULES);
  const expected = () => threadOver(store).applyTipset(tipset(root, 10, 40), RULES);

  test.each(ways)("at its work is replaced, and the run repeated ($way)", async ({ channels }) => {
    const worker = workerOver(store, channels);
    const long = worker.applyTipset(tipset(root, 10, 1500), RULES);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await worker.killWorker()).toBe(true);
    // Of null rounds the first 1,024 are told of.
    expect((await long).applied.filter(({ kind }) => kind === "cron")).toHaveLength(1025);
    expect(await run(worker)).toEqual(await expected());
  });

  test("between two runs is replaced", async () => {
    const worker = workerOver(store, channelsWork());
    const before = await run(worker);
    await worker.killWorker(); // in Node; Web Workers are killed at their work only
    expect(await run(worker)).toEqual(before);
  });

  // In rounds no worker is at work while it is asked something.
  if (!channelsWork()) return;

  test("while it waits for an answer takes nothing with it", async () => {
    const killed: boolean[] = [];
    const worker: Worker = workerOver(
      slow(store, async () => killed.push(await worker.killWorker())),
      true,
    );
    expect(await run(worker)).toEqual(await expected());
    expect(killed).toEqual([true]);
  });

  test("every time is given up, and the executor goes on", async () => {
    let deadly = true;
    const source: BlockSource = {
      peek: () => undefined,
      get: async (cid) => {
        if (deadly) await worker.killWorker();
        return store.get(cid);
      },
    };
    const worker: Worker = workerOver(source, true);
    await expect(run(worker)).rejects.toMatchObject({ data: { code: "WORKER_LOST", attempts: 3 } });
    deadly = false;
    expect((await run(worker)).applied.length).toBeGreaterThan(30);
  });
});

type Outcome = { readonly stateRoot: CID; readonly asked: readonly string[]; readonly infos: readonly string[] };

/** Commits one sector of the first miner and proves it, before a verifier that always says `valid`. */
async function sealOneSector(
  make: (parts: ExecutorParts) => Execution,
  valid: boolean,
  late = false,
): Promise<Outcome> {
  const asked = new Set<string>();
  // What the verifier is shown has the randomness in it.
  const infos = new Set<string>();
  const draw = (kind: string) => (tag: number, epoch: number, entropy: Uint8Array) => {
    asked.add(`${kind} ${tag}`);
    const drawn = new Uint8Array(32).fill(epoch + entropy.length);
    return late ? new Promise<Uint8Array>((resolve) => setTimeout(() => resolve(drawn), 1)) : drawn;
  };
  const blocks = new MemoryStore(store);
  const execution = make({
    blocks,
    randomness: { ticketRandomness: draw("ticket"), beaconRandomness: draw("beacon") },
    proofs: {
      verifyPoSt: () => false,
      verifySeal: async (info) => {
        asked.add("seal");
        infos.add(toHex(info));
        return valid;
      },
    },
  });
  const code = cidOfText("fil/2/storageminer");
  const sealed = sealedCid(new Uint8Array(32).fill(7));
  const sector = {
    SealProof: 0,
    SectorNumber: 0,
    SealedCID: { "/": `${sealed}` },
    SealRandEpoch: 15,
    DealIDs: [],
    Expiration: 600_000,
    ReplaceCapacity: false,
    ReplaceSectorDeadline: 0,
    ReplaceSectorPartition: 0,
    ReplaceSectorNumber: 0,
  };
  const proof = { SectorNumber: 0, Proof: toBase64(new Uint8Array(192)) };
  const steps = [
    { epoch: 20, method: 6n, value: 100n * FIL, params: sector },
    { epoch: 40, method: 7n, value: 0n, params: proof },
  ];
  let stateRoot = root;
  let parentEpoch = 19;
  for (const [nonce, { epoch, method, value, params }] of steps.entries()) {
    const bytes = encodeMethodParams(code, method, params, "t");
    const fields = { to: miner, from: key(0), nonce: BigInt(nonce), method, value, params: bytes };
    const block = { miner, winCount: 1n, blsMessages: [input(message(fields))], secpMessages: [] };
    const result = await execution.applyTipset(
      { stateRoot, parentEpoch, epoch, baseFee: 100n, blocks: [block] },
      RULES,
    );
    expect(result.applied.map(({ kind, exitCode, why }) => [kind, exitCode, why])).toContainEqual(["message", 0, ""]);
    blocks.writeNow({ blocks: result.blocks });
    stateRoot = result.stateRoot;
    parentEpoch = epoch;
  }
  await execution.close();
  return { stateRoot, asked: [...asked].sort(), infos: [...infos] };
}

/** A multisig (id 90) whose list of signers alone is larger than the memory of a channel. */
function bigMultisig(): PlainState {
  const signers = Array.from({ length: 8000 }, (_, i) => key(1000 + i).bytes);
  const emptyMap = dagCbor.encode([new Uint8Array(0), []]);
  const pending = cidOfBlock(emptyMap);
  const nothing = new Uint8Array(0);
  const state = makeState(NETWORK_VERSION, 3, [
    { id: 90, code: "fil/2/multisig", state: [signers, 1, 0, nothing, 0, 0, pending] },
  ]);
  state.store.writeNow({ blocks: [{ cid: pending.bytes, bytes: emptyMap }] });
  return state;
}
