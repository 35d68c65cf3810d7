/**
 * Blocks that are announced: judged at the door, passed on, and then, in the background, completed with their messages,
 * validated and put into the chain. A block that this node made goes the same road without the door.
 * Source: lotus chain/sub/incoming.go (HandleIncomingBlocks), chain/sync.go (InformNewHead).
 */
import type { Chain } from "../chain/chain.ts";
import { BlockError } from "../consensus/errors.ts";
import type { BlockDoor } from "../consensus/gossip-checks.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { Verdict } from "../network/gossip.ts";
import type { BlockMessage } from "../network/wire/block-message.ts";
import { type BlockHeader, headerCid } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { type Message, SIGNATURE_TYPE, type SignedMessage } from "../types/message.ts";
import { fetchFull } from "./full-blocks.ts";
import { SyncError, type SyncPeers } from "./peers.ts";
import type { Syncer } from "./syncer.ts";
import { isFaultOfNode, isForEver, type TipsetImport } from "./tipset-import.ts";

export type BlockIntakeParts = {
  readonly chain: Chain;
  readonly door: Pick<BlockDoor, "judge">;
  readonly pool: { get(cid: Uint8Array): SignedMessage | undefined };
  readonly peers: SyncPeers;
  readonly imports: TipsetImport;
  readonly syncer: Pick<Syncer, "inform">;
  /** Hears of faults of this node. */
  readonly onFault: (where: string, error: unknown) => void;
};

/** Blocks that are completed and validated at the same time, and that wait for it; what is beyond comes back as a target. */
const MAX_RUNNING = 4;
const MAX_WAITING = 64;
/** Epochs below the head whose blocks are still taken where their parents are known. */
const LATE_EPOCHS = 5;

type Work = { readonly block: BlockMessage; readonly peer: string };

export class BlockIntake {
  private readonly parts: BlockIntakeParts;
  private readonly waiting: Work[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly listeners = new Set<(header: BlockHeader) => void>();

  constructor(parts: BlockIntakeParts) {
    this.parts = parts;
  }

  /** Calls `listener` with every block that passed the door, until the returned function is called. */
  onBlock(listener: (header: BlockHeader) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** What gossip is to do with a block; whatever follows from it happens later. */
  async announced(block: BlockMessage, peer: string): Promise<Verdict> {
    const { action } = await this.parts.door.judge(block);
    if (action !== "accept") return action === "reject" ? "reject" : "ignore";
    for (const listener of this.listeners) listener(block.header);
    if (this.waiting.length < MAX_WAITING && !this.stopping.signal.aborted) {
      this.waiting.push({ block, peer });
      this.next();
    }
    return "accept";
  }

  /** Takes a block that this node made; rejects with `BlockError` if it is not valid. */
  async made(block: FullBlock): Promise<void> {
    await this.parts.imports.take([block]);
  }

  /** Resolves when everything that was announced is worked off. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  async stop(): Promise<void> {
    this.waiting.length = 0;
    this.stopping.abort(new SyncError({ code: "STOPPED" }, "synchronisation was stopped"));
    await this.settled();
  }

  private next(): void {
    if (this.running.size >= MAX_RUNNING) return;
    const work = this.waiting.shift();
    if (work === undefined) return;
    const task = this.take(work)
      .catch((error: unknown) => this.failed(work, error))
      .finally(() => {
        this.running.delete(task);
        this.next();
      });
    this.running.add(task);
  }

  private async take({ block, peer }: Work): Promise<void> {
    const { chain, imports } = this.parts;
    const { header } = block;
    const { head } = chain;
    const known = await imports.knows(header.parents);
    // A chain that is lighter by a whole tipset cannot win any more; but others may build on a block that is only late.
    const isLate = known && header.height >= head.height - LATE_EPOCHS;
    if (header.parentWeight < (head.blocks[0]?.parentWeight ?? 0n) && !isLate) return;
    if (await imports.knows([headerCid(header)])) return;
    if (known) await imports.take([await this.complete(block, peer)]);
    else this.tellSyncer(header, peer);
  }

  private tellSyncer(header: BlockHeader, peer: string): void {
    this.parts.syncer.inform(peer, [headerCid(header)], header.height, header.parentWeight, false);
  }

  private failed({ block, peer }: Work, error: unknown): void {
    if (this.stopping.signal.aborted) return;
    // The peer passed on what it could not know to be wrong, as we did.
    if (isForEver(error) || (error instanceof BlockError && error.action === "ignore")) return;
    if (isFaultOfNode(error)) this.parts.onFault("blocks", error);
    this.tellSyncer(block.header, peer);
  }

  /** The block with its messages: what is here, else what peers have. */
  private async complete({ header, blsMessages, secpMessages }: BlockMessage, peer: string): Promise<FullBlock> {
    const bls = await this.all(blsMessages, (cid) => this.bare(cid));
    const secp = bls === null ? null : await this.all(secpMessages, (cid) => this.signed(cid));
    if (bls !== null && secp !== null) return { header, messages: { bls, secp } };
    const { signal } = this.stopping;
    const [tipset] = await fetchFull(this.parts.peers, [headerCid(header)], 1, { signal, from: peer });
    return tipset?.[0] as FullBlock;
  }

  private async all<T>(cids: readonly CID[], find: (cid: CID) => Promise<T | null>): Promise<T[] | null> {
    const out: T[] = [];
    for (const cid of cids) {
      const found = await find(cid);
      if (found === null) return null;
      out.push(found);
    }
    return out;
  }

  private async bare(cid: CID): Promise<Message | null> {
    const waiting = this.parts.pool.get(cid.bytes);
    if (waiting !== undefined) return waiting.signature.type === SIGNATURE_TYPE.bls ? waiting.message : null;
    const stored = await this.stored(cid);
    return stored === null || stored.signed !== null ? null : stored.message;
  }

  private async signed(cid: CID): Promise<SignedMessage | null> {
    const waiting = this.parts.pool.get(cid.bytes);
    if (waiting !== undefined) return waiting.signature.type === SIGNATURE_TYPE.bls ? null : waiting;
    return (await this.stored(cid))?.signed ?? null;
  }

  private async stored(cid: CID) {
    const { chain } = this.parts;
    return (await chain.blocks.has(cid.bytes)) ? chain.message(cid) : null;
  }
}
