/** A chain of one miner for tests of its sealing: epochs pass on call, messages are executed as the test says. */
import { blake2b } from "@noble/hashes/blake2.js";
import { utf8 } from "../../src/base/bytes.ts";
import type {
  Committed,
  Condition,
  Executed,
  PieceClaim,
  PreCommitOrder,
  PreCommitted,
  SealingChain,
  UpdateOrder,
} from "../../src/miner/sealing/chain.ts";

import type { PieceDeal, SectorPiece } from "../../src/miner/sealing/record.ts";

type Sent = { readonly cid: string; readonly run: () => number; executed: Executed | null };

export class TestChain implements SealingChain {
  epoch = 1000;
  networkVersion = 5;
  /** What a draw depends on: another number is another chain. */
  fork = 0;
  /** Set: the node does not answer. */
  isAway = false;
  /** Exit codes of the next messages, by what their key begins with; none: 0. */
  readonly failing: { readonly key: string; readonly exitCode: number }[] = [];
  /** Proofs that the chain verifies as wrong. */
  badProofs = 0;
  readonly preCommits = new Map<number, PreCommitted>();
  readonly sectors = new Map<number, Committed>();
  readonly allocated = new Set<number>();
  readonly seen = new Map<number, Condition>();
  readonly messages = new Map<string, Sent>();
  /** Every message that was made, in order. */
  readonly made: string[] = [];
  readonly orders: PreCommitOrder[] = [];
  /** Whether epochs that are needed pass at once. */
  isInstant = true;
  private readonly listeners = new Set<() => void>();
  private readonly waiting = new Set<() => void>();

  async head() {
    this.answer();
    return { epoch: this.epoch, networkVersion: this.networkVersion };
  }
  onHeadChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  /** Network versions that come, by their first epochs. */
  readonly upgrades: { readonly epoch: number; readonly networkVersion: number }[] = [];
  async firstEpochOf(networkVersion: number) {
    this.answer();
    return this.upgrades.find((one) => one.networkVersion >= networkVersion)?.epoch ?? null;
  }
  need(epoch: number): void {
    if (this.isInstant && epoch > this.epoch) queueMicrotask(() => this.pass(epoch - this.epoch));
  }
  /** Lets epochs pass: what was sent is executed in the first. */
  pass(epochs: number): void {
    this.epoch += Math.max(0, epochs);
    for (const { epoch, networkVersion } of this.upgrades)
      if (this.epoch + 1 >= epoch) this.networkVersion = Math.max(this.networkVersion, networkVersion);
    for (const sent of this.messages.values()) sent.executed ??= { exitCode: sent.run(), epoch: this.epoch };
    for (const look of [...this.waiting]) look();
    for (const listener of [...this.listeners]) listener();
  }
  private answer(): void {
    if (this.isAway) throw new Error("the node does not answer");
  }
  private draw(kind: string, epoch: number): Uint8Array {
    return blake2b(utf8(`${kind}/${this.fork}/${epoch}`), { dkLen: 32 });
  }
  async ticket(epoch: number) {
    this.answer();
    return this.draw("ticket", epoch);
  }
  async seed(epoch: number) {
    this.answer();
    return this.draw("seed", epoch);
  }
  async preCommit(sector: number) {
    this.answer();
    return this.preCommits.get(sector) ?? null;
  }
  async sector(sector: number) {
    this.answer();
    return this.sectors.get(sector) ?? null;
  }
  async isAllocated(sector: number) {
    this.answer();
    return this.allocated.has(sector);
  }
  /** What there is of deals, by their ids, and of allocations, by theirs; of others nothing is looked up. */
  readonly claims = new Map<number, PieceClaim>();
  async claimOf({ id, allocation }: PieceDeal) {
    this.answer();
    return this.claims.get(id ?? allocation?.id ?? -1) ?? {};
  }
  async conditions(sectors: readonly number[]) {
    this.answer();
    const of = (sector: number): Condition =>
      this.seen.get(sector) ?? (this.sectors.has(sector) ? "unproven" : "absent");
    return new Map(sectors.map((sector) => [sector, of(sector)]));
  }
  async allConditions() {
    return this.conditions([...this.sectors.keys(), ...this.seen.keys()]);
  }
  async nextProofs() {
    return new Map<number, number>();
  }
  async sent(key: string) {
    this.answer();
    return this.messages.get(key)?.cid ?? null;
  }
  private send(key: string, run: () => number): string {
    this.answer();
    const known = this.messages.get(key);
    if (known !== undefined) return known.cid;
    this.made.push(key);
    const at = this.failing.findIndex((one) => key.startsWith(one.key));
    const [failing] = at < 0 ? [] : this.failing.splice(at, 1);
    this.messages.set(key, {
      cid: `cid of ${key}`,
      run: failing === undefined ? run : () => failing.exitCode,
      executed: null,
    });
    this.need(this.epoch + 1);
    return `cid of ${key}`;
  }
  async sendPreCommit(key: string, order: PreCommitOrder) {
    this.orders.push(order);
    const { number, sealedCid, expiration } = order;
    return this.send(key, () => {
      if (this.allocated.has(number)) return 16;
      this.allocated.add(number);
      this.preCommits.set(number, { epoch: this.epoch, sealedCid, deposit: 7n, expiration });
      return 0;
    });
  }
  /** Pieces as proofs named them. */
  readonly proven: (readonly SectorPiece[])[] = [];
  async sendProveCommit(key: string, number: number, _proof: Uint8Array, pieces: readonly SectorPiece[]) {
    this.proven.push(pieces);
    return this.send(key, () => {
      const found = this.preCommits.get(number);
      if (found === undefined) return 17;
      if (this.badProofs > 0) {
        this.badProofs--;
        return 0;
      }
      this.preCommits.delete(number);
      const { expiration, sealedCid } = found;
      this.sectors.set(number, { activation: this.epoch, expiration, sealedCid });
      return 0;
    });
  }
  /** Epoch from which on sectors may change; the next one unless something is said. */
  immutableUntil = 0;
  async mutableFrom(sector: number) {
    this.answer();
    return this.sectors.has(sector) ? Math.max(this.epoch + 1, this.immutableUntil) : null;
  }
  /** Updates as they were sent. */
  readonly updates: UpdateOrder[] = [];
  async sendUpdate(key: string, order: UpdateOrder) {
    this.updates.push(order);
    return this.send(key, () => {
      const found = this.sectors.get(order.number);
      if (found === undefined) return 17;
      if (this.badProofs > 0) {
        this.badProofs--;
        return 16;
      }
      this.sectors.set(order.number, { ...found, sealedCid: order.sealedCid });
      return 0;
    });
  }
  /** A reorganisation: the message of an intention is not executed any more, and what it did is undone. */
  takeBack(key: string, undo: () => void): void {
    const sent = this.messages.get(key);
    if (sent !== undefined) sent.executed = null;
    undo();
  }
  async sendTermination(key: string, number: number) {
    return this.send(key, () => {
      this.seen.set(number, "terminated");
      return 0;
    });
  }
  executed(key: string, confidence: number, signal: AbortSignal): Promise<Executed> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.messages.get(key)?.executed;
        if (found === undefined || found === null || this.epoch < found.epoch + confidence) return;
        this.waiting.delete(look);
        resolve(found);
      };
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.waiting.add(look);
      look();
      this.need(this.epoch + confidence + 1);
    });
  }
}
