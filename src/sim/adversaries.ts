/**
 * Producers that break the rules: less than a third of them. Each has the network's own node, and does something else with
 * the blocks that it makes. What they sign twice is punished by the actors, as anywhere.
 *
 * - `equivocate`: two valid blocks of one epoch, one to some peers and one to the others, or both to all.
 * - `withhold`: a block comes out some epochs late, meanwhile the producer builds on it.
 * - `invalid`: a block with one thing wrong, signed again; sometimes the producer also builds on it, vouches for it and serves it.
 * - `early`: the producer's clock is ahead, by seconds or by epochs.
 */
import { type BlockMessages, buildMessageMeta } from "../chain/message-store.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { Crypto } from "../core/crypto.ts";
import { addressOf, type KeyInfo, signBytes, signMessage } from "../keys/keys.ts";
import { type BlockHeader, headerCid, headerSigningBytes } from "../types/block-header.ts";
import { SIGNATURE_TYPE, type SignedMessage } from "../types/message.ts";
import type { VirtualClock } from "./clock.ts";
import type { Behaviour, SimNode } from "./node.ts";
import type { Random } from "./random.ts";
import type { FaultKind } from "./weather.ts";
import { EPOCH_SECONDS } from "./world.ts";

export type AdversaryParts = {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly nodes: number;
  readonly kinds: readonly FaultKind[];
  readonly crypto: Crypto;
  /** A secp256k1 account. */
  readonly payer: KeyInfo;
  /** Hears of every block that can never be valid, before anybody gets it. */
  readonly madeInvalid: (block: FullBlock, why: string) => void;
  readonly tell: (node: number, event: string, more: Readonly<Record<string, unknown>>) => void;
};

const BLOCK_KINDS = ["equivocate", "withhold", "invalid"] as const satisfies readonly FaultKind[];
/** Milliseconds that a clock is ahead: beyond what blocks may be early, an epoch, some epochs. */
const AHEAD_MS = [3000, 40_000, 130_000] as const;
const WITHHELD_EPOCHS = [1, 5] as const;
/** Chance that an adversary does with a block what it should; that it stores an invalid one of its own as if it were good. */
const PLAIN = 0.3;
const BUILDS_ON = 0.3;

/** The adversaries among the nodes; none if no kind of fault is theirs. */
export function adversaries(parts: AdversaryParts): ReadonlyMap<number, Behaviour> {
  const { random, nodes, kinds } = parts;
  const own = BLOCK_KINDS.filter((kind) => kinds.includes(kind));
  const isEarly = kinds.includes("early");
  if (own.length === 0 && !isEarly) return new Map();
  const count = Math.max(1, Math.floor((nodes - 1) / 3));
  const all = random.shuffled(Array.from({ length: nodes }, (_, i) => i)).slice(0, count);
  return new Map(
    all.map((index) => {
      const stream = random.stream(`${index}`);
      const clockAhead = isEarly && (own.length === 0 || stream.chance(0.5)) ? stream.pick(AHEAD_MS) : 0;
      parts.tell(index, "adversary", { kinds: own, clockAhead });
      return [index, new Adversary(parts, own, stream, clockAhead)];
    }),
  );
}

class Adversary implements Behaviour {
  readonly clockAhead: number;
  private readonly parts: AdversaryParts;
  private readonly kinds: readonly (typeof BLOCK_KINDS)[number][];
  private readonly random: Random;
  /** Its invalid blocks: what it builds on them is no better. */
  private readonly invalid = new Set<string>();

  constructor(parts: AdversaryParts, kinds: Adversary["kinds"], random: Random, clockAhead: number) {
    this.parts = parts;
    this.kinds = kinds;
    this.random = random;
    this.clockAhead = clockAhead;
  }

  async submit(node: SimNode, block: FullBlock): Promise<void> {
    const { header } = block;
    if (header.parents.some((cid) => this.invalid.has(`${cid}`))) this.spoilt(block, "it stands on an invalid block");
    const does = this.kinds.length === 0 || this.random.chance(PLAIN) ? "plain" : this.random.pick(this.kinds);
    if (does !== "plain") this.parts.tell(node.index, does, { height: header.height });
    if (does === "invalid") return this.sendInvalid(node, block);
    // On a chain of its own it may fail to take its own block; that is its own affair.
    await node.take(block).catch(() => undefined);
    if (does === "withhold") this.withhold(node, block);
    else if (does === "equivocate") this.equivocate(node, block);
    else node.publish(block);
  }

  private withhold(node: SimNode, block: FullBlock): void {
    const epochs = this.random.between(...WITHHELD_EPOCHS);
    this.parts.clock.after(epochs * 1000 * EPOCH_SECONDS, () => node.publish(block), node.life);
  }

  private equivocate(node: SimNode, block: FullBlock): void {
    const twin = this.signed(node, { ...block.header, forkSignaling: 1n }, block.messages);
    if (this.random.chance(0.5)) {
      node.publish(block);
      node.publish(twin);
      return;
    }
    const peers = this.random.shuffled(node.peers());
    node.publish(block, peers.slice(0, peers.length >> 1));
    node.publish(twin, peers.slice(peers.length >> 1));
  }

  private async sendInvalid(node: SimNode, block: FullBlock): Promise<void> {
    const [name, spoil] = this.random.pick(Object.entries(SPOILERS));
    const { messages = block.messages, ...changed } = spoil(block, (nonce) => this.message(nonce));
    const header = { ...block.header, ...changed, messages: buildMessageMeta(messages).root };
    const bad = name === "signature" ? { header, messages } : this.signed(node, header, messages);
    this.spoilt(bad, name);
    // Nobody validates messages that nobody serves.
    const serves = messages !== block.messages;
    const buildsOn = this.random.chance(BUILDS_ON);
    if (serves || buildsOn) {
      const { chain, choice } = node.running;
      const { blocks } = buildMessageMeta(messages);
      const tipset = await chain.put({ headers: [bad.header], messages: [messages], blocks });
      if (buildsOn) await choice.consider(tipset).catch(() => undefined);
    }
    node.publish(bad);
  }

  /** A message of the first account's. */
  private message(nonce: bigint): SignedMessage {
    const { crypto, payer } = this.parts;
    const from = addressOf(crypto, payer);
    const gas = { gasLimit: 2_000_000n, gasFeeCap: 10n ** 10n, gasPremium: 1n };
    const message = { from, to: from, nonce, value: 0n, method: 0n, params: new Uint8Array(0), ...gas };
    return signMessage(crypto, payer, message);
  }

  private spoilt(block: FullBlock, why: string): void {
    this.invalid.add(`${headerCid(block.header)}`);
    this.parts.madeInvalid(block, why);
  }

  private signed(node: SimNode, header: BlockHeader, messages: BlockMessages): FullBlock {
    const { worker } = node.miner;
    const blockSig = signBytes(this.parts.crypto, worker, headerSigningBytes({ ...header, blockSig: null }));
    return { header: { ...header, blockSig }, messages };
  }
}

type Spoiler = (
  block: FullBlock,
  message: (nonce: bigint) => SignedMessage,
) => Partial<Omit<BlockHeader, "messages">> & { readonly messages?: BlockMessages };

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte));

/** One thing that is wrong with a block, by its name. */
const SPOILERS: Readonly<Record<string, Spoiler>> = {
  stateRoot: ({ header }) => ({ parentStateRoot: header.messages }),
  receiptsRoot: ({ header }) => ({ parentMessageReceipts: header.messages }),
  weight: ({ header }) => ({ parentWeight: header.parentWeight + 1n }),
  baseFee: ({ header }) => ({ parentBaseFee: header.parentBaseFee + 1n }),
  timestamp: ({ header }) => ({ timestamp: header.timestamp - 1n }),
  height: ({ header }) => ({ height: header.height + 1 }),
  ticket: ({ header }) => ({ ticket: flipped(header.ticket as Uint8Array) }),
  election: ({ header }) => proofOf(header, (proof) => ({ ...proof, vrfProof: flipped(proof.vrfProof) })),
  wins: ({ header }) => proofOf(header, (proof) => ({ ...proof, winCount: proof.winCount + 1n })),
  beacon: () => ({ beaconEntries: [] }),
  post: ({ header }) => ({
    winPoStProof: header.winPoStProof.map((one) => ({ ...one, proofBytes: flipped(one.proofBytes) })),
  }),
  // Without BLS messages nobody looks at it: then it is the base fee that is wrong.
  aggregate: ({ header, messages }) =>
    messages.bls.length === 0
      ? { parentBaseFee: header.parentBaseFee + 1n }
      : { blsAggregate: { type: SIGNATURE_TYPE.bls, data: flipped(header.blsAggregate?.data as Uint8Array) } },
  nonce: ({ messages }, message) => ({ messages: { ...messages, secp: [...messages.secp, message(1n << 40n)] } }),
  messageSignature: ({ messages }, message) => {
    const one = message(0n);
    const signature = { ...one.signature, data: flipped(one.signature.data) };
    return { messages: { ...messages, secp: [...messages.secp, { ...one, signature }] } };
  },
  signature: ({ header }) => ({
    blockSig: { type: SIGNATURE_TYPE.bls, data: flipped(header.blockSig?.data as Uint8Array) },
  }),
};

function proofOf(
  { electionProof }: BlockHeader,
  change: (proof: NonNullable<BlockHeader["electionProof"]>) => NonNullable<BlockHeader["electionProof"]>,
): Pick<BlockHeader, "electionProof"> {
  return { electionProof: electionProof === null ? null : change(electionProof) };
}
