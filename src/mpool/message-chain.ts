/**
 * A sender's messages cut into chains: runs of consecutive messages that are worth including together.
 *
 * What a chain earns per unit of gas falls from each chain of a sender to the next, for otherwise the two would earn more
 * as one. A chain can be included only behind those before it. Source: lotus chain/messagepool/selection.go.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import { SIGNATURE_TYPE, type SignedMessage } from "../types/message.ts";
import { requiredFunds } from "./rules.ts";

const BLOCK_GAS = Number(CHAIN_LIMITS.blockGasLimit);
/** A message that cannot pay the base fee costs the producer a penalty of so many times what it lacks. */
const PENALTY = 3n;

/** What is chosen from: a sender's messages by nonce, and what the state says of the sender. */
export type Candidate = {
  /** Key address, as text: decides between equals. */
  readonly sender: string;
  readonly nonce: bigint;
  /** attoFIL */
  readonly balance: bigint;
  readonly messages: readonly SignedMessage[];
};

/** attoFIL that the block's producer earns by a message; negative for a penalty. */
function gasReward({ gasFeeCap, gasPremium, gasLimit }: SignedMessage["message"], baseFee: bigint): bigint {
  const room = gasFeeCap - baseFee;
  const reward = (gasPremium < room ? gasPremium : room) * gasLimit;
  return reward < 0n ? reward * PENALTY : reward;
}

function perf(reward: bigint, gasLimit: number): number {
  return (Number(reward) * BLOCK_GAS) / gasLimit;
}

export class MessageChain {
  readonly sender: string;
  readonly isBls: boolean;
  messages: SignedMessage[];
  rewards: bigint[];
  reward: bigint;
  /** gas */
  gasLimit: number;
  /** What the chain earns in a block full of it. */
  gasPerf: number;
  /** The same, times the probability that our block is the one to earn it. */
  effectivePerf = 0;
  private probability = 0;
  parentOffset = 0;
  isValid = true;
  isMerged = false;
  next: MessageChain | null = null;
  previous: MessageChain | null = null;

  constructor(sender: string, message: SignedMessage, reward: bigint) {
    this.sender = sender;
    this.isBls = message.signature.type === SIGNATURE_TYPE.bls;
    this.messages = [message];
    this.rewards = [reward];
    this.reward = reward;
    this.gasLimit = Number(message.message.gasLimit);
    this.gasPerf = perf(reward, this.gasLimit);
  }

  /** Appends a message, unless that lowers what the chain earns; tells whether it did. */
  tryAppend(message: SignedMessage, reward: bigint): boolean {
    const gasLimit = this.gasLimit + Number(message.message.gasLimit);
    const gasPerf = perf(this.reward + reward, gasLimit);
    if (gasPerf < this.gasPerf) return false;
    this.messages.push(message);
    this.rewards.push(reward);
    this.reward += reward;
    this.gasLimit = gasLimit;
    this.gasPerf = gasPerf;
    return true;
  }

  /** Takes in the chain behind it. */
  absorb(other: MessageChain): void {
    this.messages.push(...other.messages);
    this.rewards.push(...other.rewards);
    this.reward += other.reward;
    this.gasLimit += other.gasLimit;
    this.gasPerf = perf(this.reward, this.gasLimit);
  }

  /** Cuts messages off the end until the chain fits and earns; what depends on it cannot be included any more. */
  trim(gasLimit: number, messageLimit: number): void {
    let left = this.messages.length;
    while (left > 0 && (this.gasLimit > gasLimit || this.gasPerf < 0 || left > messageLimit)) {
      left--;
      this.reward -= this.rewards[left] as bigint;
      this.gasLimit -= Number((this.messages[left] as SignedMessage).message.gasLimit);
      this.gasPerf = this.gasLimit > 0 ? perf(this.reward, this.gasLimit) : 0;
      if (this.gasLimit <= 0) this.effectivePerf = 0;
      else if (this.probability !== 0) this.weigh();
    }
    this.messages.length = left;
    this.rewards.length = left;
    if (left === 0) this.isValid = false;
    this.next?.invalidate();
    this.next = null;
  }

  invalidate(): void {
    for (let at: MessageChain | null = this; at !== null; ) {
      const { next }: MessageChain = at;
      at.isValid = false;
      at.messages = [];
      at.next = null;
      at = next;
    }
  }

  /** Sets the probability that our block is the one that earns the chain; null if it fits into no block. */
  setProbability(probability: number | null): void {
    if (probability === null) {
      this.effectivePerf = this.gasPerf < 0 ? this.gasPerf : 0;
      return;
    }
    this.probability = probability;
    this.weigh();
  }

  weigh(): void {
    let effective = this.gasPerf * this.probability;
    const { previous } = this;
    if (effective > 0 && previous !== null) {
      const both =
        (effective * this.gasLimit + previous.effectivePerf * previous.gasLimit) / (this.gasLimit + previous.gasLimit);
      this.parentOffset = effective - both;
      effective = both;
    }
    this.effectivePerf = effective;
  }
}

/** Order of chains by what they earn; of equals, by reward and sender. */
export function byPerf(a: MessageChain, b: MessageChain): number {
  if (a.gasPerf !== b.gasPerf) return b.gasPerf - a.gasPerf;
  if (a.reward !== b.reward) return a.reward > b.reward ? -1 : 1;
  return a.sender < b.sender ? -1 : Number(a.sender > b.sender);
}

/** Order by effective earnings, merged chains first, those that cost a penalty last. */
export function byEffectivePerf(a: MessageChain, b: MessageChain): number {
  if (a.isMerged !== b.isMerged) return a.isMerged ? -1 : 1;
  if (a.gasPerf < 0 !== b.gasPerf < 0) return a.gasPerf < 0 ? 1 : -1;
  if (a.effectivePerf !== b.effectivePerf) return b.effectivePerf - a.effectivePerf;
  return byPerf(a, b);
}

/** The chains of a sender. `minGas`: gas for storing a message on chain. */
export function messageChains(
  candidate: Candidate,
  baseFee: bigint,
  minGas: (signed: SignedMessage) => bigint,
): MessageChain[] {
  let chains: MessageChain[] = [];
  for (const signed of payable(candidate, minGas)) {
    const reward = gasReward(signed.message, baseFee);
    if (chains.at(-1)?.tryAppend(signed, reward) !== true)
      chains.push(new MessageChain(candidate.sender, signed, reward));
  }
  for (let merged = true; merged; ) {
    merged = false;
    for (let i = chains.length - 1; i > 0; i--) {
      const [before, chain] = [chains[i - 1] as MessageChain, chains[i] as MessageChain];
      if (chain.gasPerf < before.gasPerf) continue;
      before.absorb(chain);
      chain.isValid = false;
      merged = true;
    }
    chains = chains.filter((chain) => chain.isValid);
  }
  chains.forEach((chain, i) => {
    chain.next = chains[i + 1] ?? null;
    chain.previous = chains[i - 1] ?? null;
  });
  return chains;
}

/** The messages from the state's nonce on, as far as they follow each other, fit into a block, and are covered. */
function* payable(
  { nonce, balance, messages }: Candidate,
  minGas: (signed: SignedMessage) => bigint,
): Generator<SignedMessage> {
  let next = nonce;
  let funds = balance;
  let gas = CHAIN_LIMITS.blockGasLimit;
  let count = 0;
  for (const signed of messages) {
    const { message } = signed;
    if (message.nonce < next) continue;
    if (message.nonce !== next || message.gasLimit < minGas(signed) || message.gasLimit <= 0n) return;
    next++;
    gas -= message.gasLimit;
    const required = requiredFunds(message);
    if (gas < 0n || funds < required || ++count > CHAIN_LIMITS.blockMessageLimit) return;
    funds -= required + message.value;
    yield signed;
  }
}
