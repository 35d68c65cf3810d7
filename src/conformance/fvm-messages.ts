/**
 * Messages in a file, applied one after another to one state of the FVM, with a line of JSON for what became of each. Another machine
 * that reads the same file (`docs/conformance.md` has its form) and writes the same lines is compared by them.
 *
 * What a chain would answer the file declares: proofs hold or do not, headers prove a fault or none. Digests of tickets, beacon entries
 * and tipsets are made of the epoch.
 */
import { fromHex, toHex } from "../base/bytes.ts";
import { EngineFault } from "../core/errors.ts";
import { Fvm, type FvmApplyRet, type FvmHost } from "../core/fvm.ts";
import { isPublishedCode } from "../exec/machine.ts";
import { type CID, cidFromBytes, cidKey } from "../types/cid.ts";

/** Where the messages behind it are applied; amounts are decimal numbers of attoFIL. */
export type Place = {
  readonly networkVersion: number;
  readonly epoch: number;
  readonly chainId: number;
  readonly baseFee: string;
  readonly circulatingSupply: string;
  /** Binary CID of the state in hex; without, the state that the message before left. */
  readonly root?: string;
};

export type DeclaredMessage = {
  /** Its CBOR, in hex. */
  readonly message: string;
  /** Bytes that it is charged for; below 0 an implicit message. */
  readonly length: number;
  /** What every proof is said to be. */
  readonly proofs: boolean;
  /** What two headers prove: kind, epoch and miner. */
  readonly fault: Declared["fault"];
};

/** What became of a message, as another machine writes it: bytes in hex, amounts in attoFIL. */
export type MessageOutcome = {
  readonly exit: number;
  readonly gas: number;
  readonly return: string;
  readonly events: string;
  readonly root: string;
  /** To the block's producer, burnt, paid for gas that was not used, given back; taken from the producer. */
  readonly tip: string;
  readonly burn: string;
  readonly overestimation: string;
  readonly refund: string;
  readonly penalty: string;
};

/** A message that the host could not run to its end, by the code of the fault: the state is the one before. */
export type NoOutcome = { readonly fault: string };

type Declared = {
  proofs: boolean;
  fault: readonly [kind: 1 | 2 | 3, epoch: number, miner: number] | null;
};

const TICKETS = 0x11;
const BEACON = 0x22;
const TIPSETS = 0x33;
const EPOCH_SECONDS = 30;
/** CIDv1, dag-cbor, blake2b-256 of 32 bytes. */
const TIPSET_CID = [0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20];

/** 32 bytes: the epoch, little-endian, and 24 times the tag. */
function digestOf(tag: number, epoch: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(tag);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(epoch), true);
  return bytes;
}

/** A host whose answers are declared; `declared` may change between messages. */
export function declaredHost(peek: FvmHost["peek"], declared: Declared): FvmHost {
  const verdict = (): boolean => declared.proofs;
  return {
    peek,
    ticketDigest: (epoch) => digestOf(TICKETS, epoch),
    beaconDigest: (epoch) => digestOf(BEACON, epoch),
    tipsetCid: (epoch) => Uint8Array.of(...TIPSET_CID, ...digestOf(TIPSETS, epoch)),
    verifyPoSt: verdict,
    verifySeal: verdict,
    verifyAggregate: verdict,
    verifyReplicaUpdate: verdict,
    consensusFault: () => {
      if (declared.fault === null) return null;
      const [kind, epoch, miner] = declared.fault;
      return { kind, epoch, miner: BigInt(miner) };
    },
  };
}

/** One state, on which the lines of a file are applied. */
export class MessageRun {
  private readonly blocks: Map<string, Uint8Array>;
  private readonly declared: Declared = { proofs: true, fault: null };
  private fvm: Fvm | null = null;
  private place: Place | null = null;
  private root: CID | null = null;
  private kept = 0;

  /** `blocks` by the keys of their CIDs: the state, and the codes of its actors. What the messages make is added. */
  constructor(blocks: Map<string, Uint8Array>) {
    this.blocks = blocks;
  }

  /** Applies a line. A place gives null. Throws `TypeError` for a message before any place, and what the machine throws. */
  async apply(line: Place | DeclaredMessage): Promise<MessageOutcome | NoOutcome | null> {
    if (!("message" in line)) {
      this.place = line;
      if (line.root !== undefined) this.root = cidFromBytes(fromHex(line.root));
      await this.open();
      return null;
    }
    if (this.fvm === null) throw new TypeError("the first line must be a place with a state's root");
    this.declared.proofs = line.proofs;
    this.declared.fault = line.fault;
    try {
      return this.outcome(this.fvm, line);
    } catch (error) {
      if (!(error instanceof EngineFault)) throw error;
      await this.open();
      return { fault: `${error.data.code}` };
    }
  }

  private outcome(fvm: Fvm, { message, length }: DeclaredMessage): MessageOutcome {
    const bytes = fromHex(message);
    const ret = length < 0 ? fvm.applyImplicit(bytes) : fvm.apply(bytes, length);
    this.root = fvm.flush();
    this.keep(fvm);
    return outcomeOf(ret, this.root);
  }

  private async open(): Promise<void> {
    const { place, root } = this;
    if (place === null || root === null) throw new TypeError("the first line must be a place with a state's root");
    if (this.fvm === null || this.fvm.spent)
      this.fvm = await Fvm.create(
        declaredHost((cid) => this.blocks.get(cidKey(cid)), this.declared),
        { reuses: isPublishedCode },
      );
    const { networkVersion, epoch, chainId, baseFee, circulatingSupply } = place;
    const amounts = { baseFee: BigInt(baseFee), circulatingSupply: BigInt(circulatingSupply) };
    this.fvm.open({
      ...{ stateRoot: root, epoch, timestamp: epoch * EPOCH_SECONDS, networkVersion, chainId },
      ...amounts,
    });
    this.kept = 0;
  }

  /** Takes over the blocks that the machine has made since the last time. */
  private keep(fvm: Fvm): void {
    let at = 0;
    for (const { cid, bytes } of fvm.madeBlocks()) if (at++ >= this.kept) this.blocks.set(cidKey(cid), bytes);
    this.kept = at;
  }
}

function outcomeOf(ret: FvmApplyRet, root: CID): MessageOutcome {
  return {
    exit: ret.exitCode,
    gas: Number(ret.gasUsed),
    return: toHex(ret.return),
    events: ret.eventsRoot === null ? "" : toHex(ret.eventsRoot.bytes),
    root: toHex(root.bytes),
    tip: `${ret.minerTip}`,
    burn: `${ret.baseFeeBurn}`,
    overestimation: `${ret.overestimationBurn}`,
    refund: `${ret.refund}`,
    penalty: `${ret.minerPenalty}`,
  };
}

/** Names of what two outcomes differ in. Where neither has one they do not: faults are each machine's own. */
export function differencesOf(ours: MessageOutcome | NoOutcome, theirs: MessageOutcome | NoOutcome): string[] {
  if ("fault" in ours && "fault" in theirs) return [];
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  const [a, b] = [ours, theirs] as unknown as readonly Record<string, unknown>[];
  return [...names].filter((name) => a?.[name] !== b?.[name]);
}
