/**
 * Choosing the messages of a block: the dearest that fit, and when others may choose them too, those that they leave.
 *
 * With a good ticket our block comes first in its tipset and takes the best chains ("greedy"). With a worse one, blocks
 * before ours are taken to hold the best chains, and each chain counts by the probability that ours is the block which
 * earns it. Both fill the rest of the block with what fits. The choice is a function of its input alone.
 * Source: lotus chain/messagepool/selection.go.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import type { SignedMessage } from "../types/message.ts";
import { blockProbabilities, MAX_BLOCKS } from "./block-probability.ts";
import { byEffectivePerf, byPerf, type Candidate, type MessageChain, messageChains } from "./message-chain.ts";

/** From this quality on, the first block is more probable than any other place. */
const GREEDY_QUALITY = 0.84;
/** Gas below which nothing more is tried to fit. Source: lotus chain/messagepool/gasguess. */
const MIN_GAS = 1_298_450;
const BLOCK_GAS = Number(CHAIN_LIMITS.blockGasLimit);
const BLOCK_MESSAGES = CHAIN_LIMITS.blockMessageLimit;
/** Elements of an array that the reference's decoder reads: more in one list of a block are refused. */
const LIST_MESSAGES = 8192;

export type SelectionInput = {
  readonly candidates: readonly Candidate[];
  /** Candidates that come before all others. */
  readonly priority?: readonly Candidate[];
  /** attoFIL per gas */
  readonly baseFee: bigint;
  /** 0 to 1: share of all tickets that ours is better than. */
  readonly ticketQuality: number;
  /** Gas for storing a message on chain. */
  readonly minGas: (signed: SignedMessage) => bigint;
};

/** The messages of the next block, each sender's by nonce. */
export function selectMessages(input: SelectionInput): SignedMessage[] {
  const chainsOf = (candidates: readonly Candidate[]): MessageChain[] =>
    candidates.flatMap((one) => messageChains(one, input.baseFee, input.minGas)).sort(byPerf);
  const block = new Packer();
  packGreedily(block, chainsOf(input.priority ?? []));
  if (block.isFull) return block.messages;
  const chains = chainsOf(input.candidates);
  if (input.ticketQuality > GREEDY_QUALITY) packGreedily(block, chains);
  else packOptimally(block, chains, input.ticketQuality);
  return block.messages;
}

/** A block that is being filled. */
class Packer {
  readonly messages: SignedMessage[] = [];
  gas = BLOCK_GAS;
  private readonly left = { bls: LIST_MESSAGES, secp: LIST_MESSAGES };

  get isFull(): boolean {
    return this.gas < MIN_GAS || this.messages.length >= BLOCK_MESSAGES;
  }

  private roomFor(chain: MessageChain): number {
    return Math.min(chain.isBls ? this.left.bls : this.left.secp, BLOCK_MESSAGES - this.messages.length);
  }

  /** Adds a chain and those that it depends on, all or none. If they do not fit, the chain is cut or given up. */
  add(chain: MessageChain, cut: boolean): boolean {
    const all = [chain];
    for (let at = chain.previous; at !== null && !at.isMerged; at = at.previous) all.unshift(at);
    const gas = all.reduce((sum, one) => sum + one.gasLimit, 0);
    const count = all.reduce((sum, one) => sum + one.messages.length, 0);
    const room = this.roomFor(chain);
    if (gas > this.gas || count > room) {
      const before = { gas: gas - chain.gasLimit, count: count - chain.messages.length };
      if (cut && (before.gas > this.gas || before.count >= room)) chain.invalidate();
      else if (cut) chain.trim(this.gas - before.gas, room - before.count);
      return false;
    }
    for (const one of all) {
      one.isMerged = true;
      this.messages.push(...one.messages);
    }
    this.gas -= gas;
    if (chain.isBls) this.left.bls -= count;
    else this.left.secp -= count;
    return true;
  }

  trim(chain: MessageChain): void {
    const room = this.roomFor(chain);
    if (chain.gasLimit > this.gas || chain.messages.length > room) chain.trim(this.gas, room);
  }
}

/** Takes chains in their order until one does not fit, then fills the rest. A chain comes after those it depends on. */
function packGreedily(block: Packer, chains: MessageChain[]): void {
  let edge = 0;
  while (edge < chains.length) {
    const chain = chains[edge] as MessageChain;
    if (chain.gasPerf < 0 || !block.add(chain, false)) break;
    edge++;
  }
  fillTail(block, chains, edge, byPerf);
}

function packOptimally(block: Packer, chains: MessageChain[], quality: number): void {
  weighByPlace(chains, quality);
  chains.sort(byEffectivePerf);
  let edge = 0;
  for (; edge < chains.length; edge++) {
    const chain = chains[edge] as MessageChain;
    if (chain.gasPerf < 0) break;
    if (chain.isMerged) continue;
    if (!block.add(chain, true)) break;
    if (raiseFollowers(chain) || chain.previous !== null) sortFrom(chains, edge + 1);
  }
  fillTail(block, chains, edge, byEffectivePerf);
  // Room to spare: whatever earns anything, whole or cut.
  for (const chain of chains) {
    if (block.isFull) break;
    if (chain.isMerged || !chain.isValid || chain.gasPerf < 0) continue;
    if (!block.add(chain, true) && chain.isValid) block.add(chain, true);
  }
}

/** Deals the chains out to the blocks of a tipset, best first, and weighs each by the probability of that place. */
function weighByPlace(chains: readonly MessageChain[], quality: number): void {
  const probabilities = blockProbabilities(quality);
  let at = 0;
  for (let place = 0; place < MAX_BLOCKS && at < chains.length; place++) {
    let gas = BLOCK_GAS;
    let count = BLOCK_MESSAGES;
    while (at < chains.length && gas >= MIN_GAS && count > 0) {
      const chain = chains[at++] as MessageChain;
      chain.setProbability(probabilities[place] as number);
      gas -= chain.gasLimit;
      count -= chain.messages.length;
    }
  }
  for (const chain of chains.slice(at)) chain.setProbability(null);
}

/** A chain that is in makes those behind it better: they need not bring it along any more. Tells if there are any. */
function raiseFollowers(chain: MessageChain): boolean {
  const { next } = chain;
  if (next === null || next.effectivePerf <= 0) return false;
  next.effectivePerf += next.parentOffset;
  for (let at = next.next; at !== null && at.effectivePerf > 0; at = at.next) at.weigh();
  return true;
}

function sortFrom(chains: MessageChain[], from: number): void {
  const rest = chains.slice(from).sort(byEffectivePerf);
  for (let i = 0; i < rest.length; i++) chains[from + i] = rest[i] as MessageChain;
}

/**
 * From the first chain on that did not fit: cuts it, moves it to where it belongs now, and goes on. Every round cuts a
 * chain or ends, so there are no more rounds than messages.
 */
function fillTail(
  block: Packer,
  chains: MessageChain[],
  edge: number,
  order: (a: MessageChain, b: MessageChain) => number,
): void {
  let at = edge;
  while (!block.isFull && at < chains.length) {
    const chain = chains[at] as MessageChain;
    if (!chain.isValid || chain.isMerged) {
      at++;
      continue;
    }
    if (chain.gasPerf < 0) return;
    if (block.add(chain, false)) {
      at++;
      continue;
    }
    const size = chain.messages.length;
    cutToFit(block, chain);
    if (!chain.isValid || chain.messages.length === size) {
      at++;
      continue;
    }
    for (let i = at; i + 1 < chains.length; i++) {
      const [one, other] = [chains[i] as MessageChain, chains[i + 1] as MessageChain];
      if (order(one, other) <= 0) break;
      chains[i] = other;
      chains[i + 1] = one;
    }
  }
}

/** Cuts a chain to the room that those it depends on leave. */
function cutToFit(block: Packer, chain: MessageChain): void {
  if (chain.previous === null || chain.previous.isMerged) block.trim(chain);
  else block.add(chain, true);
}
