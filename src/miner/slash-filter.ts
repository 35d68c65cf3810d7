/**
 * Keeps this node's own miners from what they would be punished for: two blocks of one epoch, two blocks on the same
 * parents, a block that leaves out its own miner's block where a sibling of that one is among the parents.
 *
 * What a miner is about to sign is on the disk before it is signed: a node that is killed in between may lose the block,
 * and never signs another in its place. The same bytes may be signed again. Facts stand in the node's store, one a block:
 *
 *   slash/<miner>/<epoch, 16 digits>   blake2b-256 of the header without its signature, then of the parents' key
 *
 * Source of the rules: lotus chain/gen/slashfilter/slashfilter.go, chain/vm/syscalls.go (VerifyConsensusFault).
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { concat, fromHex, toHex } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { Turns } from "../base/turns.ts";
import type { FaultKind } from "../consensus/consensus-fault.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, headerSigningBytes, type Tipset } from "../types/block-header.ts";

export type SlashErrorData = { readonly code: "WOULD_BE_FAULT"; readonly kind: FaultKind; readonly epoch: number };
export class SlashError extends FilError<SlashErrorData> {}

/** As much of a block store as the filter needs. */
export type FactStore = Pick<BlockStore, "metadataWith" | "write">;

type Signed = { readonly epoch: number; readonly block: string; readonly parents: string };

const PREFIX = "slash/";
const DIGEST = 32;
/** Epochs that are kept: a fault older than finality is not punished, and forks go no further back. */
const KEPT_EPOCHS = 2 * BLOCK_LIMITS.finality;

const digest = (bytes: Uint8Array): string => toHex(blake2b(bytes, { dkLen: DIGEST }));

export class SlashFilter {
  private readonly store: FactStore;
  /** By miner, ascending by epoch. */
  private readonly signed = new Map<string, Signed[]>();
  private readonly turns = new Turns();

  private constructor(store: FactStore) {
    this.store = store;
  }

  /** Takes in what was signed before. */
  static async open(store: FactStore): Promise<SlashFilter> {
    const filter = new SlashFilter(store);
    for (const [name, value] of await store.metadataWith(PREFIX)) {
      const [, miner = "", epoch = ""] = name.split("/");
      const [block, parents] = [value.subarray(0, DIGEST), value.subarray(DIGEST)];
      filter.of(miner).push({ epoch: Number(epoch), block: toHex(block), parents: toHex(parents) });
    }
    return filter;
  }

  /**
   * Allows a miner to sign a header on top of `parent`, and has noted that on the disk when it resolves. Throws
   * `SlashError` if the block would be a fault, and the store's error if it cannot be noted: then nothing may be signed.
   */
  allow(header: BlockHeader, parent: Tipset): Promise<void> {
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
      if (own.some(({ block }) => block === one.block)) return;
      const old = own.filter(({ epoch }) => epoch < header.height - KEPT_EPOCHS);
      const value = concat(fromHex(one.block), fromHex(one.parents));
      const gone = old.map(({ epoch }) => [nameOf(miner, epoch), null] as const);
      await this.store.write(
        { metadata: [...gone, [nameOf(miner, header.height), value]] },
        { sync: true, note: `a block of ${miner} at epoch ${header.height}` },
      );
      const kept = [...own.filter((known) => !old.includes(known)), one];
      this.signed.set(miner, kept);
    });
  }

  /** Whether a miner has signed a block of this epoch: another would be refused. */
  hasSigned(miner: Address, epoch: number): boolean {
    return this.signed.get(`${miner}`)?.some((one) => one.epoch === epoch) ?? false;
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

function nameOf(miner: string, epoch: number): string {
  return `${PREFIX}${miner}/${String(epoch).padStart(16, "0")}`;
}
