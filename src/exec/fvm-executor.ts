/**
 * Running messages in the FVM over a store that may answer only later: as `Executor` does for the native machine. What is not at
 * hand (a block, a verdict, randomness) voids the run; it is awaited, kept for this run, and the message goes the same way again.
 */
import {
  Fvm,
  type FvmApplyRet,
  type FvmContext,
  type FvmHost,
  type FvmOptions,
  type ProvenFault,
} from "../core/fvm.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { Block, CID } from "../types/cid.ts";
import { Awaited } from "./awaited.ts";
import { reachable } from "./reachable.ts";
import type { MessageInput } from "./types.ts";

type Later<Answer> = Answer | Promise<Answer>;

export type FvmParts = {
  readonly blocks: BlockSource;
  /** Codes and manifests of actors, beside the store. */
  readonly actors: { peek(cid: Uint8Array): Uint8Array | undefined };
  readonly randomness: {
    /** 32 bytes of the tickets or the beacon for an epoch; null if there are none. */
    ticketDigest(epoch: number): Later<Uint8Array | null>;
    beaconDigest(epoch: number): Later<Uint8Array | null>;
  };
  readonly tipsetCid?: (epoch: number) => Later<Uint8Array | null>;
  readonly proofs: FvmProofs;
  readonly consensusFault: (
    first: Uint8Array,
    second: Uint8Array,
    extra: Uint8Array,
  ) => Later<ProvenFault | null | undefined>;
};

/** Verdicts on what actors hand over, as CBOR. */
export type FvmProofs = {
  readonly verifyPoSt: (info: Uint8Array) => Later<boolean>;
  readonly verifySeal: (info: Uint8Array) => Later<boolean>;
  readonly verifyAggregate: (info: Uint8Array) => Later<boolean>;
  readonly verifyReplicaUpdate: (info: Uint8Array) => Later<boolean>;
};

export type FvmResult = {
  readonly stateRoot: CID;
  readonly applied: FvmApplyRet;
  /** New blocks that the state holds, children before their parents. */
  readonly blocks: readonly Block[];
};

const LATIN1 = new TextDecoder("latin1");

/** Runs one message at a time; further ones wait. */
export class FvmExecutor {
  private readonly options: FvmOptions;
  private readonly parts: FvmParts;
  private vm: Fvm | null = null;
  private readonly awaited: Awaited;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(parts: FvmParts, options: FvmOptions = {}) {
    this.options = options;
    this.parts = parts;
    this.awaited = new Awaited(parts.blocks);
  }

  /** Applies a message of the chain alone, on a state. Faults: those of the engine but the ones that are waited for. */
  applyMessage(context: FvmContext, message: MessageInput): Promise<FvmResult> {
    return this.run(context, (vm) => {
      const applied = vm.apply(message.bytes, message.chainLength);
      const stateRoot = vm.flush();
      return { stateRoot, applied, blocks: reachable([stateRoot], vm.madeBlocks()) };
    });
  }

  /** Gives a job an open machine, and runs it again on a new one whenever something was missing. */
  run<T>(context: FvmContext, job: (vm: Fvm) => T): Promise<T> {
    const turn = this.queue.then(() => this.attempt(context, job));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private attempt<T>(context: FvmContext, job: (vm: Fvm) => T): Promise<T> {
    return this.awaited.repeat(async () => {
      try {
        this.vm ??= await Fvm.create(this.host(), this.options);
        this.vm.open(context);
        const result = job(this.vm);
        this.vm.close();
        return result;
      } finally {
        if (this.vm?.spent === true) this.vm = null;
      }
    });
  }

  private host(): FvmHost {
    const { awaited } = this;
    const { actors, randomness, proofs, tipsetCid, consensusFault } = this.parts;
    const text = (bytes: Uint8Array): string => LATIN1.decode(bytes);
    return {
      peek: (cid) => awaited.peek(cid) ?? actors.peek(cid),
      ticketDigest: (epoch) => awaited.answer(`ticket ${epoch}`, () => randomness.ticketDigest(epoch)),
      beaconDigest: (epoch) => awaited.answer(`beacon ${epoch}`, () => randomness.beaconDigest(epoch)),
      tipsetCid: (epoch) => awaited.answer(`tipset ${epoch}`, () => tipsetCid?.(epoch) ?? null),
      verifyPoSt: (info) => awaited.answer(`post ${text(info)}`, () => proofs.verifyPoSt(info)),
      verifySeal: (info) => awaited.answer(`seal ${text(info)}`, () => proofs.verifySeal(info)),
      verifyAggregate: (info) => awaited.answer(`aggregate ${text(info)}`, () => proofs.verifyAggregate(info)),
      verifyReplicaUpdate: (info) => awaited.answer(`update ${text(info)}`, () => proofs.verifyReplicaUpdate(info)),
      consensusFault: (first, second, extra) =>
        awaited.answer(`fault ${first.length} ${second.length} ${[first, second, extra].map(text).join("")}`, () =>
          consensusFault(first, second, extra),
        ),
    };
  }
}
