/**
 * What crosses between a pool and its workers: data alone, so that a run can be repeated in another worker.
 * Decisions behind it: docs/adr/0006-the-machine-in-a-worker.md.
 */
import type { Failure } from "../base/errors.ts";
import type { ProvenFault } from "../core/fvm.ts";
import type { WasmPlace } from "../core/load.ts";
import type { GenesisSupply, MachineContext, VmOptions } from "../core/vm.ts";
import { Address } from "../types/address.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import { badEpochs } from "./errors.ts";
import { type Binary, type PackedResult, packMessages } from "./packed.ts";
import type { BlockInput, ExecutionRules, SingleInput, StateUpgrade, TipsetInput, Trial } from "./types.ts";
import type { VerifyJob } from "./verify-job.ts";

/** What a run may ask of the thread that wants it. CIDs are binary. */
export type Question =
  | { readonly kind: "block"; readonly cid: Uint8Array }
  /** Whether the store has a block whose bytes the worker has from elsewhere. */
  | { readonly kind: "held"; readonly cid: Uint8Array }
  | { readonly kind: "ticket" | "beacon"; readonly tag: number; readonly epoch: number; readonly entropy: Uint8Array }
  /** Digests of the FVM's randomness, and tipsets. */
  | { readonly kind: "ticket-digest" | "beacon-digest" | "tipset"; readonly epoch: number }
  | { readonly kind: "fault"; readonly first: Uint8Array; readonly second: Uint8Array; readonly extra: Uint8Array }
  | { readonly kind: "post" | "seal" | "aggregate" | "update"; readonly info: Uint8Array };

/** The block, the digest or the fault's bytes (`packFault`); one byte, 0 or 1, for a yes or no; null for what nobody has. */
export type Reply = Uint8Array | null;

export type Answered = { readonly question: Question; readonly reply: Reply };

/** `TipsetInput` and its rules, without classes and functions. */
export type TipsetJob = {
  readonly kind: "tipset";
  readonly input: Binary<Omit<TipsetInput, "blocks">>;
  /** Blocks of the tipset; the address of the miner is binary. */
  readonly blocks: readonly (Omit<BlockInput, "miner"> & { readonly miner: Uint8Array })[];
  /** Network versions from the parent's epoch on, by the first epoch each is for, ascending. */
  readonly versions: readonly (readonly [epoch: number, version: number])[];
  /** State upgrades due before the tipset's epoch. */
  readonly upgrades: readonly StateUpgrade[];
  readonly circulatingSupply: bigint | GenesisSupply;
};

export type MachineJob =
  | TipsetJob
  | { readonly kind: "message"; readonly input: Binary<SingleInput> }
  | (Omit<Trial, "context"> & { readonly kind: "simulate"; readonly context: Binary<MachineContext> });

/** Signatures to be verified, in place of a run. */
export type VerifyMessage = { readonly verify: readonly VerifyJob[]; readonly wasm: WasmPlace };

/** What a worker signs with a BLS key (32 bytes), and over what. */
export type SignJob = { readonly secret: Uint8Array; readonly message: Uint8Array };
export type SignMessage = { readonly sign: SignJob; readonly wasm: WasmPlace };

/** What a worker has verified or signed, or why not. */
export type KeyAnswer = { readonly result: readonly boolean[] | Uint8Array } | { readonly failure: Failure };

/** The worker's end of a channel, see `channel.ts`. */
export type ChannelEnd = { readonly id: number; readonly port: MessagePort; readonly shared: SharedArrayBuffer };

export type MachineMessage = {
  /** Number of the machine's configuration, within the pool. */
  readonly configuration: number;
  /** The configuration itself, when it is new to the worker. */
  readonly options?: VmOptions;
  /** Whose store, randomness and verifier answer: what the worker knows to be in one store need not be in another. */
  readonly world: number;
  /** Where the worker's WASM comes from. */
  readonly wasm: WasmPlace;
  readonly job: MachineJob;
  readonly tracing: boolean;
  /** The channel that the run asks over; null: there is none, and a question ends the run. */
  readonly channel: number | null;
  /** The channel itself, when it is new. */
  readonly newChannel?: ChannelEnd;
  /** Answers to what earlier rounds of the run ended with. */
  readonly answered: readonly Answered[];
};

export type MachineAnswer =
  | { readonly result: PackedResult }
  | { readonly failure: Failure }
  /** There is no channel, and this must be known. */
  | { readonly asks: Question }
  /** The worker knows no such channel or configuration: it took the place of one that died. */
  | { readonly isNew: true };

const LATIN1 = new TextDecoder("latin1");

/** One text for one question: a key for maps. */
export function questionKey(question: Question): string {
  switch (question.kind) {
    case "block":
    case "held":
      return `${question.kind} ${LATIN1.decode(question.cid)}`;
    case "ticket":
    case "beacon":
      return `${question.kind} ${question.tag} ${question.epoch} ${LATIN1.decode(question.entropy)}`;
    case "ticket-digest":
    case "beacon-digest":
    case "tipset":
      return `${question.kind} ${question.epoch}`;
    case "fault": {
      const { first, second, extra } = question;
      const parts = [first, second, extra];
      return `fault ${parts.map(({ length }) => length).join(" ")} ${parts.map((one) => LATIN1.decode(one)).join("")}`;
    }
    default:
      return `${question.kind} ${LATIN1.decode(question.info)}`;
  }
}

/** A fault that headers prove, in bytes: kind, epoch, miner; empty for one that cannot be judged. Null stays null: no fault. */
export function packFault(fault: ProvenFault | null | undefined): Reply {
  if (fault === null) return null;
  if (fault === undefined) return new Uint8Array(0);
  const out = new DataView(new ArrayBuffer(17));
  out.setUint8(0, fault.kind);
  out.setBigInt64(1, BigInt(fault.epoch));
  out.setBigUint64(9, fault.miner);
  return new Uint8Array(out.buffer);
}

export function unpackFault(reply: Reply): ProvenFault | null | undefined {
  if (reply === null) return null;
  if (reply.length === 0) return undefined;
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  return {
    kind: view.getUint8(0) as ProvenFault["kind"],
    epoch: Number(view.getBigInt64(1)),
    miner: view.getBigUint64(9),
  };
}

/** Input with its root in binary, and back. */
export function binary<Input extends { readonly stateRoot: CID }>(
  input: Input,
): Omit<Input, "stateRoot"> & { readonly stateRoot: Uint8Array } {
  return { ...input, stateRoot: input.stateRoot.bytes };
}

export function whole<Input extends { readonly stateRoot: Uint8Array }>(
  input: Input,
): Omit<Input, "stateRoot"> & { readonly stateRoot: CID } {
  return { ...input, stateRoot: cidFromBytes(input.stateRoot) };
}

export function tipsetJob(tipset: TipsetInput, rules: ExecutionRules): TipsetJob {
  const { blocks, ...input } = tipset;
  const bad = badEpochs(input);
  if (bad !== null) throw bad;
  const versions: [number, number][] = [];
  // From the parent's on: before an upgrade the state is of that one's kind.
  for (let epoch = input.parentEpoch; epoch <= input.epoch; epoch++) {
    const version = rules.networkVersionAt(epoch);
    if (versions.at(-1)?.[1] !== version) versions.push([epoch, version]);
  }
  const plain = blocks.map((block) => ({
    ...block,
    miner: block.miner.bytes,
    blsMessages: packMessages(block.blsMessages),
    secpMessages: packMessages(block.secpMessages),
  }));
  const due = ({ epoch }: StateUpgrade): boolean => epoch >= input.parentEpoch && epoch < input.epoch;
  return {
    kind: "tipset",
    input: binary(input),
    blocks: plain,
    versions,
    upgrades: (rules.upgrades ?? []).filter(due).map(({ epoch, name }) => ({ epoch, name })),
    circulatingSupply: rules.circulatingSupply,
  };
}

export function tipsetOf({
  input,
  blocks,
  versions,
  upgrades,
  circulatingSupply,
}: TipsetJob): [TipsetInput, ExecutionRules] {
  const networkVersionAt = (epoch: number): number => {
    let version = versions[0]?.[1] ?? 0;
    for (const [from, one] of versions) if (epoch >= from) version = one;
    return version;
  };
  const miners = blocks.map((block) => ({ ...block, miner: Address.fromBytes(block.miner) }));
  return [
    { ...whole(input), blocks: miners },
    { networkVersionAt, circulatingSupply, upgrades },
  ];
}
