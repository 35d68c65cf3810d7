/**
 * Keeps this node's own miners from what they would be punished for: two blocks of one epoch, two blocks on the same
 * parents, a block that leaves out its own miner's block where a sibling of that one is among the parents.
 *
 * What a miner signs is on the disk before anybody sees it, the note and the signed block in one write: a node that is
 * killed in between never signs another in its place, and hands on the one that it has when it runs again. Otherwise no
 * other block could ever stand on the same parents. The same bytes may be signed again. Facts stand in the node's store:
 *
 *   slash/<miner>/<epoch, 16 digits>    blake2b-256 of the header without its signature, then of the parents' key
 *   signed/<miner>/<epoch, 16 digits>   the block, as `signed-block.ts` writes it, until it was handed on
 *
 * Source of the rules: lotus chain/gen/slashfilter/slashfilter.go, chain/vm/syscalls.go (VerifyConsensusFault). There is no
 * store of signed blocks in lotus: a miner that is killed there loses its block, and others go on without it.
 */
import { concat, fromHex, toHex } from "../base/bytes.ts";
import { blake2b256 } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";
import { Turns } from "../base/turns.ts";
import type { FaultKind } from "../consensus/consensus-fault.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, headerSigningBytes, type Tipset } from "../types/block-header.ts";
import { decodeSignedBlock, encodeSignedBlock } from "./signed-block.ts";

export type SlashErrorData = { readonly code: "WOULD_BE_FAULT"; readonly kind: FaultKind; readonly epoch: number };
export class SlashError extends FilError<SlashErrorData> {}

/** As much of a block store as the filter needs. */
export type FactStore = Pick<BlockStore, "metadataWith" | "write">;

type Signed = { readonly epoch: number; readonly block: string; readonly parents: string };

const NOTES = "slash/";
const BLOCKS = "signed/";
const DIGEST = 32;
/** Epochs that are kept: a fault older than finality is not punished, and forks go no further back. */
const KEPT_EPOCHS = 2 * BLOCK_LIMITS.finality;
/** Blocks of one miner that wait to be handed on: more only gather while handing on fails. */
const MAX_WAITING = 16;

const digest = (bytes: Uint8Array): string => toHex(blake2b256(bytes));

export class SlashFilter {
  private readonly store: FactStore;
  /** By miner, ascending by epoch. */
  private readonly signed = new Map<string, Signed[]>();
  /** Blocks that were signed and not handed on yet, by their names in the store, in the order of their epochs. */
  private readonly waiting = new Map<string, FullBlock>();
  /** Names of blocks that were handed on and are still in the store. */
  private readonly settled = new Set<string>();
  /** By miner: below these epochs notes may have gone. */
  private readonly forgotten = new Map<string, number>();
  private readonly turns = new Turns();

  private constructor(store: FactStore) {
    this.store = store;
  }

  /** Takes in what was signed before. */
  static async open(store: FactStore): Promise<SlashFilter> {
    const filter = new SlashFilter(store);
    for (const [name, value] of await store.metadataWith(NOTES)) {
      const [, miner = "", epoch = ""] = name.split("/");
      const [block, parents] = [value.subarray(0, DIGEST), value.subarray(DIGEST)];
      filter.of(miner).push({ epoch: Number(epoch), block: toHex(block), parents: toHex(parents) });
    }
    for (const [name, value] of await store.metadataWith(BLOCKS)) filter.waiting.set(name, decodeSignedBlock(value));
    return filter;
  }

  /**
   * The block that `sign` makes of a header on top of `parent`. It is on the disk with its note when this resolves. Throws
   * `SlashError` if it would be a fault: then nothing is signed; and the store's error if it cannot be kept: then what was
   * signed is thrown away.
   */
  sign(header: BlockHeader, parent: Tipset, sign: () => FullBlock): Promise<FullBlock> {
    return this.turns.run(async () => {
      const miner = `${header.miner}`;
      const own = this.of(miner);
      const one: Signed = {
        epoch: header.height,
        block: digest(headerSigningBytes(header)),
        parents: parentsOf(header),
      };
      const fault = faultWith(own, one, parent);
      if (fault !== null)
        throw new SlashError(
          { code: "WOULD_BE_FAULT", kind: fault, epoch: header.height },
          `a block of ${miner} at epoch ${header.height} is not signed: it would be ${fault}`,
        );
      const block = sign();
      if (own.some((known) => known.block === one.block)) return block;
      // By the chain it stands on: an epoch far ahead, which whoever calls may name, would clear away what was signed just now.
      const oldest = parent.height - KEPT_EPOCHS;
      const old = own.filter(({ epoch }) => epoch < oldest);
      const name = nameOf(BLOCKS, miner, header.height);
      const settled = [...this.settled];
      const surplus = [...this.waiting.keys()]
        .filter((waiting) => waiting.startsWith(`${BLOCKS}${miner}/`))
        .slice(0, -(MAX_WAITING - 1));
      const gone = [...old.map(({ epoch }) => nameOf(NOTES, miner, epoch)), ...settled, ...surplus];
      await this.store.write(
        {
          metadata: [
            ...gone.map((unneeded) => [unneeded, null] as const),
            [nameOf(NOTES, miner, header.height), concat(fromHex(one.block), fromHex(one.parents))],
            [name, encodeSignedBlock(block)],
          ],
        },
        { sync: true, note: `a block of ${miner} at epoch ${header.height}` },
      );
      const kept = [...own.filter((known) => !old.includes(known)), one];
      this.signed.set(miner, kept);
      this.forgotten.set(miner, Math.max(oldest, this.forgotten.get(miner) ?? oldest));
      for (const handedOn of settled) this.settled.delete(handedOn);
      for (const lost of surplus) this.waiting.delete(lost);
      this.waiting.set(name, block);
      return block;
    });
  }

  /** Blocks of these miners that were signed, now or before a stop, and not handed on; those of low epochs first. */
  unsettled(miners: readonly Address[]): readonly FullBlock[] {
    return [...this.waiting.values()]
      .filter(({ header }) => miners.some((miner) => miner.equals(header.miner)))
      .sort((a, b) => a.header.height - b.header.height);
  }

  /** A block was handed on, or the network refuses it for ever: it goes from the disk when the next one is written. */
  settle({ miner, height }: BlockHeader): void {
    const name = nameOf(BLOCKS, `${miner}`, height);
    if (this.waiting.delete(name)) this.settled.add(name);
  }

  /** Whether a miner has signed a block of this epoch: another would be refused. */
  hasSigned(miner: Address, epoch: number): boolean {
    return this.signed.get(`${miner}`)?.some((one) => one.epoch === epoch) ?? false;
  }

  /** Whether a block is one that was signed here, and its note is still kept. */
  isOwn(header: BlockHeader): boolean {
    const block = digest(headerSigningBytes(header));
    return this.signed.get(`${header.miner}`)?.some((one) => one.block === block) ?? false;
  }

  /** Whether a block was not signed here; of one so old that its note may have gone nothing is claimed. */
  isForeign(header: BlockHeader): boolean {
    return header.height >= (this.forgotten.get(`${header.miner}`) ?? 0) && !this.isOwn(header);
  }

  private of(miner: string): Signed[] {
    const known = this.signed.get(miner) ?? [];
    this.signed.set(miner, known);
    return known;
  }
}

/** What signing `one` on top of `parent` would be, next to what was signed before; null if nothing bad. */
function faultWith(own: readonly Signed[], one: Signed, parent: Tipset): FaultKind | null {
  const others = own.filter(({ block }) => block !== one.block);
  if (others.some(({ epoch }) => epoch === one.epoch)) return "double-fork mining";
  if (others.some(({ parents }) => parents === one.parents)) return "time-offset mining";
  const [sibling] = parent.blocks;
  if (sibling === undefined || parent.height === 0) return null;
  const before = own.find(({ epoch, parents }) => epoch === parent.height && parents === parentsOf(sibling));
  if (before === undefined) return null;
  const isParent = parent.blocks.some((header) => digest(headerSigningBytes(header)) === before.block);
  return isParent ? null : "parent-grinding";
}

function parentsOf({ parents }: BlockHeader): string {
  return digest(concat(...parents.map(({ bytes }) => bytes)));
}

function nameOf(prefix: string, miner: string, epoch: number): string {
  return `${prefix}${miner}/${String(epoch).padStart(16, "0")}`;
}
