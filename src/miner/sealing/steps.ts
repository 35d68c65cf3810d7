/**
 * What is done in each state of a sector that is on its way: each step looks at the record and the chain, does one thing,
 * and says which event came of it. A step that was cut off is done again from its beginning, so each must bear that:
 * work comes to the same bytes, and a message is sent once for its intention.
 */
import { equal, toHex } from "../../base/bytes.ts";
import { type SealProof, sealProof } from "../../sector/params.ts";
import { sealedCid } from "../../sector/piece/cid.ts";
import type { SectorIdentity } from "../../sector/seal/seal.ts";
import { DEAL_IDS_UNTIL, namesPieces, PIECES_SINCE } from "../chain-side/published-messages.ts";
import type { SectorFiles } from "../folders/folder.ts";
import type { SectorFolders } from "../folders/folders.ts";
import type { SealingChain } from "./chain.ts";
import { StepFailure } from "./errors.ts";
import { ownFolder, ownFolders } from "./own-files.ts";
import { nameOf, sortPieces } from "./provable.ts";
import type { Counter, SealedParts, SectorPiece, SectorRecord } from "./record.ts";
import type { RecordChange } from "./records.ts";
import type { SectorState } from "./states.ts";
import { expirationOf, isTicketOld, maxProveCommit, SEALING_EPOCHS } from "./terms.ts";
import type { UpdateWork } from "./update-work.ts";
import type { SealingWork } from "./work.ts";

/** What came of a step: an event, or something to wait for first. */
export type Outcome =
  | { readonly event: string; readonly text: string; readonly change?: RecordChange }
  | { readonly untilEpoch: number; readonly patient?: true }
  | { readonly untilTime: number }
  /** Nothing happens by itself here. */
  | { readonly idle: true };

export type StepContext = {
  readonly chain: SealingChain;
  readonly folders: SectorFolders;
  readonly work: SealingWork;
  /** Null where updates of sectors cannot be proven. */
  readonly updates: UpdateWork | null;
  /** Actor id. */
  readonly miner: bigint;
  readonly proverId: Uint8Array;
  /** Epochs from a pre-commit to the epoch of its seed. */
  readonly challengeDelay: number;
  /** Milliseconds until an open sector is closed, from its first piece on. */
  readonly dealsDelay: number;
  /** Epochs before a deal begins at which its sector is closed; no deal is taken that begins earlier. */
  readonly startBuffer: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
};

export type StepOf = (record: SectorRecord, context: StepContext) => Promise<Outcome>;
export type Steps = { readonly [S in SectorState]?: StepOf };

/** Name of an intention to send something for a sector; a message that failed, or other data, is another intention. */
export function intention(kind: "precommit" | "commit" | "terminate", record: SectorRecord): string {
  const { failures, number } = record;
  const counter = { precommit: "preCommit", commit: "commit", terminate: "terminate" } as const;
  return `${kind}/${number}/${failures.reseal ?? 0}.${failures[counter[kind]] ?? 0}`;
}

/** The counters with one more failure of a kind. */
export function counted(record: SectorRecord, counter: Counter): SectorRecord["failures"] {
  return { ...record.failures, [counter]: (record.failures[counter] ?? 0) + 1 };
}

export function proofOf(record: Pick<SectorRecord, "proof">): SealProof {
  return sealProof(record.proof);
}

function identityOf(record: SectorRecord, { proverId }: StepContext): SectorIdentity {
  const { ticket, number } = record;
  if (ticket === null) throw new StepFailure({ code: "FILES" }, "the sector has no ticket");
  return { proof: proofOf(record), proverId, sectorNumber: number, ticket: ticket.value };
}

export function sealedOf({ sealed }: SectorRecord): SealedParts {
  if (sealed === null) throw new StepFailure({ code: "FILES" }, "the sector is not sealed");
  return sealed;
}

/** Files of a sector that are to be written: where they were begun, or, if nothing is there yet, in the record's folder. */
async function ownFiles(record: SectorRecord, { folders, miner }: StepContext): Promise<SectorFiles> {
  const name = { miner, number: record.number };
  const found = await ownFolder(folders, name, record);
  return (found ?? folders.folder(record.folder)).files(name);
}

/** Waits until an open sector is to be closed that has had its first piece at `since`. */
export async function forPieces(
  pieces: readonly SectorPiece[],
  since: number,
  { now, dealsDelay, chain, startBuffer }: StepContext,
): Promise<Outcome> {
  if (pieces.length === 0) return { idle: true };
  const due = since + dealsDelay;
  if (now() >= due) return { event: "closed", text: "it has waited long enough for pieces" };
  const starts = pieces.flatMap(({ deal }) => (deal === null ? [] : [deal.startEpoch]));
  const { epoch } = await chain.head();
  if (Math.min(...starts) - startBuffer <= epoch) return { event: "closed", text: "a deal of it begins soon" };
  return { untilTime: Math.min(due, now() + DEALS_LOOK_MS) };
}

/** Milliseconds between two looks at the deals of a sector that waits. */
const DEALS_LOOK_MS = 30_000;

export const short = (bytes: Uint8Array): string => toHex(bytes.subarray(0, 6));

export const SEALING_STEPS: Steps = {
  WaitDeals: ({ pieces, made }, context) => forPieces(pieces, made, context),

  async Packing(record, context) {
    const { sectorBytes } = proofOf(record);
    const { pieces, why, isLost } = await provable(record, context);
    if (isLost) return unprovable(why, context);
    const commD = await context.work.pack(await ownFiles(record, context), sectorBytes, pieces);
    return { event: "packed", text: `CommD ${short(commD)}…${without(why)}`, change: { commD, pieces } };
  },

  async GetTicket(record, context) {
    const head = await context.chain.head();
    const epoch = head.epoch - SEALING_EPOCHS.ticketLookback;
    const value = await context.chain.ticket(epoch);
    const files = await ownFiles(record, context);
    await context.work.clean(files, proofOf(record).sectorBytes);
    return { event: "ticketDrawn", text: `of epoch ${epoch}`, change: { ticket: { epoch, value }, sealed: null } };
  },

  async PreCommit1(record, context) {
    const { ticket, commD } = record;
    if (ticket === null || isTicketOld(ticket.epoch, await context.chain.head()))
      return { event: "ticketOld", text: "its ticket would be too old for the pre-commit" };
    const identity = identityOf(record, context);
    const files = await ownFiles(record, context);
    await reserve(record, context);
    await context.work.label(files, identity, commD as Uint8Array, context.signal);
    return { event: "labelled", text: "" };
  },

  async PreCommit2(record, context) {
    const identity = identityOf(record, context);
    const commD = record.commD as Uint8Array;
    const files = await ownFiles(record, context);
    await reserve(record, context);
    const replicaId = context.work.replicaId(identity, commD);
    const sealed = await context.work.encode(files, identity, { replicaId, commD }, context.signal);
    return { event: "sealed", text: `CommR ${short(sealed.commR)}…`, change: { sealed, error: null } };
  },

  async PreCommitting(record, context) {
    const { chain } = context;
    const { number, ticket } = record;
    const cid = sealedCid(sealedOf(record).commR);
    const key = intention("precommit", record);
    const before = await chain.sent(key);
    if (before !== null) return { event: "sent", text: before, change: { preCommitMessage: before } };
    if (await isPreCommitted(record, chain)) return { event: "onChain", text: "the pre-commit is on chain" };
    const head = await chain.head();
    if (ticket === null || isTicketOld(ticket.epoch, head)) return reseal(record, "its ticket is too old now");
    if (await chain.isAllocated(number))
      throw new StepFailure(
        { code: "OTHER_SECTOR" },
        `the number ${number} is used up on chain, and nothing is committed`,
      );
    const expiration = expirationOf(record, head);
    const { pieces, why, awaited, isLost } = await provable(record, context);
    if (isLost) return unprovable(why, context);
    // A pre-commit that names a deal which the market does not have is refused.
    if (awaited.length > 0 && !namesPieces(head.networkVersion)) return { untilEpoch: head.epoch + 1 };
    const later = await afterUpgrade(pieces, head, context);
    if (later !== null) return { untilEpoch: later };
    const { proof } = record;
    const commD = pieces.length === 0 ? null : record.commD;
    const order = { proof, number, sealedCid: cid, ticketEpoch: ticket.epoch, pieces, commD, expiration };
    const sent = await chain.sendPreCommit(key, order);
    const change = { preCommitMessage: sent, expiration, pieces };
    return { event: "sent", text: `${sent}${without(why)}`, change };
  },

  async PreCommitWait(record, { chain, signal }) {
    const { exitCode, epoch } = await chain.executed(
      intention("precommit", record),
      SEALING_EPOCHS.messageConfidence,
      signal,
    );
    if (exitCode === 0)
      return { event: "landed", text: `at epoch ${epoch}`, change: { preCommitEpoch: epoch, error: null } };
    throw new StepFailure({ code: "MESSAGE" }, `the pre-commit failed with exit code ${exitCode} at epoch ${epoch}`);
  },

  async WaitSeed(record, { chain, challengeDelay }) {
    const { number } = record;
    const found = await chain.preCommit(number);
    if (found === null) {
      if (await isCommitted(record, chain)) return { event: "onChain", text: "the sector is on chain" };
      return { event: "gone", text: "the pre-commit is not on chain" };
    }
    if (!found.sealedCid.equals(sealedCid(sealedOf(record).commR)))
      throw new StepFailure({ code: "OTHER_SECTOR" }, `another replica is pre-committed under the number ${number}`);
    const epoch = found.epoch + challengeDelay;
    const head = await chain.head();
    if (head.epoch < epoch + SEALING_EPOCHS.seedConfidence)
      return { untilEpoch: epoch + SEALING_EPOCHS.seedConfidence };
    const value = await chain.seed(epoch);
    const { expiration } = found;
    const change = { seed: { epoch, value }, preCommitEpoch: found.epoch, expiration, porep: null };
    return { event: "seedDrawn", text: `of epoch ${epoch}`, change };
  },

  async Committing(record, context) {
    const { seed } = record;
    if (seed === null) throw new StepFailure({ code: "PROOF" }, "the sector has no seed");
    const identity = identityOf(record, context);
    const files = await context.folders.files({ miner: context.miner, number: record.number }, record.folder);
    const porep = await context.work.prove(files, identity, sealedOf(record), seed.value, context.signal);
    return { event: "proven", text: `${porep.length} bytes`, change: { porep } };
  },

  async SubmitCommit(record, context) {
    const { chain, challengeDelay, miner } = context;
    const { number, porep, seed } = record;
    const key = intention("commit", record);
    const before = await chain.sent(key);
    if (before !== null) return { event: "sent", text: before, change: { commitMessage: before } };
    if (await isCommitted(record, chain)) return { event: "onChain", text: "the sector is on chain" };
    const found = await chain.preCommit(number);
    if (found === null) return { event: "gone", text: "the pre-commit is not on chain" };
    const isSeed = seed !== null && seed.epoch === found.epoch + challengeDelay;
    if (!isSeed || porep === null || !equal(await chain.seed(seed.epoch), seed.value))
      return {
        event: "seedChanged",
        text: "the chain was reorganised: another seed",
        change: { seed: null, porep: null },
      };
    const head = await chain.head();
    const due = found.epoch + maxProveCommit(head.networkVersion);
    if (head.epoch >= due)
      throw new StepFailure(
        { code: "DEPOSIT_LOST" },
        `its proof was due at epoch ${due}: the deposit of ${found.deposit} attoFIL is lost`,
      );
    const next = head.epoch + 1;
    const times = { first: next, proven: next, expiration: found.expiration };
    const sorted = await sortPieces(record.pieces, chain, miner, times);
    if (sorted.awaited.length > 0 && head.epoch < awaitedUntil(record, seed.epoch, due))
      return { untilEpoch: head.epoch + 1 };
    const { pieces, why } = withoutLost(sorted);
    const sent = await chain.sendProveCommit(key, number, porep, pieces);
    return { event: "sent", text: `${sent}${without(why)}`, change: { commitMessage: sent, pieces } };
  },

  async CommitWait(record, { chain, signal }) {
    const { exitCode, epoch } = await chain.executed(
      intention("commit", record),
      SEALING_EPOCHS.messageConfidence,
      signal,
    );
    if (exitCode !== 0)
      throw new StepFailure({ code: "MESSAGE" }, `the proof failed with exit code ${exitCode} at epoch ${epoch}`);
    // Proofs are verified at the end of the epoch: the receipt says nothing about them.
    if (!(await isCommitted(record, chain)))
      throw new StepFailure({ code: "PROOF" }, `the proof was sent at epoch ${epoch} and did not make a sector of it`);
    return { event: "landed", text: `at epoch ${epoch}`, change: { error: null } };
  },

  async FinalizeSector(record, context) {
    const { folders, work, miner } = context;
    const name = { miner, number: record.number };
    await ownFolder(folders, name, record);
    const files = await folders.files(name, record.folder);
    await work.finalize(files, proofOf(record).sectorBytes, record.keepUnsealed);
    folders.folder(files.folder).release(name);
    return { event: "finalized", text: "", change: { error: null, folder: files.folder } };
  },

  async Removing(record, { folders, miner }) {
    const name = { miner, number: record.number };
    for (const folder of await ownFolders(folders, name, record)) {
      await folder.remove(name);
      folder.release(name);
    }
    return { event: "gone", text: "" };
  },
};

/**
 * Pieces of a sector that is pre-committed next, as its proof can name them. It is lost if nothing that it is made for is left; where deals
 * are named by the pre-commit, the sector's data is theirs alone, and it is lost with the first.
 */
async function provable(record: SectorRecord, { chain, miner, challengeDelay }: StepContext) {
  const head = await chain.head();
  const first = head.epoch + 1 + challengeDelay;
  const proven = first + SEALING_EPOCHS.seedConfidence + SEALING_EPOCHS.proveMargin;
  const times = { first, proven, expiration: expirationOf(record, head) };
  const sorted = await sortPieces(record.pieces, chain, miner, times);
  const isLeft = namesPieces(head.networkVersion) && sorted.pieces.some(({ deal }) => deal !== null);
  return { ...sorted, isLost: sorted.why !== "" && !isLeft };
}

/** Epochs from its seed for which a proof waits for what the chain has taken back, at most: a day. */
const AWAITED = 2880;

/** Epoch until which a sector's proof waits for deals and allocations to be made again: the others of the sector are to be activated in time. */
function awaitedUntil({ pieces }: SectorRecord, seedEpoch: number, due: number): number {
  return Math.min(seedEpoch + AWAITED, due - SEALING_EPOCHS.proveMargin, lastCall(pieces));
}

/** Epoch at which a sector's proof is to be sent at the latest, so that all of its deals are active in time; endless without deals. */
export function lastCall(pieces: readonly SectorPiece[]): number {
  const starts = pieces.flatMap(({ deal }) => (deal === null ? [] : [deal.startEpoch]));
  return Math.min(...starts) - SEALING_EPOCHS.proveMargin;
}

/** Pieces without what has not come back; `why` tells of that as well. */
export function withoutLost({ pieces, why, awaited }: Awaited<ReturnType<typeof sortPieces>>) {
  const gone = awaited.flatMap(({ deal }) =>
    deal === null ? [] : `${nameOf(deal)}: the chain has taken it back, and it was not made again in time`,
  );
  return {
    pieces: pieces.map((piece) => (awaited.includes(piece) ? { ...piece, deal: null } : piece)),
    why: [why, ...gone].filter((text) => text !== "").join("; "),
  };
}

/**
 * Epoch before which a sector with deals is not pre-committed: a pre-commit that names them would have to be proven before an upgrade
 * that proves none such any more, and might come too late; from that epoch on it names none. Null where there is nothing to wait for.
 */
async function afterUpgrade(
  pieces: readonly SectorPiece[],
  { epoch, networkVersion }: { readonly epoch: number; readonly networkVersion: number },
  { chain, challengeDelay }: StepContext,
): Promise<number | null> {
  if (networkVersion >= PIECES_SINCE || pieces.every(({ deal }) => deal === null)) return null;
  const end = await chain.firstEpochOf(DEAL_IDS_UNTIL);
  const { messageConfidence, seedConfidence, proveMargin } = SEALING_EPOCHS;
  const proven = epoch + 1 + Math.max(messageConfidence, challengeDelay + seedConfidence) + proveMargin;
  return end === null || proven < end ? null : chain.firstEpochOf(PIECES_SINCE);
}

export const without = (why: string): string => (why === "" ? "" : `, without what cannot be activated: ${why}`);

export function unprovable(text: string, { now }: StepContext): Outcome {
  return { event: "unprovable", text, change: { error: { code: "DEALS", text, at: now() } } };
}

async function reserve(record: SectorRecord, { folders, miner, work }: StepContext): Promise<void> {
  const name = { miner, number: record.number };
  const folder = (await folders.find(name, record.folder)) ?? folders.folder(record.folder);
  await folder.reserve(name, work.sealingBytes(proofOf(record).sectorBytes));
}

/** Sealing with a new ticket: all that came of the old one goes. */
export function reseal(record: SectorRecord, text: string): Outcome {
  const failures = counted(record, "reseal");
  return { event: "ticketOld", text, change: { failures, ticket: null, sealed: null, seed: null, porep: null } };
}

export async function isPreCommitted(record: SectorRecord, chain: SealingChain): Promise<boolean> {
  const found = await chain.preCommit(record.number);
  return found?.sealedCid.equals(sealedCid(sealedOf(record).commR)) === true;
}

/** Whether the chain has the sector, with the replica of its seal or that of its update. */
export async function isCommitted(record: SectorRecord, chain: SealingChain): Promise<boolean> {
  const { number, sealed, update } = record;
  const found = await chain.sector(number);
  const own = [sealed, update?.made].flatMap((one) => one?.commR ?? []);
  return found !== null && own.some((commR) => found.sealedCid.equals(sealedCid(commR)));
}
