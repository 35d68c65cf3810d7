/**
 * Messages that wait for a block.
 *
 * Per sender they form a line by nonce; a message enters if its signature is good, its nonce is not used up and at most
 * a few ahead, its sender can pay for all it has waiting, and, when the nonce is taken, it pays a quarter more premium.
 * The pool is bounded per sender and in total; when it is full, the cheapest message of the last nonces gives way.
 * Selection takes, sender by sender, runs of consecutive nonces, dearest first.
 */

import { CHAIN_LIMITS } from "../params/networks.ts";
import type { Address } from "../types/address.ts";
import { type CidKey, cidKey } from "../types/cid.ts";
import { type SignedMessage, signedMessageCid } from "../types/message.ts";
import { checkFields, POOL_LIMITS, PoolError, type PoolErrorData, replacementPremium, requiredFunds } from "./rules.ts";

/** What the pool asks about a sender: its next nonce and its balance in the current state; null if unknown. */
export type SenderState = { readonly nonce: bigint; readonly balance: bigint };

export type PoolParts = {
  /** Key address behind any address of a sender; null if there is none. */
  readonly resolveKey: (address: Address) => Promise<Address | null>;
  readonly senderState: (address: Address) => Promise<SenderState | null>;
  readonly verify: (signed: SignedMessage, signer: Address) => boolean;
  /** Gas for storing a message of this many bytes on chain. */
  readonly minGas: (signed: SignedMessage) => bigint;
};

export type PoolChange = { readonly kind: "add" | "remove"; readonly signed: SignedMessage };

type Line = { readonly sender: Address; readonly messages: Map<bigint, SignedMessage> };

function refuse(code: PoolErrorData["code"], why: string): never {
  throw new PoolError({ code }, why);
}

export class MessagePool {
  private readonly parts: PoolParts;
  private readonly lines = new Map<string, Line>();
  private readonly byCid = new Map<CidKey, SignedMessage>();
  private readonly listeners = new Set<(change: PoolChange) => void>();

  constructor(parts: PoolParts) {
    this.parts = parts;
  }

  get size(): number {
    return this.byCid.size;
  }

  /** Calls `listener` at every change until the returned function is called. */
  onChange(listener: (change: PoolChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Adds a signed message; throws `PoolError`. */
  async push(signed: SignedMessage): Promise<void> {
    checkFields(signed, this.parts.minGas(signed));
    const m = signed.message;
    const sender = await this.parts.resolveKey(m.from);
    if (sender === null) return refuse("UNKNOWN_SENDER", `sender ${m.from} has no key address: actor not found`);
    const state = await this.parts.senderState(sender);
    if (state === null) return refuse("UNKNOWN_SENDER", `sender ${m.from}: actor not found`);
    if (m.nonce < state.nonce) refuse("NONCE_TOO_LOW", `nonce ${m.nonce} is used; the next one is ${state.nonce}`);
    if (!this.parts.verify(signed, sender)) refuse("BAD_SIGNATURE", "the signature is not the sender's");
    this.insert(signed, sender, state);
  }

  private insert(signed: SignedMessage, sender: Address, state: SenderState): void {
    const m = signed.message;
    const line = this.lines.get(sender.toString()) ?? { sender, messages: new Map<bigint, SignedMessage>() };
    const next = nextNonce(line, state.nonce);
    if (m.nonce > next + POOL_LIMITS.nonceGap)
      refuse("NONCE_GAP", `nonce ${m.nonce} is too far ahead; the next one is ${next}`);
    const old = line.messages.get(m.nonce);
    if (old !== undefined) {
      if (signedMessageCid(old).equals(signedMessageCid(signed)))
        refuse("ALREADY_PENDING", "the message waits already");
      const least = replacementPremium(old.message.gasPremium);
      if (m.gasPremium < least)
        refuse("REPLACE_FEE_TOO_LOW", `nonce ${m.nonce} is taken; to replace it, raise GasPremium to ${least}`);
    } else if (line.messages.size >= POOL_LIMITS.pendingPerSender)
      refuse("TOO_MANY_PENDING", `${sender} has ${line.messages.size} messages waiting`);
    let funds = requiredFunds(m);
    for (const [nonce, other] of line.messages) if (nonce !== m.nonce) funds += requiredFunds(other.message);
    if (funds > state.balance)
      refuse("INSUFFICIENT_FUNDS", `not enough funds: ${funds} attoFIL needed, balance is ${state.balance}`);
    if (old === undefined && this.size >= POOL_LIMITS.pendingTotal) this.makeRoom(m.gasPremium);
    // Dropping the only message of a line forgets the line: so it is entered after that.
    if (old !== undefined) this.drop(line, old);
    this.lines.set(sender.toString(), line);
    line.messages.set(m.nonce, signed);
    this.byCid.set(cidKey(signedMessageCid(signed)), signed);
    this.announce({ kind: "add", signed });
  }

  /** Evicts the last message of the line whose last message pays least, if it pays less than `premium`. */
  private makeRoom(premium: bigint): void {
    let victim: { line: Line; signed: SignedMessage } | undefined;
    for (const line of this.lines.values()) {
      const last = [...line.messages.keys()].reduce((a, b) => (a > b ? a : b));
      const signed = line.messages.get(last) as SignedMessage;
      if (victim === undefined || signed.message.gasPremium < victim.signed.message.gasPremium)
        victim = { line, signed };
    }
    if (victim !== undefined && victim.signed.message.gasPremium < premium) this.drop(victim.line, victim.signed);
    else refuse("POOL_FULL", "the message pool is full; raise GasPremium");
  }

  private drop(line: Line, signed: SignedMessage): void {
    line.messages.delete(signed.message.nonce);
    this.byCid.delete(cidKey(signedMessageCid(signed)));
    if (line.messages.size === 0) this.lines.delete(line.sender.toString());
    this.announce({ kind: "remove", signed });
  }

  private announce(change: PoolChange): void {
    for (const listener of this.listeners) listener(change);
  }

  get(cid: Uint8Array): SignedMessage | undefined {
    return this.byCid.get(cidKey(cid));
  }

  /** All waiting messages, by sender, then nonce. */
  pending(): SignedMessage[] {
    return [...this.lines.values()].flatMap(inOrder);
  }

  /** Waiting messages of one sender (its key address), by nonce. */
  pendingOf(sender: Address): SignedMessage[] {
    const line = this.lines.get(sender.toString());
    return line === undefined ? [] : inOrder(line);
  }

  /** Nonce that the sender's next message should carry, given the one in the state. */
  nextNonce(sender: Address, stateNonce: bigint): bigint {
    const line = this.lines.get(sender.toString());
    return line === undefined ? stateNonce : nextNonce(line, stateNonce);
  }

  clear(): void {
    for (const line of [...this.lines.values()]) for (const signed of inOrder(line)) this.drop(line, signed);
  }

  /** Removes what the state has used up: called after every new head. */
  async prune(): Promise<void> {
    for (const line of [...this.lines.values()]) {
      const state = await this.parts.senderState(line.sender);
      for (const signed of inOrder(line))
        if (state === null || signed.message.nonce < state.nonce) this.drop(line, signed);
    }
  }

  /**
   * Messages for the next block at this base fee, within its gas and count limits. Lines are cut at the first gap, at
   * the first message that does not pay the base fee, and where the sender's balance ends.
   */
  async select(baseFee: bigint): Promise<SignedMessage[]> {
    const runs: { readonly line: readonly SignedMessage[]; at: number }[] = [];
    for (const line of this.lines.values()) {
      const state = await this.parts.senderState(line.sender);
      if (state === null) continue;
      const run = payableRun(inOrder(line), state, baseFee);
      if (run.length > 0) runs.push({ line: run, at: 0 });
    }
    const chosen: SignedMessage[] = [];
    let gas = CHAIN_LIMITS.blockGasLimit;
    while (runs.length > 0 && chosen.length < CHAIN_LIMITS.blockMessageLimit) {
      let best = runs[0] as (typeof runs)[number];
      for (const run of runs) if (tip(run.line[run.at], baseFee) > tip(best.line[best.at], baseFee)) best = run;
      const signed = best.line[best.at++] as SignedMessage;
      const fits = signed.message.gasLimit <= gas;
      if (fits) {
        chosen.push(signed);
        gas -= signed.message.gasLimit;
      }
      if (!fits || best.at >= best.line.length) runs.splice(runs.indexOf(best), 1);
    }
    return chosen;
  }
}

function inOrder(line: Line): SignedMessage[] {
  return [...line.messages.values()].sort((a, b) => (a.message.nonce < b.message.nonce ? -1 : 1));
}

function nextNonce(line: Line, stateNonce: bigint): bigint {
  let next = stateNonce;
  while (line.messages.has(next)) next++;
  return next;
}

function payableRun(line: readonly SignedMessage[], state: SenderState, baseFee: bigint): SignedMessage[] {
  let nonce = state.nonce;
  let balance = state.balance;
  const run: SignedMessage[] = [];
  for (const signed of line) {
    const m = signed.message;
    balance -= requiredFunds(m);
    if (m.nonce !== nonce || m.gasFeeCap < baseFee || balance < 0n) break;
    run.push(signed);
    nonce++;
  }
  return run;
}

/** What the block's producer earns per unit of gas. */
function tip(signed: SignedMessage | undefined, baseFee: bigint): bigint {
  if (signed === undefined) return -1n;
  const { gasFeeCap, gasPremium } = signed.message;
  const room = gasFeeCap - baseFee;
  return gasPremium < room ? gasPremium : room;
}
