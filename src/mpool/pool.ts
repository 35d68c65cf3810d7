/**
 * Messages that wait for a block.
 *
 * Per sender they form a queue by nonce (`sender-queue.ts`); which may enter stands in `rules.ts`, which are chosen for a
 * block in `selection.ts`. What is accepted from this node's own user is kept before the answer is given, and is there
 * again after a restart. From the choice of a nonce to the pool a sender is locked, whatever address it is spelt by. When
 * the head moves, what blocks carry goes and what reverted blocks carried comes back. The pool is bounded by count and by
 * bytes; when it is full, the cheapest last message of a sender gives way to one that pays more.
 * Above 500 lines: what enters, leaves, waits and comes back changes the same queues, sums and file.
 * Source of the rules: lotus chain/messagepool.
 */
import { describeError } from "../base/errors.ts";
import type { Rewind } from "../base/rewind.ts";
import { KeyedTurns, Turns } from "../base/turns.ts";
import { type Address, PROTOCOL } from "../types/address.ts";
import { filText } from "../types/amount.ts";
import type { Tipset } from "../types/block-header.ts";
import { type CID, type CidKey, cidKey } from "../types/cid.ts";
import { type SignedMessage, signedMessageCid } from "../types/message.ts";
import { checkPoolConfig, DEFAULT_POOL_CONFIG, type PoolConfig } from "./config.ts";
import type { FoundMessages } from "./kept-messages.ts";
import type { Candidate } from "./message-chain.ts";
import { PoolNotes } from "./notes.ts";
import type { OtherBase, PoolChange, PoolHeadChange, PoolNote, PoolParts, SenderState } from "./parts.ts";
import { cheaperTails, cheapestFor, isLacking, type Lack, type Tail, wouldMakeRoom } from "./room.ts";
import { checkFields, POOL_LIMITS, PoolError, refuse, requiredFunds, waitsFor } from "./rules.ts";
import { selectMessages } from "./selection.ts";
import { type Origin, type PoolEntry, poolEntry, SenderQueue, type Way } from "./sender-queue.ts";

/** Attempts to push under a nonce that is used up meanwhile, and to see a state at a head that moves. */
const MAX_ATTEMPTS = 3;

const NONE_KEPT: FoundMessages = { messages: [], unreadable: [] };

/** A sender's state, and how often the head had moved before it was asked for. */
type Sight = { readonly state: SenderState; readonly moves: number };

export class MessagePool {
  private readonly parts: PoolParts;
  private readonly queues = new Map<string, SenderQueue>();
  private readonly byCid = new Map<CidKey, PoolEntry>();
  private bytes = 0;
  private current: PoolConfig = DEFAULT_POOL_CONFIG;
  private readonly senderTurns = new KeyedTurns();
  private readonly headTurns = new Turns();
  private readonly changeListeners = new Set<(change: PoolChange) => void>();
  private readonly notes = new PoolNotes();
  private moves = 0;
  /** While the chain is taken back to an earlier moment, its moves say nothing of what waits. */
  private isRewinding = false;
  /** Messages that were said to wait, so that it is said once. */
  private readonly saidToWait = new Set<CidKey>();

  constructor(parts: PoolParts) {
    this.parts = parts;
  }

  get size(): number {
    return this.byCid.size;
  }

  /** Bytes of all signed messages that wait. */
  get totalBytes(): number {
    return this.bytes;
  }

  get config(): PoolConfig {
    return this.current;
  }

  /** Throws `PoolError` BAD_CONFIG. */
  async setConfig(config: PoolConfig): Promise<void> {
    checkPoolConfig(config);
    await this.parts.kept?.setConfig(config);
    this.current = config;
  }

  /** Calls `listener` at every change until the returned function is called. */
  onChange(listener: (change: PoolChange) => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /**
   * Calls `listener` with what people should know of messages, until the returned function is called. The first listener
   * is told what was to be said before it came, the last 100 notes of it.
   */
  onNote(listener: (note: PoolNote) => void): () => void {
    return this.notes.listen(listener);
  }

  // Entering.

  /** Adds a signed message; throws `PoolError`. A message of this node's own user is kept before this resolves. */
  async push(signed: SignedMessage, origin: Origin = "local"): Promise<void> {
    const entry = this.checked(signed, origin !== "network");
    const sender = await this.keyOf(signed.message.from);
    if (sender === null)
      return refuse(
        "UNKNOWN_SENDER",
        `sender ${this.text(signed.message.from)} has no key: actor not found: it has no funds yet`,
      );
    await this.senderTurns.run(sender.key, () => this.enter(entry, sender, origin));
  }

  /**
   * Chooses the nonce of the sender's next message, lets `make` complete and sign the message, and adds it; nothing else
   * of the sender enters meanwhile.
   */
  async pushNext(from: Address, make: (nonce: bigint) => Promise<SignedMessage>): Promise<SignedMessage> {
    const sender = await this.keyOf(from);
    if (sender === null)
      return refuse("UNKNOWN_SENDER", `sender ${this.text(from)} has no key: actor not found: it has no funds yet`);
    return this.senderTurns.run(sender.key, async () => {
      for (let attempt = 1; ; attempt++) {
        const signed = await make(await this.nonceOf(sender));
        try {
          await this.enter(this.checked(signed, true), sender, "next");
          return signed;
        } catch (error) {
          // Blocks from elsewhere may have carried a message of the sender meanwhile, or one that was reverted is back.
          if (!isUsed(error) || attempt === MAX_ATTEMPTS) throw error;
        }
      }
    });
  }

  /** Nonce that the next message of a sender, by any address, should carry. Throws `PoolError` UNKNOWN_SENDER. */
  async nextNonceOf(from: Address): Promise<bigint> {
    const sender = await this.keyOf(from);
    return sender === null ? refuse("UNKNOWN_SENDER", `${this.text(from)}: actor not found`) : this.nonceOf(sender);
  }

  private async nonceOf(sender: Address): Promise<bigint> {
    const state = await this.stateOf(sender);
    return this.nextNonce(sender, state.nonce);
  }

  private checked(signed: SignedMessage, isLocal: boolean): PoolEntry {
    const entry = poolEntry(signed, isLocal);
    this.checkRules(entry);
    return entry;
  }

  /** Throws `PoolError` if the message breaks a rule that holds now. */
  private checkRules({ signed, bytes }: PoolEntry): void {
    const { minGas, networkVersion, prefix } = this.parts;
    checkFields(signed, bytes, minGas(signed), networkVersion(), prefix);
  }

  /** An address as this network spells it. */
  private text(address: Address): string {
    return address.toString(this.parts.prefix);
  }

  private async stateOf(sender: Address): Promise<SenderState> {
    return (
      (await this.parts.senderState(sender)) ??
      refuse(
        "UNKNOWN_SENDER",
        `sender ${this.text(sender)}: actor not found: it has no funds yet, or is a contract, which sends no messages`,
      )
    );
  }

  private async see(sender: Address): Promise<Sight> {
    const { moves } = this;
    return { state: await this.stateOf(sender), moves };
  }

  /** The sender is locked, unless the message comes back. */
  private async enter(entry: PoolEntry, sender: Address, way: Way): Promise<void> {
    const { signed } = entry;
    if (way !== "returned" && !this.parts.verify(signed, sender))
      refuse("BAD_SIGNATURE", "the signature is not the sender's");
    const baseFee = await this.parts.baseFee();
    if (way === "network" && signed.message.gasFeeCap < baseFee / POOL_LIMITS.baseFeeFloor)
      refuse(
        "FEE_BELOW_BASE_FEE",
        `GasFeeCap ${signed.message.gasFeeCap} is far below the base fee of ${baseFee} attoFIL`,
      );
    let sight = await this.see(sender);
    this.admit(entry, sender, sight.state, way);
    if (way !== "loaded" && entry.isLocal) await this.keep(signed);
    try {
      // Other senders and the head went on meanwhile.
      for (let i = 0; i < MAX_ATTEMPTS && sight.moves !== this.moves; i++) sight = await this.see(sender);
      this.admit(entry, sender, sight.state, way);
    } catch (error) {
      await this.forget([entry]);
      throw error;
    }
    this.insert(entry, sender, sight.state.nonce);
    // What cannot be stored waits all the same; it is not found by its CID when it waits no longer.
    if (!entry.isLocal) this.parts.kept?.remember(signed).catch(() => undefined);
    const reason = waitsFor(signed.message, baseFee);
    if (reason !== null) this.sayWaits(entry, reason);
  }

  private async keep(signed: SignedMessage): Promise<void> {
    await this.parts.kept?.add(signed).catch((cause: unknown) => {
      throw new PoolError({ code: "NOT_KEPT" }, `the message cannot be kept: ${describeError(cause)}`, { cause });
    });
  }

  /** Throws `PoolError` unless the message may enter now. */
  private admit(entry: PoolEntry, sender: Address, state: SenderState, way: Way): void {
    const m = entry.signed.message;
    if (m.nonce < state.nonce)
      refuse("NONCE_TOO_LOW", `nonce ${m.nonce} is used; minimum expected nonce is ${state.nonce}`);
    const queue = this.queueOf(sender, state.nonce);
    const replaced = queue.check(entry, way, this.parts.prefix);
    const funds = queue.fundsWithout(m.nonce) + requiredFunds(m);
    if (funds > state.balance && way !== "returned")
      refuse(
        "INSUFFICIENT_FUNDS",
        `not enough funds: ${filText(funds)} needed with what waits, balance is ${filText(state.balance)}`,
      );
    const lack = this.lackFor(entry, replaced);
    if (isLacking(lack) && (way === "returned" || !wouldMakeRoom(this.tailsBelow(entry, sender), lack)))
      refuse("POOL_FULL", "the message pool is full; raise GasPremium");
  }

  private insert(entry: PoolEntry, sender: Address, nonce: bigint): void {
    const queue = this.queueOf(sender, nonce);
    const replaced = queue.get(entry.signed.message.nonce);
    const lack = this.lackFor(entry, replaced);
    const victims = isLacking(lack) ? cheapestFor(this.tailsBelow(entry, sender), lack) : [];
    for (const victim of victims) this.drop(victim.queue, victim.entry, "the pool is full, and it pays least");
    if (replaced !== undefined) {
      this.take(queue, replaced, false);
      this.forgetInTime([replaced]);
    }
    this.queues.set(sender.key, queue);
    queue.set(entry);
    this.byCid.set(entry.key, entry);
    this.bytes += entry.bytes;
    this.announce({ kind: "add", signed: entry.signed, isLocal: entry.isLocal });
  }

  private queueOf(sender: Address, nonce: bigint): SenderQueue {
    return this.queues.get(sender.key) ?? new SenderQueue(sender, nonce);
  }

  /** What the pool lacks to take a message in, in place of `replaced` if that is there. */
  private lackFor(entry: PoolEntry, replaced: PoolEntry | undefined): Lack {
    const count = this.size + (replaced === undefined ? 1 : 0) - this.current.sizeLimitHigh;
    return { count, bytes: this.bytes + entry.bytes - (replaced?.bytes ?? 0) - POOL_LIMITS.pendingBytes };
  }

  private tailsBelow(entry: PoolEntry, sender: Address): Tail[] {
    return cheaperTails(this.queues.values(), sender, entry.signed.message.gasPremium);
  }

  // Leaving.

  /** Drops a sender's message that cannot be used, and says why. */
  async dropNonce(from: Address, nonce: bigint, reason: string): Promise<void> {
    const sender = await this.keyOf(from);
    const queue = sender === null ? undefined : this.queues.get(sender.key);
    const entry = queue?.get(nonce);
    if (queue !== undefined && entry !== undefined) this.drop(queue, entry, reason);
  }

  private drop(queue: SenderQueue, entry: PoolEntry, reason: string): void {
    this.take(queue, entry, false);
    this.forgetInTime([entry]);
    this.note("dropped", entry.signed, reason);
  }

  /** Takes a message out; the disk is to forget it too. `applied`: a block has it, or another one of its nonce. */
  private take(queue: SenderQueue, entry: PoolEntry, applied: boolean): void {
    queue.delete(entry.signed.message.nonce, applied);
    this.byCid.delete(entry.key);
    this.saidToWait.delete(entry.key);
    this.bytes -= entry.bytes;
    if (queue.size === 0) this.queues.delete(queue.sender.key);
    this.announce({ kind: "remove", signed: entry.signed, isLocal: entry.isLocal });
  }

  /** Resolves when the disk has forgotten them; rejects if it cannot: then they are back after a restart. */
  private async forget(entries: readonly PoolEntry[]): Promise<void> {
    // What is refused may be here by another way: its block was reverted while it was pushed again.
    const gone = entries.filter((one) => one.isLocal && !this.byCid.has(one.key));
    const cids = gone.map((one) => signedMessageCid(one.signed));
    if (cids.length > 0) await this.parts.kept?.remove(cids);
  }

  /** The same of messages that may come back: a restart judges them anew, by their nonces and what they pay. */
  private forgetInTime(entries: readonly PoolEntry[]): void {
    this.forget(entries).catch(() => undefined);
  }

  /** Drops all messages; unless `local`, those of this node's own user stay. Rejects if the disk cannot forget them. */
  async clear(local = true): Promise<void> {
    const gone: PoolEntry[] = [];
    for (const queue of [...this.queues.values()]) {
      for (const entry of queue.inOrder()) {
        if (!local && entry.isLocal) continue;
        this.take(queue, entry, false);
        gone.push(entry);
      }
    }
    await this.forget(gone);
  }

  // Looking.

  get(cid: Uint8Array): SignedMessage | undefined {
    return this.byCid.get(cidKey(cid))?.signed;
  }

  /** All waiting messages, by sender, then nonce. */
  pending(): SignedMessage[] {
    return [...this.queues.values()].flatMap((queue) => queue.inOrder().map(({ signed }) => signed));
  }

  /** Waiting messages of one sender (its key address), by nonce. */
  pendingOf(sender: Address): SignedMessage[] {
    return (this.queues.get(sender.key)?.inOrder() ?? []).map(({ signed }) => signed);
  }

  /** Nonce that the sender's next message should carry, given the one in the state. */
  nextNonce(sender: Address, stateNonce: bigint): bigint {
    const next = this.queues.get(sender.key)?.nextNonce ?? stateNonce;
    return next > stateNonce ? next : stateNonce;
  }

  /** Messages of this node's own user: what is sent to other nodes again from time to time. */
  localMessages(): SignedMessage[] {
    return [...this.queues.values()].flatMap((queue) =>
      queue
        .inOrder()
        .filter((one) => one.isLocal)
        .map(({ signed }) => signed),
    );
  }

  // Choosing.

  /**
   * Messages for a block at this base fee, within its limits, on top of `base` (the head). What cannot even be looked at is
   * dropped.
   */
  async select(baseFee: bigint, ticketQuality = 1, base?: Tipset): Promise<SignedMessage[]> {
    await this.settled();
    const other = base === undefined ? null : await this.parts.seenFrom(base);
    const candidates: Candidate[] = [];
    for (const queue of await this.queuesAt(other)) {
      const candidate = await this.candidate(queue, other?.senderState ?? this.parts.senderState);
      if (candidate === null) continue;
      candidates.push(candidate);
      if (other === null) this.noteWaiting(queue, candidate, baseFee);
    }
    const wanted = new Set<string>();
    for (const address of this.current.priorityAddresses) {
      const key = await this.keyOf(address);
      if (key !== null) wanted.add(key.toString());
    }
    const { minGas } = this.parts;
    const priority = candidates.filter(({ sender }) => wanted.has(sender));
    const rest = candidates.filter(({ sender }) => !wanted.has(sender));
    return selectMessages({ candidates: rest, priority, baseFee, ticketQuality, minGas });
  }

  /** The queues, and for another base than the head copies that have what was carried since. */
  private async queuesAt(other: OtherBase | null): Promise<SenderQueue[]> {
    if (other === null) return [...this.queues.values()];
    const copies = new Map<string, SenderQueue>();
    const copyOf = (sender: Address): SenderQueue => {
      const copy = copies.get(sender.key) ?? new SenderQueue(sender, 0n);
      copies.set(sender.key, copy);
      return copy;
    };
    for (const signed of other.carried) {
      const sender = await this.keyOf(signed.message.from);
      if (sender !== null) copyOf(sender).set(poolEntry(signed, false));
    }
    for (const queue of this.queues.values()) for (const entry of queue.inOrder()) copyOf(queue.sender).set(entry);
    return [...copies.values()];
  }

  private async candidate(queue: SenderQueue, stateOf: PoolParts["senderState"]): Promise<Candidate | null> {
    const messages = queue.inOrder();
    try {
      const state = await stateOf(queue.sender);
      if (state === null) return null;
      const usable = messages.filter((entry) => this.isUsable(queue, entry)).map(({ signed }) => signed);
      return { sender: queue.name, ...state, messages: usable };
    } catch (error) {
      // The state cannot be read for this sender: others are chosen without it.
      const first = messages[0];
      if (first !== undefined) this.sayWaits(first, `its sender cannot be looked up: ${describeError(error)}`);
      return null;
    }
  }

  /** Checks a message again by the rules that hold now; an upgrade of the network may have changed them. */
  private isUsable(queue: SenderQueue, entry: PoolEntry): boolean {
    try {
      this.checkRules(entry);
      return true;
    } catch (error) {
      const own = this.queues.get(queue.sender.key);
      if (own === queue) this.drop(queue, entry, describeError(error));
      return false;
    }
  }

  /** Says of a sender's first message why it waits, if its fee cap is why. */
  private noteWaiting(queue: SenderQueue, { nonce }: Candidate, baseFee: bigint): void {
    const first = queue.get(nonce);
    const reason = first === undefined ? null : waitsFor(first.signed.message, baseFee);
    if (first !== undefined && reason !== null) this.sayWaits(first, reason);
  }

  private sayWaits(entry: PoolEntry, reason: string): void {
    if (this.saidToWait.has(entry.key)) return;
    this.saidToWait.add(entry.key);
    this.note("waits", entry.signed, reason);
  }

  // The head.

  /** The head moved. Moves are worked off in their order; `settled` waits for them. */
  headChanged(changes: readonly PoolHeadChange[]): void {
    this.moves++;
    if (this.isRewinding) return;
    this.headTurns.run(() => this.follow(changes)).catch(() => undefined);
  }

  /** Resolves when the pool has followed all moves of the head. */
  settled(): Promise<void> {
    return this.headTurns.idle();
  }

  /** Does what takes chain and pool back to an earlier moment; the head moves meanwhile without a message coming or going. */
  async rewinding(work: () => Promise<void>): Promise<void> {
    await this.settled();
    this.isRewinding = true;
    try {
      await work();
    } finally {
      this.isRewinding = false;
    }
  }

  /** What waits now; the function that is given lets it wait again, in place of what came since. */
  remember(): Rewind {
    const { current } = this;
    const queues = [...this.queues.values()].map((queue) => ({
      ...{ sender: queue.sender, next: queue.nextNonce, entries: [...queue.inOrder()] },
    }));
    const said = [...this.saidToWait];
    return () => {
      const before = new Map(this.byCid);
      this.queues.clear();
      this.byCid.clear();
      this.saidToWait.clear();
      this.bytes = 0;
      this.current = current;
      for (const { sender, next, entries } of queues) {
        const queue = new SenderQueue(sender, next);
        this.queues.set(sender.key, queue);
        for (const entry of entries) {
          queue.set(entry);
          this.byCid.set(entry.key, entry);
          this.bytes += entry.bytes;
        }
      }
      for (const key of said) this.saidToWait.add(key);
      for (const [key, { signed, isLocal }] of before)
        if (!this.byCid.has(key)) this.announce({ kind: "remove", signed, isLocal });
      for (const [key, { signed, isLocal }] of this.byCid)
        if (!before.has(key)) this.announce({ kind: "add", signed, isLocal });
    };
  }

  private async follow(changes: readonly PoolHeadChange[]): Promise<void> {
    const touched = new Map<string, Address>();
    const returning: SignedMessage[] = [];
    for (const { type, tipset } of changes) {
      if (type === "revert") returning.push(...(await this.parts.signedOf(tipset).catch(() => [])));
      const messages = await this.parts.carried(tipset).catch(() => []);
      for (const { from } of messages) {
        const key = await this.keyOf(from).catch(() => null);
        if (key !== null) touched.set(key.key, key);
      }
    }
    try {
      await this.prune([...touched.values()].flatMap((sender) => this.queues.get(sender.key) ?? []));
    } finally {
      // Nobody else has them any more: the disk forgot them when they were carried.
      for (const signed of returning) await this.comeBack(signed);
    }
  }

  /** Removes what the state has used up. */
  async prune(queues: readonly SenderQueue[] = [...this.queues.values()]): Promise<void> {
    const gone: PoolEntry[] = [];
    for (const queue of queues) {
      const state = await this.parts.senderState(queue.sender);
      if (state === null) continue;
      for (const entry of queue.inOrder()) {
        if (entry.signed.message.nonce >= state.nonce) break;
        this.take(queue, entry, true);
        gone.push(entry);
      }
      queue.rebase(state.nonce);
    }
    this.forgetInTime(gone);
  }

  /** A message of a reverted block waits again, unless its nonce is used on the new chain or taken. */
  private async comeBack(signed: SignedMessage): Promise<void> {
    try {
      const entry = this.checked(signed, true);
      const sender = await this.keyOf(signed.message.from);
      if (sender !== null && !this.byCid.has(entry.key)) await this.enter(entry, sender, "returned");
    } catch (error) {
      if (!isUsed(error)) this.note("dropped", signed, `its block was reverted: ${describeError(error)}`);
    }
  }

  /** Takes the messages in that an earlier process kept. Those that can wait no more are forgotten, with the reason. */
  async load(): Promise<void> {
    this.current = (await this.parts.kept?.config()) ?? this.current;
    const { messages, unreadable } = (await this.parts.kept?.all()) ?? NONE_KEPT;
    for (const { cid, reason } of unreadable) this.notes.tell({ kind: "unreadable", cid, message: null, reason });
    const gone = await this.takeIn(messages, true, "after a restart");
    if (gone.length > 0) this.parts.kept?.remove(gone).catch(() => undefined);
  }

  /** Takes messages of others in that waited in a network that was written to a file; those that can wait no more are told. */
  async restore(messages: readonly SignedMessage[]): Promise<void> {
    await this.takeIn(messages, false, "as the network's file was loaded");
  }

  /** Messages that waited somewhere enter again, lowest nonces first. Gives those that cannot, after it was told why. */
  private async takeIn(messages: readonly SignedMessage[], isLocal: boolean, when: string): Promise<CID[]> {
    const gone: CID[] = [];
    for (const signed of [...messages].sort((a, b) => (a.message.nonce < b.message.nonce ? -1 : 1))) {
      try {
        const entry = this.checked(signed, isLocal);
        const sender = (await this.keyOf(signed.message.from)) ?? refuse("UNKNOWN_SENDER", "actor not found");
        await this.senderTurns.run(sender.key, () => this.enter(entry, sender, "loaded"));
      } catch (error) {
        gone.push(signedMessageCid(signed));
        if (!isUsed(error)) this.note("dropped", signed, `${when}: ${describeError(error)}`);
      }
    }
    return gone;
  }

  // Senders.

  /** Key addresses stand for themselves, whether or not the state knows them yet. */
  private async keyOf(address: Address): Promise<Address | null> {
    const isKey = address.protocol === PROTOCOL.secp256k1 || address.protocol === PROTOCOL.bls;
    return isKey ? address : this.parts.resolveKey(address);
  }

  private announce(change: PoolChange): void {
    for (const listener of this.changeListeners) listener(change);
  }

  private note(kind: PoolNote["kind"], signed: SignedMessage, reason: string): void {
    this.notes.tell({ kind, cid: signedMessageCid(signed), message: signed.message, reason });
  }
}

/** Whether a message was refused because another one has its nonce. */
function isUsed(error: unknown): boolean {
  return error instanceof PoolError && error.code === "NONCE_TOO_LOW";
}
