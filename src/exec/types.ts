/** Inputs and outputs of execution. Amounts are attoFIL, gas is in gas; blocks are named by binary CIDs, as stores have them. */
import type { ProvenFault } from "../core/fvm.ts";
import type { ChainFacts, GenesisSupply, MachineContext } from "../core/vm.ts";
import type { Address } from "../types/address.ts";
import type { Block, CID } from "../types/cid.ts";
import type { ActorEdit } from "./edits.ts";
import type { Applied } from "./machine.ts";
import type { TraceCall } from "./trace.ts";
import type { UpgradeName } from "./upgrades.ts";

/** A message as it is in a block. */
export type MessageInput = {
  /** CBOR of the bare message. */
  readonly bytes: Uint8Array;
  /** Length that it is charged for: of the signed form for a secp256k1 sender, of the bare one else. */
  readonly chainLength: number;
};

/** A block's part in its tipset. Messages of BLS senders are applied before those of secp256k1 senders. */
export type BlockInput = {
  readonly miner: Address;
  readonly winCount: bigint;
  readonly blsMessages: readonly MessageInput[];
  readonly secpMessages: readonly MessageInput[];
};

/** 32 bytes for a domain tag, an epoch and entropy; a promise voids the run, which goes the same way again. */
export type DrawRandomness = (tag: number, epoch: number, entropy: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** Where randomness comes from. Throws, or rejects, if it is not known. */
export type RandomnessSource = {
  readonly ticketRandomness: DrawRandomness;
  readonly beaconRandomness: DrawRandomness;
  /** What the FVM asks, whose actors draw by themselves. */
  readonly digests?: ChainDigests;
};

type Later<Answer> = Answer | Promise<Answer>;

/** What the chain has for an epoch: blake2b-256 of the seeds that randomness is drawn from, and the tipset. Null: nothing. */
export type ChainDigests = {
  /** 32 bytes of the VRF proof of a tipset's smallest ticket. */
  readonly ticketDigest: (epoch: number) => Later<Uint8Array | null>;
  /** 32 bytes of the data of the beacon's entry. */
  readonly beaconDigest: (epoch: number) => Later<Uint8Array | null>;
  /** Binary CID of the tipset's key. */
  readonly tipsetCid: (epoch: number) => Later<Uint8Array | null>;
  /** The fault that two headers prove, null if they prove none. Absent: the executor's own answer. */
  readonly consensusFault?: (headers: FaultHeaders) => Later<ProvenFault | null>;
};

/** CBOR of two block headers, and of a third that may be needed (else empty), as they were reported. */
export type FaultHeaders = { readonly first: Uint8Array; readonly second: Uint8Array; readonly extra: Uint8Array };

/**
 * Who verifies proofs: keys (`keyed-verifier.ts`), or a stated policy. `info` is the CBOR WindowPoStVerifyInfo or
 * SealVerifyInfo. A verdict that takes its time voids the run; it is awaited, kept, and the run goes the same way again.
 */
export type ProofVerifier = {
  readonly verifyPoSt: (info: Uint8Array) => boolean | Promise<boolean>;
  readonly verifySeal: (info: Uint8Array) => boolean | Promise<boolean>;
  /** Of the FVM: CBOR AggregateSealVerifyProofAndInfos and ReplicaUpdateInfo. Default: none is good. */
  readonly verifyAggregate?: (info: Uint8Array) => boolean | Promise<boolean>;
  readonly verifyReplicaUpdate?: (info: Uint8Array) => boolean | Promise<boolean>;
};

/** A change of the state itself at an epoch: runs after that epoch's cron, before the next epoch begins. */
export type StateUpgrade = {
  readonly epoch: number;
  readonly name: UpgradeName;
};

/** The rules of a network, as far as execution needs them. */
export type ExecutionRules = {
  readonly networkVersionAt: (epoch: number) => number;
  readonly circulatingSupply: bigint | GenesisSupply;
  readonly upgrades?: readonly StateUpgrade[];
};

export type TipsetInput = {
  /** State on which the tipset builds. */
  readonly stateRoot: CID;
  /** Epoch of the parent tipset: the epochs between are null rounds, in which only cron runs. */
  readonly parentEpoch: number;
  readonly epoch: number;
  /** attoFIL per unit of gas */
  readonly baseFee: bigint;
  readonly blocks: readonly BlockInput[];
  /** Needed from network version 16 on. */
  readonly facts?: ChainFacts;
};

export type AppliedKind = "message" | "reward" | "cron";

/** One message that was applied, in order. */
export type AppliedMessage = Applied & {
  readonly kind: AppliedKind;
  /** CBOR of the bare message. */
  readonly bytes: Uint8Array;
  readonly epoch: number;
  /** Present when tracing was asked for. */
  readonly trace?: readonly TraceCall[];
};

export type ExecutionResult = {
  readonly stateRoot: CID;
  readonly receiptsRoot: CID;
  /** Messages, rewards and cron, in order; of cron in null rounds that of the first 1,024. */
  readonly applied: readonly AppliedMessage[];
  /** New blocks that the state or the receipts hold, children before their parents. */
  readonly blocks: readonly Block[];
};

export type MessageResult = {
  readonly stateRoot: CID;
  readonly applied: AppliedMessage;
  readonly blocks: readonly Block[];
};

/** A message to apply alone, on a state. */
export type SingleInput = {
  readonly stateRoot: CID;
  readonly epoch: number;
  readonly networkVersion: number;
  readonly baseFee: bigint;
  readonly circulatingSupply: bigint | GenesisSupply;
  /** Needed from network version 16 on. */
  readonly facts?: ChainFacts;
  readonly message: MessageInput;
};

/** A message to try. */
export type TrialMessage = MessageInput & {
  /** Applied as the machine's own messages are: no nonce, no fees, from any actor. */
  readonly implicit?: true;
  /** Takes its nonce from its sender's state; rejects with `ExecError` UNKNOWN_SENDER if there is none. */
  readonly nonceFromState?: true;
  /** Base fee for this message and those after it, attoFIL per gas. */
  readonly baseFee?: bigint;
};

/** Messages to try one after another on a state. */
export type Trial = {
  readonly context: MachineContext;
  readonly messages: readonly TrialMessage[];
  /** Actors that are otherwise than in the state; of the FVM alone. */
  readonly edits?: readonly ActorEdit[];
  /** Gives the blocks of the state after it. */
  readonly keep?: true;
};

export type TrialResult = {
  /** State after the last of them; its blocks are not kept, unless that was asked for. */
  readonly stateRoot: CID;
  readonly applied: readonly AppliedMessage[];
  readonly blocks?: readonly Block[];
};
/**
 * How urgent a run is among those that wait for a worker: validating the chain's tipsets goes before making one, and
 * that before calls that leave nothing. Default: tipsets validate, all else calls.
 */
export type Priority = "validate" | "mine" | "call";

export type RunOptions = {
  readonly priority?: Priority;
  /** Keep every call and gas charge. */
  readonly tracing?: boolean;
  /** Other randomness than the executor's own, for this run. */
  readonly randomness?: RandomnessSource;
  readonly signal?: AbortSignal;
};

/** Whoever executes: `Executor` in this thread, one job after another; a client of an `ExecutionPool` in its workers. */
export type Execution = {
  /** Applies one message alone. */
  applyMessage(input: SingleInput, options?: RunOptions): Promise<MessageResult>;
  /**
   * Executes a tipset: null rounds since the parent, then block by block the messages (each once) and the reward, then
   * cron. Throws `ExecError` if a reward or cron call fails, `EngineFault` if a message allows no receipt.
   */
  applyTipset(input: TipsetInput, rules: ExecutionRules, options?: RunOptions): Promise<ExecutionResult>;
  /** Applies messages one after another and keeps nothing but what became of each. */
  simulate(trial: Trial, options?: RunOptions): Promise<TrialResult>;
  /** Lets the job under way end, and frees what the executor holds; it takes no more. */
  close(): Promise<void>;
};
