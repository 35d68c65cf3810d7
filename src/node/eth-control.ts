/**
 * What contract developers do to a local network of the FVM that nobody could do to a network: accounts whose keys the node has,
 * transactions of accounts whose keys nobody has, and changes of the state.
 *
 * An impersonated account's transaction has a signature that no key made: s is 1, and r the digest of its fields. Only this network's
 * pool takes it, only while the account is impersonated, and only from here: whoever pushes such a message himself, signed so, is refused
 * as with any wrong signature. A node that checks blocks would refuse the block.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { toHex } from "../base/bytes.ts";
import { OptionError } from "../base/options.ts";
import type { ActorEdit } from "../exec/edits.ts";
import type { BlockTimes } from "../miner/block-times.ts";
import type { EthAccountsService, EthDevControl } from "../rpc/services.ts";
import type { Address } from "../types/address.ts";
import { messageOfTransaction, signingDigest } from "../types/eth-transaction.ts";
import { type SignedMessage, signedMessageCid } from "../types/message.ts";
import type { Clock } from "./clock.ts";
import { type BareTransaction, type EthAccounts, unsigned } from "./eth-accounts.ts";
import type { FilecoinNode } from "./node.ts";

const MAX_IMPERSONATED = 10_000;
/** Messages that are known as made here; the oldest are forgotten first, long after they have left the pool. */
const MAX_MADE = 100_000;

/** Whose transactions need no signature. */
export class Impersonation {
  private readonly addresses = new Set<string>();
  /** CIDs of messages, in the order in which they were made. */
  private readonly made = new Set<string>();
  /** Everybody's. */
  all = false;

  has(address: Address): boolean {
    return this.all || this.addresses.has(address.key);
  }

  add(address: Address): void {
    if (this.addresses.size >= MAX_IMPERSONATED)
      throw new OptionError("address", `at most ${MAX_IMPERSONATED} accounts can be impersonated at once`);
    this.addresses.add(address.key);
  }

  remove(address: Address): void {
    this.addresses.delete(address.key);
  }

  /** Notes a message that was made here; it is trusted from now on. */
  note(signed: SignedMessage): void {
    const [oldest] = this.made;
    if (this.made.size >= MAX_MADE && oldest !== undefined) this.made.delete(oldest);
    this.made.add(`${signedMessageCid(signed)}`);
  }

  /** Whether a message is one that was made here for an account that is impersonated still. */
  trusts(signed: SignedMessage): boolean {
    return this.made.size > 0 && this.has(signed.message.from) && this.made.has(`${signedMessageCid(signed)}`);
  }
}

type Parts = {
  readonly node: FilecoinNode;
  readonly clock: Clock;
  readonly own: EthAccounts;
  readonly times: BlockTimes;
  readonly impersonation: Impersonation;
};

export class EthControl implements EthDevControl, EthAccountsService {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get accounts(): readonly Address[] {
    return this.parts.own.accounts;
  }

  has(address: Address): boolean {
    return this.parts.own.has(address) || this.parts.impersonation.has(address);
  }

  get isAutomatic(): boolean {
    return this.parts.clock.isAutomatic;
  }

  impersonate(address: Address, on: boolean): void {
    if (on) this.parts.impersonation.add(address);
    else this.parts.impersonation.remove(address);
  }

  impersonateAll(on: boolean): void {
    this.parts.impersonation.all = on;
  }

  sign(address: Address, digest: Uint8Array): Uint8Array | null {
    return this.parts.own.sign(address, digest);
  }

  /** The message of a transaction, signed by the account's key, or as an impersonated one's. Null if neither can be. */
  signTransaction(tx: BareTransaction, from: Address): SignedMessage | null {
    const signed = this.parts.own.signTransaction(tx, from);
    if (signed !== null) return signed;
    if (!this.parts.impersonation.has(from)) return null;
    const bare = unsigned(tx);
    // What is equal but for its sender is another transaction.
    const digest = keccak_256.create().update(signingDigest(bare, this.parts.node.network.chainId));
    const r = BigInt(`0x${toHex(digest.update(from.bytes).digest())}`);
    const made = messageOfTransaction({ ...bare, r, s: 1n }, from);
    this.parts.impersonation.note(made);
    return made;
  }

  /** Changes actors, and makes a tipset that shows it unless tipsets are made by hand. Throws `ExecError` NOT_EDITABLE. */
  async edit(edits: readonly ActorEdit[]): Promise<void> {
    const { clock, node } = this.parts;
    await clock.between(async () => {
      await node.states.editHead(edits);
      // Nonces may be others now: what waits below them is used, and what comes next begins there.
      await node.pool.prune();
    });
    if (clock.isAutomatic) await clock.mine(1);
  }

  setNextTimestamp(timestamp: number): void {
    const { head } = this.parts.node.chain;
    const last = Number(head.blocks[0]?.timestamp ?? 0n);
    if (timestamp <= last)
      throw new OptionError("timestamp", `the next block must be later than the last, which is of ${last}`);
    this.parts.times.setNext(timestamp);
  }

  passTime(seconds: number): number {
    return this.parts.times.pass(seconds);
  }

  /** Makes blocks that lie so many seconds apart. */
  async mineApart(count: number, seconds: number, signal?: AbortSignal): Promise<void> {
    const { clock, node, times } = this.parts;
    for (let i = 0; i < count && signal?.aborted !== true; i++) {
      times.setNext(Number(node.chain.head.blocks[0]?.timestamp ?? 0n) + seconds);
      await clock.mine(1, signal);
    }
  }
}
