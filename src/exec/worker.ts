/**
 * The module that runs in the workers of an `ExecutionPool`: machines by their configuration, one cache of blocks for
 * all, and the channel to the thread that wants the run.
 */
import { platform } from "#platform";
import { failureOf } from "../base/errors.ts";
import { type Crypto, loadCrypto } from "../core/crypto.ts";
import { useWasm } from "../core/load.ts";
import type { VmOptions } from "../core/vm.ts";
import { answerMessages } from "../platform/worker-scope.ts";
import { BlockCache } from "./block-cache.ts";
import { AskingEnd } from "./channel.ts";
import { Executor } from "./executor.ts";
import { packResult } from "./packed.ts";
import type { RunOptions } from "./types.ts";
import { verifyNow } from "./verify-job.ts";
import {
  type KeyAnswer,
  type MachineAnswer,
  type MachineJob,
  type MachineMessage,
  type Question,
  questionKey,
  type Reply,
  type SignMessage,
  tipsetOf,
  unpackFault,
  type VerifyMessage,
  whole,
} from "./wire.ts";

/** Bytes of one half of the cache: the working set of a state of some 10^5 accounts. */
const CACHE_BYTES = 32 << 20;
/** Machines kept; the one that was used least lately goes first, and is made again when wanted. */
const MAX_MACHINES = 4;

/** Ends a run that must know what this worker cannot. */
class Unanswered extends Error {}

class Session {
  private readonly cache = new BlockCache(CACHE_BYTES);
  private readonly configurations = new Map<number, VmOptions>();
  /** Least lately used first. */
  private readonly machines = new Map<number, Executor>();
  private channel: AskingEnd | null = null;
  private world = 0;
  private answered = new Map<string, Reply>();
  private open: Question | null = null;

  async handle(message: MachineMessage): Promise<MachineAnswer> {
    const { configuration, options, world, newChannel, channel } = message;
    if (newChannel !== undefined) this.channel = new AskingEnd(newChannel);
    if (options !== undefined) this.configurations.set(configuration, options);
    if (channel === null) this.channel = null;
    else if (channel !== this.channel?.id) return { isNew: true };
    const machine = this.machine(configuration);
    if (machine === null) return { isNew: true };
    this.world = world;
    this.answered = new Map(message.answered.map(({ question, reply }) => [questionKey(question), reply]));
    this.open = null;
    try {
      const result = await run(machine, message.job, { tracing: message.tracing });
      if (result.blocks !== undefined) for (const { cid, bytes } of result.blocks) this.cache.put(cid, bytes, world);
      return { result: packResult(result) };
    } catch (error) {
      return this.open === null ? { failure: failureOf(error) } : { asks: this.open };
    } finally {
      this.answered = new Map();
    }
  }

  /** The machine of a configuration; null if that was never told. */
  private machine(configuration: number): Executor | null {
    const options = this.configurations.get(configuration);
    if (options === undefined) return null;
    const machine = this.machines.get(configuration) ?? this.makeMachine(options);
    this.machines.delete(configuration);
    this.machines.set(configuration, machine);
    for (const [least] of this.machines) if (this.machines.size > MAX_MACHINES) this.machines.delete(least);
    return machine;
  }

  private makeMachine(options: VmOptions): Executor {
    const peek = (cid: Uint8Array): Uint8Array | undefined => this.block(cid);
    const draw = (kind: "ticket" | "beacon") => (tag: number, epoch: number, entropy: Uint8Array) =>
      this.ask({ kind, tag, epoch, entropy }) ?? new Uint8Array(0);
    const digest = (kind: "ticket-digest" | "beacon-digest" | "tipset") => (epoch: number) => this.ask({ kind, epoch });
    const verify = (kind: "post" | "seal" | "aggregate" | "update") => (info: Uint8Array) =>
      this.ask({ kind, info })?.[0] === 1;
    return new Executor(options, {
      blocks: { peek, get: async (cid) => peek(cid) },
      randomness: {
        ticketRandomness: draw("ticket"),
        beaconRandomness: draw("beacon"),
        digests: {
          ticketDigest: digest("ticket-digest"),
          beaconDigest: digest("beacon-digest"),
          tipsetCid: digest("tipset"),
        },
      },
      proofs: {
        verifyPoSt: verify("post"),
        verifySeal: verify("seal"),
        verifyAggregate: verify("aggregate"),
        verifyReplicaUpdate: verify("update"),
      },
      consensusFault: (first, second, extra) => unpackFault(this.ask({ kind: "fault", first, second, extra })),
    });
  }

  private block(cid: Uint8Array): Uint8Array | undefined {
    const known = this.cache.get(cid, this.world);
    if (known !== undefined) return known;
    if (this.cache.has(cid)) {
      const held = this.ask({ kind: "held", cid })?.[0] === 1;
      return held ? this.cache.share(cid, this.world) : undefined;
    }
    const block = this.ask({ kind: "block", cid }) ?? undefined;
    if (block !== undefined) this.cache.put(cid, block, this.world);
    return block;
  }

  private ask(question: Question): Reply {
    if (this.answered.size > 0) {
      const reply = this.answered.get(questionKey(question));
      if (reply !== undefined) return reply;
    }
    if (this.channel !== null) return this.channel.ask(question);
    this.open = question;
    throw new Unanswered(`a ${question.kind} must be known`);
  }
}

function run(machine: Executor, job: MachineJob, options: RunOptions) {
  switch (job.kind) {
    case "tipset":
      return machine.applyTipset(...tipsetOf(job), options);
    case "message":
      return machine.applyMessage(whole(job.input), options);
    case "simulate":
      return machine.simulate({ ...job, context: whole(job.context) }, options);
  }
}

const session = new Session();
let isPlaced = false;
let crypto: Crypto | null = null;

/** Does the job of a message. */
export async function work(message: MachineMessage | VerifyMessage | SignMessage): Promise<MachineAnswer | KeyAnswer> {
  if (!isPlaced) useWasm(message.wasm);
  isPlaced = true;
  if ("job" in message) return session.handle(message);
  try {
    // One message at a time; what could not be loaded is tried again with the next.
    crypto ??= await loadCrypto();
    if ("verify" in message)
      return { result: message.verify.map((job) => verifyNow(crypto as Crypto, job, platform.randomBytes)) };
    return { result: crypto.blsSign(message.sign.secret, message.sign.message) };
  } catch (error) {
    return { failure: failureOf(error) };
  } finally {
    if ("sign" in message) message.sign.secret.fill(0);
  }
}

answerMessages(platform.environment, work);
