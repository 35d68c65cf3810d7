/**
 * Pieces on their way into sectors, and out of them again.
 *
 * A piece is put into an open sector, at the next multiple of its size: into the one where the gap before it is smallest,
 * then where least room is left, then the lowest number. A sector closes itself when it is full, holds as many deals as it
 * may, or a deal of it begins soon. One piece is taken in at a time; a payload that breaks off leaves nothing.
 */
import { equal } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import type { Proofs } from "../../core/proofs.ts";
import { isFvm } from "../../schema/versions/rows.ts";
import { sealProof } from "../../sector/params.ts";
import { paddedBytesOf, unpaddedBytesOf } from "../../sector/piece/cid.ts";
import { type InclusionProof, proveInclusion } from "../../sector/piece/inclusion.ts";
import { fr32Unpad } from "../../sector/piece/pieces.ts";
import { type PiecePayload, stagePiece } from "../../sector/piece/stage.ts";
import { unsealRange } from "../../sector/seal/seal.ts";
import { type SectorStore, UNSEALED_FILE, updateStore } from "../../sector/store.ts";
import { unsealUpdate } from "../../sector/update/update.ts";
import type { SectorFiles } from "../folders/folder.ts";
import type { SectorFolders } from "../folders/folders.ts";
import type { SealingChain } from "./chain.ts";
import { SealingError } from "./errors.ts";
import type { SectorMachine } from "./machine.ts";
import { heldFolder } from "./own-files.ts";
import { nameOf, whyNot } from "./provable.ts";
import { type PieceDeal, piecesOf, type SectorPiece, type SectorRecord } from "./record.ts";
import type { RecordChange } from "./records.ts";
import { OPEN_STATES, type SectorState } from "./states.ts";
import { endsOf } from "./terms.ts";
import { updateFiles } from "./update-work.ts";

export type PiecesOptions = {
  readonly machine: SectorMachine;
  readonly folders: SectorFolders;
  readonly chain: SealingChain;
  readonly proofs: Proofs;
  /** Actor id. */
  readonly miner: bigint;
  readonly proverId: Uint8Array;
  readonly sealProof: number;
  readonly startBuffer: number;
};

type Head = Awaited<ReturnType<SealingChain["head"]>>;
export type Placed = SectorPiece & { readonly sector: number };

/** Deals of a sector: one for each 128 MiB, at least 256. Source: specs-actors builtin/miner/policy.go. */
const maxDeals = (sectorBytes: number): number => Math.max(256, Math.floor(sectorBytes / (128 << 20)));
/** Sectors that wait for pieces at a time. Source: lotus node/config/def.go (MaxWaitDealsSectors). */
const MAX_OPEN = 2;
/**
 * Epochs that a sector may outlive a verified deal: claiming its data fails beyond, and with it the sector. Source: builtin-actors v18.0.0
 * runtime/src/runtime/policy.rs (market_default_allocation_term_buffer).
 */
const TERM_BUFFER = 90 * 2880;
/** States in which what a sector holds is on its way out of it, or gone. */
const GOING: readonly SectorState[] = ["Removing", "Removed", "AbortUpgrade"];
/** Why a marked sector takes no data: its folder has no room, or is away, or has another's files; or the mark was taken back just now. */
const UNTAKEN = ["NO_ROOM", "READ_ONLY", "NO_SECTOR", "NO_FOLDER", "FOREIGN", "BAD_EVENT"] as const;
/** Padded bytes that are read at a time. */
const WINDOW = 1 << 20;

const endOf = (record: SectorRecord): number => {
  const last = piecesOf(record).at(-1);
  return last === undefined ? 0 : last.offset + last.paddedSize;
};
const aligned = (end: number, size: number): number => Math.ceil(end / size) * size;

/** Whether pieces may end in one sector: none may be in it for longer than what verifies its data allows, as far as is known. */
function mayShare(deals: readonly PieceDeal[], { epoch, networkVersion }: Head): boolean {
  if (!isFvm(networkVersion)) return true;
  const last = Math.max(...deals.map(({ endEpoch }) => endEpoch));
  return deals.every(({ id, allocation, startEpoch, endEpoch }) => {
    if (endEpoch === last || (id === null && allocation === undefined)) return true;
    return id !== null && last <= epoch + (endEpoch - startEpoch) + TERM_BUFFER;
  });
}

export class Pieces {
  private readonly options: PiecesOptions;
  private readonly sectorBytes: number;
  private readonly turns = new Turns();

  constructor(options: PiecesOptions) {
    this.options = options;
    this.sectorBytes = sealProof(options.sealProof).sectorBytes;
  }

  /**
   * Puts a payload into a sector; if the deal's piece is in one already, says where: data without a deal is another piece each
   * time. `commP`: what the deal says that its
   * commitment is. Throws `SealingError` BAD_PIECE, NO_ROOM, `PieceError` BAD_LENGTH.
   */
  add(payload: PiecePayload, deal: PieceDeal, commP?: Uint8Array): Promise<Placed> {
    return this.turns.run(async () => {
      const known = deal.id === null ? null : this.find(deal.id, commP);
      if (known !== null) return known;
      await this.check(payload, deal);
      const sector = await this.choose(paddedBytesOf(payload.payloadSize), deal);
      try {
        return await this.put(sector, payload, deal, commP);
      } catch (error) {
        // An update that cannot be taken back now stays open for the next piece.
        if (sector.update?.pieces.length === 0) await this.options.machine.unbegin(sector).catch(() => undefined);
        throw error;
      }
    });
  }

  /**
   * Takes back updates whose first piece was coming when an earlier process ended: nobody gives that piece into them any more, and what of
   * it came takes room. One that cannot be taken back now, as its folder is away, stays open for the next piece.
   */
  tidy(): Promise<void> {
    return this.turns.run(async () => {
      for (const record of this.options.machine.records.all())
        if (record.state === "SnapDealsWaitDeals" && record.update?.pieces.length === 0)
          await this.options.machine.unbegin(record).catch(() => undefined);
    });
  }

  /**
   * Where the piece of a deal is; null if no sector that is left has it. `commP`: of the deal that has this id now; on a way of the chain
   * that came to nothing another may have had it.
   */
  find(deal: number, commP?: Uint8Array): Placed | null {
    const isRight = (one: SectorPiece): boolean => commP === undefined || equal(one.commP, commP);
    for (const record of this.options.machine.records.all()) {
      const { number, state } = record;
      const piece = piecesOf(record).find((one) => one.deal?.id === deal && isRight(one));
      if (piece !== undefined && !GOING.includes(state)) return { ...piece, sector: number };
    }
    return null;
  }

  /** Whether a piece is where it was put, whatever has become of its deal; it is not where its sector is being given up. */
  holds({ sector, offset }: Pick<Placed, "sector" | "offset">, commP: Uint8Array): boolean {
    const { records } = this.options.machine;
    if (!records.has(sector) || GOING.includes(records.get(sector).state)) return false;
    const found = piecesOf(records.get(sector)).find((one) => one.offset === offset);
    return found !== undefined && equal(found.commP, commP);
  }

  /**
   * Bytes `[from, from + length)` of a piece as the client gave them: from the unsealed copy, or, without one, out of the
   * replica, which costs as much as sealing. Throws `SealingError` NO_PIECE.
   */
  async *read(sector: number, offset: number, from: number, length: number): AsyncGenerator<Uint8Array> {
    const { machine, folders, miner, proofs } = this.options;
    const record = machine.records.get(sector);
    const piece = this.pieceAt(record, offset);
    const isInside =
      [from, length].every((n) => Number.isSafeInteger(n) && n >= 0) && from + length <= piece.payloadSize;
    if (!isInside) throw new RangeError(`bytes ${from} to ${from + length} of a piece of ${piece.payloadSize}`);
    const { store } = contentOf(record, await folders.files({ miner, number: sector }, record.folder));
    const isUnsealed = (await store.size(UNSEALED_FILE)) !== null;
    // A sector's data before Fr32: 127 bytes for each 128.
    const start = unpaddedBytesOf(offset) + from;
    for (let at = start; at < start + length; ) {
      const firstQuad = Math.floor(at / 127);
      const last = Math.min(start + length, (firstQuad + WINDOW / 128) * 127);
      const quads = Math.ceil(last / 127) - firstQuad;
      if (isUnsealed) {
        const raw = fr32Unpad(proofs, await store.read(UNSEALED_FILE, firstQuad * 128, quads * 128));
        yield raw.slice(at - firstQuad * 127, last - firstQuad * 127);
      } else yield await this.unsealed(record, at, last - at);
      at = last;
    }
  }

  /** Whether a sector's data is here as it was before sealing. */
  async isUnsealed(sector: number): Promise<boolean> {
    const { machine, folders, miner } = this.options;
    const record = machine.records.get(sector);
    try {
      const { store } = contentOf(record, await folders.files({ miner, number: sector }, record.folder));
      return (await store.size(UNSEALED_FILE)) !== null;
    } catch (error) {
      // Nowhere: its folder is away.
      if (isFilError(error)) return false;
      throw error;
    }
  }

  /** That a piece is in its sector's data, as CommD commits to it. Throws `SealingError` NO_PIECE. */
  prove(sector: number, offset: number): InclusionProof {
    const record = this.options.machine.records.get(sector);
    const pieces = piecesOf(record);
    const index = pieces.indexOf(this.pieceAt(record, offset));
    return proveInclusion(this.options.proofs, this.sectorBytes, pieces, index);
  }

  private async unsealed(record: SectorRecord, from: number, length: number): Promise<Uint8Array> {
    const { folders, miner, proofs, proverId } = this.options;
    const { number: sectorNumber, ticket, commD, folder, update, sealed } = record;
    if (ticket === null || commD === null || sealed === null) throw noPiece(sectorNumber, from);
    const { store } = await folders.files({ miner, number: sectorNumber }, folder);
    const identity = { proof: sealProof(record.proof), proverId, sectorNumber, ticket: ticket.value };
    if (update === null) return unsealRange(proofs, store, { identity, commD, from, length });
    if (update.commD === null || update.made === null) throw noPiece(sectorNumber, from);
    const commitments = { commDOld: commD, commROld: sealed.commR, commDNew: update.commD };
    return unsealUpdate(proofs, { old: store, next: updateStore(store) }, { identity, ...commitments, from, length });
  }

  private pieceAt(record: SectorRecord, offset: number): SectorPiece {
    const piece = piecesOf(record).find((one) => one.offset === offset);
    if (piece === undefined) throw noPiece(record.number, offset);
    return piece;
  }

  private async check({ payloadSize }: PiecePayload, deal: PieceDeal): Promise<void> {
    const { startBuffer, chain } = this.options;
    const bad = (reason: string): never => {
      throw new SealingError({ code: "BAD_PIECE", reason }, `${nameOf(deal)}: ${reason}`);
    };
    if (!Number.isSafeInteger(payloadSize) || payloadSize <= 0) bad("a piece has a whole number of bytes, 1 or more");
    if (paddedBytesOf(payloadSize) > this.sectorBytes)
      bad(`${payloadSize} bytes do not fit a sector of ${this.sectorBytes}`);
    const { startEpoch, endEpoch, id } = deal;
    if (![startEpoch, endEpoch, id ?? 0].every((n) => Number.isSafeInteger(n) && n >= 0))
      bad("epochs are whole numbers");
    if (endEpoch <= startEpoch) bad(`it ends at epoch ${endEpoch} and begins at ${startEpoch}`);
    const head = await chain.head();
    const { epoch } = head;
    if (id === null) {
      const { client, id: own } = deal.allocation ?? { client: 0, id: 0 };
      if (!Number.isSafeInteger(client) || !Number.isSafeInteger(own)) bad("no allocation has such a number");
      // A deal's end is the market's; any other is the sector's, which must last so long, and no longer than an allocation allows.
      const { least, most } = endsOf(head);
      if (endEpoch > most || (deal.allocation !== undefined && endEpoch < least))
        bad(`its sector can end from epoch ${least} to ${most}, not at ${endEpoch}`);
    }
    if (startEpoch < epoch + startBuffer)
      bad(`it begins at epoch ${startEpoch}, and sealing takes until ${epoch + startBuffer}`);
    const why = await this.whyUnclaimable({ deal, commP: null, paddedSize: paddedBytesOf(payloadSize) });
    if (why !== null) bad(why);
  }

  /** Why its sector's proof would not activate what a piece is for, if its sector ends as it wants; null if it would. */
  private async whyUnclaimable(piece: Parameters<typeof whyNot>[0]): Promise<string | null> {
    const { chain, miner, startBuffer } = this.options;
    const { epoch } = await chain.head();
    const times = { first: epoch + 1, proven: epoch + startBuffer, expiration: piece.deal.endEpoch };
    return whyNot(piece, await chain.claimOf(piece.deal), miner, times);
  }

  /** Of these the sectors that have room for a piece of so many padded bytes, the best first. */
  private withRoom(open: readonly SectorRecord[], size: number): readonly SectorRecord[] {
    const gap = (record: SectorRecord): number => aligned(endOf(record), size) - endOf(record);
    return open
      .filter((one) => aligned(endOf(one), size) + size <= this.sectorBytes)
      .filter((one) => piecesOf(one).length < maxDeals(this.sectorBytes))
      .sort((a, b) => gap(a) - gap(b) || endOf(b) - endOf(a) || a.number - b.number);
  }

  /**
   * A sector that takes the piece without being sealed anew: one whose update is open, else one that is marked. It must last as long as the
   * piece wants, and no longer than what verifies it allows. Null if there is none.
   */
  private async chooseUpdate(size: number, deal: PieceDeal): Promise<SectorRecord | null> {
    const { machine, chain, miner } = this.options;
    const states = ["SnapDealsWaitDeals", "Available"] as const;
    const records = machine.records.all();
    for (const state of states)
      for (const record of this.withRoom(
        records.filter((one) => one.state === state),
        size,
      )) {
        const { number } = record;
        const [found, condition] = [await chain.sector(number), (await chain.conditions([number])).get(number)];
        if (found === null || condition !== "healthy") continue;
        const { epoch } = await chain.head();
        const { expiration } = found;
        const times = { first: epoch + 1, proven: epoch + this.options.startBuffer, expiration };
        const piece = { deal, commP: null, paddedSize: size };
        const isShort = deal.endEpoch > expiration;
        if (isShort || whyNot(piece, await chain.claimOf(deal), miner, times) !== null) continue;
        if (state === "SnapDealsWaitDeals") return record;
        try {
          return await machine.begin(number);
        } catch (error) {
          if (!UNTAKEN.some((code) => isFilError(error, code))) throw error;
        }
      }
    return null;
  }

  /** The open sector for a piece of so many padded bytes. */
  private async choose(size: number, deal: PieceDeal): Promise<SectorRecord> {
    const { machine, chain } = this.options;
    const update = await this.chooseUpdate(size, deal);
    if (update !== null) return update;
    const head = await chain.head();
    const open = machine.records.all().filter(({ state }) => state === "WaitDeals");
    const [best] = this.withRoom(open, size).filter(({ pieces }) =>
      mayShare([deal, ...pieces.flatMap((one) => one.deal ?? [])], head),
    );
    if (best !== undefined) return best;
    if (open.length >= MAX_OPEN) {
      const [fullest] = [...open].sort((a, b) => endOf(b) - endOf(a));
      await machine.tell((fullest as SectorRecord).number, "closed");
    }
    return machine.make({ state: "WaitDeals", keepUnsealed: false });
  }

  private async stage({ number, update }: SectorRecord, store: SectorStore, payload: PiecePayload, offset: number) {
    try {
      return await stagePiece(this.options.proofs, store, payload, offset);
    } finally {
      const now = this.options.machine.records.get(number);
      // Its files were removed meanwhile, and nobody comes to remove what was written after that.
      const isGone = GOING.includes(now.state) || (update !== null && now.update === null);
      if (isGone) await store.remove(UNSEALED_FILE);
    }
  }

  private async put(
    record: SectorRecord,
    payload: PiecePayload,
    deal: PieceDeal,
    commP: Uint8Array | undefined,
  ): Promise<Placed> {
    const { machine, folders, miner } = this.options;
    const { number } = record;
    const offset = aligned(endOf(record), paddedBytesOf(payload.payloadSize));
    const name = { miner, number };
    const folder = record.update === null ? folders.folder(record.folder) : await heldFolder(folders, name, record);
    const { store } = contentOf(record, folder.files(name));
    const made = await this.stage(record, store, payload, offset);
    if (commP !== undefined && !equal(made.commP, commP))
      throw new SealingError(
        { code: "BAD_PIECE", reason: "commitment" },
        `${nameOf(deal)}: the payload is another than the deal's: its commitment differs`,
      );
    const { paddedSize, payloadSize } = made;
    const why = await this.whyUnclaimable({ ...made, deal });
    if (why !== null) throw new SealingError({ code: "BAD_PIECE", reason: why }, `${nameOf(deal)}: ${why}`);
    const piece: SectorPiece = { offset, paddedSize, commP: made.commP, payloadSize, deal };
    let isIn = false;
    const after = await machine.records.note(number, "pieceAdded", `${nameOf(deal)} at ${offset}`, (now) => {
      isIn = OPEN_STATES.includes(now.state) && now.steps === record.steps;
      return isIn ? withPiece(now, piece, deal.keepUnsealed) : null;
    });
    if (!isIn) throw closedMeanwhile(nameOf(deal), number);
    const isFull = endOf(after) === this.sectorBytes || piecesOf(after).length >= maxDeals(this.sectorBytes);
    if (isFull) await machine.tell(number, "closed");
    else machine.wake(number);
    return { ...piece, sector: number };
  }
}

/** The files that a sector's data are in: of an update, its own. */
function contentOf({ update }: SectorRecord, files: Pick<SectorFiles, "store">): Pick<SectorFiles, "store"> {
  return update === null ? files : updateFiles(files);
}

/** What a record says with one piece more. */
function withPiece({ pieces, keepUnsealed, update }: SectorRecord, piece: SectorPiece, keeps: boolean): RecordChange {
  if (update === null) return { pieces: [...pieces, piece], keepUnsealed: keepUnsealed || keeps };
  return { update: { ...update, pieces: [...update.pieces, piece], keepUnsealed: update.keepUnsealed || keeps } };
}

function noPiece(sector: number, offset: number): SealingError {
  return new SealingError({ code: "NO_PIECE", sector, offset }, `sector ${sector} has no piece at ${offset}`);
}

/** The payload is spent: whoever gave it has to give it again. */
function closedMeanwhile(deal: string, sector: number): SealingError {
  return new SealingError(
    { code: "BAD_PIECE", reason: "closed" },
    `${deal}: sector ${sector} was closed while the piece came; give it again`,
  );
}
