/** What a provider does in each state of a deal. */

import { describeError, isFilError } from "../../base/errors.ts";
import { sleepFor } from "../../base/sleep.ts";
import type { Proofs } from "../../core/proofs.ts";
import { commitmentOfCidV1 } from "../../sector/piece/cid.ts";
import type { InclusionProof } from "../../sector/piece/inclusion.ts";
import type { PiecePayload } from "../../sector/piece/stage.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { parseCid } from "../../types/cid.ts";
import { decodeSignedMessage } from "../../types/message.ts";
import { type MarketChain, publishedId } from "./chain-access.ts";
import { dealOnChain, endOnChain, nextLook, slashOf, wasNeverActive } from "./deal-end.ts";
import { DealError, type TransferReason } from "./errors.ts";
import type { MarketFunds } from "./funds.ts";
import { type Outcome, StepFailure, type StepOf } from "./lives.ts";
import { isPiece, payloadOf } from "./payload.ts";
import type { PayloadIndex } from "./payload-index.ts";
import { type ProviderDeal, type ProviderState, proposalOfDeal } from "./provider-record.ts";
import { checkSource, type Fetch, type PayloadFiles, type PullLimits, pull } from "./pull.ts";
import type { PushIntake } from "./pushed.ts";
import type { DealRules } from "./rules.ts";
import { isPayable, paidIn } from "./settler.ts";

/** Where a piece is: a sector's number, and padded bytes into it. */
export type PiecePlace = { readonly sector: number; readonly offset: number };

/** The miner that a deal's piece is handed to; `src/node` gives it. */
export type PieceTaker = {
  /** Epochs before a deal's start at which its piece must be in a sector. */
  readonly startBuffer: number;
  /** Puts a piece into a sector, or says where it is already. */
  add(
    miner: Address,
    payload: PiecePayload,
    deal: {
      readonly id: number;
      readonly startEpoch: number;
      readonly endEpoch: number;
      readonly keepUnsealed: boolean;
    },
    commP: Uint8Array,
  ): Promise<{ readonly sector: number; readonly offset: number }>;
  /** Whether a piece is where it was put: it is not once its sector has taken it back, or is given up. */
  holds(miner: Address, place: PiecePlace, commP: Uint8Array): boolean;
  /** Seals a sector as it is; one that is on its way already stays so. */
  seal(miner: Address, sector: number): Promise<void>;
  /** Bytes of a piece's data, of its unsealed copy; null if there is none. */
  read(miner: Address, place: PiecePlace, from: number, length: number): Promise<Uint8Array | null>;
  /** Whether there is an unsealed copy. */
  isUnsealed(miner: Address, place: PiecePlace): Promise<boolean>;
  /** The way from a piece's commitment to its sector's CommD. Throws for a piece that is in no sector. */
  prove(miner: Address, place: PiecePlace): InclusionProof;
  /** A sector's state, for people; null for none. */
  sectorState(miner: Address, sector: number): string | null;
};

export type ProviderParts = {
  readonly chain: MarketChain;
  readonly funds: MarketFunds;
  readonly files: PayloadFiles;
  readonly pieces: PieceTaker;
  readonly proofs: () => Promise<Proofs>;
  /** The data of this node's own user, by commitment; null if it is not there. */
  readonly local: (commP: Uint8Array) => Promise<AsyncIterable<Uint8Array> | null>;
  readonly rules: () => DealRules;
  readonly limits?: PullLimits;
  /** Fetches from a URL "libp2p:"; `mayDial` as of `http-streams.ts`. Absent: the node has no peers. */
  readonly fetchFromPeer?: (
    url: string,
    init: Parameters<Fetch>[1] & { readonly mayDial: boolean },
  ) => Promise<Response>;
  /** Whether the node may go back to a moment at which a deal that is over, or active, still needed its data. */
  readonly mayGoBack?: () => boolean;
  /** Of all payloads that are stored. */
  readonly index: PayloadIndex;
  /** Data that clients push. */
  readonly pushes: Pick<PushIntake, "next">;
  /** Hears how much data has come. */
  readonly onReceived: (deal: string, bytes: number) => void;
  /** A deal is ready to be published. */
  readonly onReady: () => void;
  /** Payments of a deal are to be asked for. */
  readonly onPayable: () => void;
};

type Result = Outcome<ProviderDeal>;
const to = (state: ProviderState, event: string, text: string, change: Partial<ProviderDeal> = {}): Result => ({
  event,
  text,
  change: { ...change, state },
});

/** Attempts to get data while none comes, and what no further attempt would mend. */
const MAX_ATTEMPTS = 10;
const HOPELESS: readonly TransferReason[] = ["TOO_LONG", "COMMITMENT"];
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 60_000;
/** Epochs after a message that brought no payment until the next. */
const SETTLE_AGAIN_EPOCHS = 120;

function fail(text: string): never {
  throw new StepFailure({ code: "FAILED" }, text);
}

export function providerSteps(parts: ProviderParts): Readonly<Record<string, StepOf<ProviderDeal>>> {
  const { chain, funds, files, pieces } = parts;
  const idOf = async (miner: Address): Promise<Address> => (await chain.messages.idOf(miner)) ?? fail("no such miner");
  return {
    Transferring: (deal, signal) =>
      deal.source.kind === "graphsync" ? pushed(deal, parts, signal) : transfer(deal, parts, signal),

    WaitingForData: async () => ({ idle: true }),

    async Verifying(deal, signal) {
      const { pieceCid, pieceSize } = proposalOfDeal(deal);
      await haveData(deal, parts, signal);
      const payload = payloadOf(files, deal.id, deal.size, Number(pieceSize));
      if (!(await isPiece(await parts.proofs(), payload, pieceCid, Number(pieceSize), signal))) {
        const why = `the data is another than the deal's: it is not the piece ${pieceCid}`;
        if (deal.source.kind !== "offline") fail(why);
        // Whoever gave the wrong file may give the right one.
        return to("WaitingForData", "wrongData", why, { error: why, received: 0 });
      }
      const source = { size: deal.size, read: (from: number, length: number) => inFile(parts, deal, from, length) };
      const { blocks, why } = await parts.index.add(deal.id, source, signal);
      const found = `${blocks} blocks can be found by their CIDs${why === null ? "" : `; ${why}`}`;
      return to("Funding", "verified", `piece ${pieceCid}; ${found}`);
    },

    async Funding(deal) {
      const proposal = proposalOfDeal(deal);
      const { provider, providerCollateral } = proposal;
      const id = await idOf(provider);
      const { worker } = await chain.provider(provider);
      const message = await funds.hold(worker, id, deal.id, providerCollateral, proposal);
      if (await funds.isCovered(id, deal.id))
        return to("Publishing", "funded", message === null ? "" : `message ${message}`);
      return { untilEpoch: 0 };
    },

    async Publishing() {
      parts.onReady();
      return { idle: true };
    },

    PublishWait: (deal, signal) => published(deal, parts, signal),

    async AddingPiece(deal, signal) {
      const proposal = proposalOfDeal(deal);
      const { provider, pieceCid, pieceSize } = proposal;
      const info = {
        id: deal.dealId as number,
        startEpoch: Number(proposal.startEpoch),
        endEpoch: Number(proposal.endEpoch),
        keepUnsealed: deal.keepUnsealed,
      };
      await haveData(deal, parts, signal);
      const payload = payloadOf(files, deal.id, deal.size, Number(pieceSize));
      const { sector, offset } = await pieces.add(
        ...([provider, payload, info, commitmentOfCidV1(pieceCid) as Uint8Array] as const),
      );
      if (parts.rules().sealAtOnce) await pieces.seal(provider, sector);
      return to("Sealing", "placed", `sector ${sector} at ${offset}`, { sector, offset });
    },

    async Sealing(deal) {
      const proposal = proposalOfDeal(deal);
      const { startEpoch, provider, pieceCid } = proposal;
      const { epoch } = chain;
      const named = [chain, deal.dealId as number, proposal] as const;
      const found = await dealOnChain(...named);
      // The market may have had it active, and let go of it since this node looked last.
      const onChain = found ?? (await endOnChain(...named, Math.max(0, Number(startEpoch) - 1))).last ?? null;
      if (onChain === null && epoch <= Number(startEpoch)) return reverted(deal, parts);
      if (onChain === null || (found === null && onChain.activated === null))
        fail(`the market has let go of the deal: it was in no proven sector by epoch ${startEpoch}`);
      if (onChain.activated === null) {
        if (epoch > Number(startEpoch)) fail(`its sector should have been proven by epoch ${startEpoch}`);
        const place = placeOf(deal);
        const isGone = place !== null && !pieces.holds(provider, place, commitmentOfCidV1(pieceCid) as Uint8Array);
        // An update that was taken back or given up, or a sector that was removed: its data is here until the deal is active.
        if (isGone && epoch + pieces.startBuffer <= Number(startEpoch))
          return to("AddingPiece", "displaced", `sector ${place.sector} has it no more: it goes into another`, {
            ...{ sector: null, offset: null },
          });
        return { untilEpoch: 0 };
      }
      await letGoOfData(parts, deal.id);
      return to("Active", "activated", `at epoch ${onChain.activated}`, { activated: onChain.activated });
    },

    async Active(deal) {
      const proposal = proposalOfDeal(deal);
      const { startEpoch, endEpoch, provider } = proposal;
      const named = [chain, deal.dealId as number, proposal] as const;
      const onChain = await dealOnChain(...named);
      const { epoch, paysWhenAsked } = chain;
      if (onChain !== null && onChain.slashed === null) {
        // Of a way of the chain that came to nothing, and was left before that was written down.
        await funds.drop(await idOf(provider), deal.id);
        if (paysWhenAsked && isPayable(deal, onChain, epoch, parts.rules().settleEpochs)) parts.onPayable();
        return { untilEpoch: nextLook(epoch, deal.activated) };
      }
      const end = onChain === null ? await endOnChain(...named, deal.activated ?? 0) : { epoch, last: onChain };
      if (end.last == null && epoch <= Number(startEpoch)) return reverted(deal, parts);
      if (wasNeverActive(end)) fail(`the chain has gone another way, on which no sector had it by epoch ${startEpoch}`);
      if (parts.mayGoBack?.() !== true) await parts.index.remove(deal.id);
      const slashed = slashOf(end, Number(endEpoch));
      if (slashed === null) return to("Expired", "expired", `it ended at epoch ${endEpoch}`);
      return to("Slashed", "slashed", `at epoch ${slashed}: its sector ended before the deal did`, { slashed });
    },

    Settling: (deal, signal) => settled(deal, parts, signal),
  };
}

/** The market lets go of no deal before its start: the chain has gone another way, on which it is published anew, under any id. */
async function reverted(deal: ProviderDeal, { chain, funds }: Pick<ProviderParts, "chain" | "funds">): Promise<Result> {
  const proposal = proposalOfDeal(deal);
  const id = await chain.messages.idOf(proposal.provider);
  // Else another deal, or a withdrawal, takes its collateral, and it cannot be published anew.
  if (id !== null) await funds.holdAgain(id, deal.id, proposal.providerCollateral, proposal);
  const text = "the chain has gone another way, on which its message is waited for";
  return to("PublishWait", "reverted", text, { activated: null });
}

/** Bytes of a deal's data while it waits for its sector; fewer at the end. */
async function inFile(
  { files }: Pick<ProviderParts, "files">,
  { id, size }: ProviderDeal,
  from: number,
  length: number,
) {
  return files.read(id, from, Math.max(0, Math.min(length, size - from)));
}

/** Bytes of a deal's data, wherever it is; null while it is not at hand. */
export async function readPayload(
  parts: Pick<ProviderParts, "files" | "pieces">,
  deal: ProviderDeal,
  from: number,
  length: number,
): Promise<Uint8Array | null> {
  const { provider } = proposalOfDeal(deal);
  const place = placeOf(deal);
  if (place !== null) {
    const found = await parts.pieces.read(provider, place, from, length);
    if (found !== null) return found;
  }
  return (await isWaiting(parts, deal)) ? inFile(parts, deal, from, length) : null;
}

/** Whether a deal's data can be read without being unsealed first. */
export async function isPayloadHere(
  parts: Pick<ProviderParts, "files" | "pieces">,
  deal: ProviderDeal,
): Promise<boolean> {
  const place = placeOf(deal);
  if (place !== null && (await parts.pieces.isUnsealed(proposalOfDeal(deal).provider, place))) return true;
  return isWaiting(parts, deal);
}

const placeOf = ({ sector, offset }: ProviderDeal): PiecePlace | null =>
  sector === null || offset === null ? null : { sector, offset };
const isWaiting = async ({ files }: Pick<ProviderParts, "files">, { id, size }: ProviderDeal): Promise<boolean> =>
  (await files.size(id)) === size;

/** The data of a deal goes, unless it may be needed again. */
export async function letGoOfData(
  { files, mayGoBack }: Pick<ProviderParts, "files" | "mayGoBack">,
  id: string,
): Promise<void> {
  if (mayGoBack?.() !== true) await files.remove(id);
}

async function fetchData(deal: ProviderDeal, parts: ProviderParts, signal: AbortSignal): Promise<void> {
  const { files, rules, limits } = parts;
  const { source, size, id } = deal;
  if (source.kind === "http") {
    const { url, headers } = source;
    // The rules may have changed since the deal was taken.
    const peersPiece = deal.peer === null ? null : proposalOfDeal(deal).pieceCid;
    const { remoteSources: remote } = rules();
    checkSource(url, headers, { remote, peersPiece, peer: deal.peer });
    const { fetchFromPeer } = parts;
    // Of this machine, or where others may be asked, a peer that has gone is dialled again.
    const mayDial = remote || /^libp2p:\/\/\/ip(?:4\/127\.|6\/::1\/)/.test(url);
    const get: Fetch | undefined =
      url.startsWith("libp2p:") && fetchFromPeer !== undefined
        ? (from, init) => fetchFromPeer(from, { ...init, mayDial })
        : undefined;
    const onProgress = (bytes: number): void => parts.onReceived(id, bytes);
    await pull({
      ...{ url, headers, size, files, name: id, signal, onProgress },
      ...(limits && { limits }),
      ...(get && { get }),
    });
  } else if (source.kind === "local") await copyLocal(deal, parts, signal);
}

/** Gets data again that is not here any more: a network that goes on from a file of it has records alone. */
async function haveData(deal: ProviderDeal, parts: ProviderParts, signal: AbortSignal): Promise<void> {
  if ((await parts.files.size(deal.id)) !== deal.size) await fetchData(deal, parts, signal);
}

async function transfer(deal: ProviderDeal, parts: ProviderParts, signal: AbortSignal): Promise<Result> {
  const { files } = parts;
  const { size, id } = deal;
  try {
    await fetchData(deal, parts, signal);
    return to("Verifying", "transferred", `${size} bytes`, { received: size, attempts: 0 });
  } catch (error) {
    if (signal.aborted || !(error instanceof DealError)) throw error;
    const { data } = error;
    if (data.code === "REFUSED") fail(error.message);
    if (data.code !== "TRANSFER") throw error;
    const received = (await files.size(id)) ?? 0;
    const attempts = received > deal.received ? 1 : deal.attempts + 1;
    if (HOPELESS.includes(data.reason) || attempts >= MAX_ATTEMPTS)
      fail(`the data could not be had${attempts > 1 ? ` in ${attempts} attempts` : ""}: ${error.message}`);
    if (data.reason === "RANGE") await files.remove(id);
    const pause = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** attempts);
    await sleepFor(pause, signal);
    return to("Transferring", "interrupted", describeError(error), {
      received: Math.max(received, deal.received),
      attempts,
      error: error.message,
    });
  }
}

async function pushed(deal: ProviderDeal, { pushes }: ProviderParts, signal: AbortSignal): Promise<Result> {
  try {
    const found = await pushes.next(deal, signal);
    if ("channel" in found)
      return to("Transferring", "pushed", `the client sends its data, channel ${found.channel}`, {
        push: found.channel,
      });
    const { size } = found;
    return to("Verifying", "transferred", `${size} bytes`, { size, received: size, attempts: 0 });
  } catch (error) {
    if (signal.aborted || !(error instanceof DealError) || error.data.code !== "TRANSFER") throw error;
    return fail(`the data could not be had: ${error.message}`);
  }
}

async function copyLocal({ id, size, signed }: ProviderDeal, { files, local }: ProviderParts, signal: AbortSignal) {
  const { pieceCid } = proposalOfDeal({ signed });
  const bytes = await local(commitmentOfCidV1(pieceCid) as Uint8Array);
  if (bytes === null) fail(`piece ${pieceCid} is not among the data of this node's user`);
  await files.remove(id);
  let at = 0;
  for await (const part of bytes as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted();
    if (at + part.length > size)
      throw new DealError({ code: "TRANSFER", reason: "TOO_LONG" }, `the data has more than ${size} bytes`);
    await files.write(id, at, part);
    at += part.length;
  }
  if (at < size) throw new DealError({ code: "TRANSFER", reason: "TOO_SHORT" }, `the data has ${at} of ${size} bytes`);
}

/** What became of the message that publishes a deal. */
async function published(deal: ProviderDeal, { chain, funds }: ProviderParts, signal: AbortSignal): Promise<Result> {
  const { publish } = deal;
  if (publish === null) return to("Publishing", "again", "no message is known");
  const proposal = proposalOfDeal(deal);
  const again = async (text: string): Promise<Result> => {
    if (await chain.isPublished(proposal)) fail(`${text}; the market has the proposal already, by another message`);
    return to("Publishing", "again", text, { publish: null });
  };
  try {
    // The pool may never have had it, if the process ended as it was sent.
    await chain.messages.resend(decodeSignedMessage(publish.bytes));
    const receipt = await chain.messages.wait(parseCid(publish.cid), signal);
    if (receipt.exitCode !== 0)
      return await again(`the message ${publish.cid} failed with exit code ${receipt.exitCode}`);
    const dealId = publishedId(receipt.return, publish.index);
    if (dealId === null) return await again(`the message ${publish.cid} was executed without this deal`);
    const id = await chain.messages.idOf(proposal.provider);
    if (id !== null) await funds.drop(id, deal.id);
    // Its sector names it by the id that it had before the chain went another way.
    if (dealId === deal.dealId && (await chain.deal(dealId)) === null)
      fail("the market has let go of the deal: its sector ended before the deal began");
    if (dealId === deal.dealId && deal.sector !== null)
      return to("Sealing", "published", `deal ${dealId} again, whose sector is known`);
    return to("AddingPiece", "published", `deal ${dealId}`, { dealId });
  } catch (error) {
    const isGone = ["MESSAGE_REPLACED", "MESSAGE_UNKNOWN"].some((code) => isFilError(error, code));
    if (!isGone) throw error;
    return again(`the message ${publish.cid} is not on the chain: ${describeError(error)}`);
  }
}

/** What became of the message that asks for a deal's payments: whatever it was, the deal is looked at again. */
async function settled(deal: ProviderDeal, { chain }: ProviderParts, signal: AbortSignal): Promise<Result> {
  const { settle } = deal;
  if (settle == null) return to("Active", "again", "no message is known");
  const later = (text: string): Result =>
    to("Active", "unpaid", text, { settle: null, settleFrom: chain.epoch + SETTLE_AGAIN_EPOCHS });
  try {
    await chain.messages.resend(decodeSignedMessage(settle.bytes));
    const receipt = await chain.messages.wait(parseCid(settle.cid), signal);
    if (receipt.exitCode !== 0) return later(`the message ${settle.cid} failed with exit code ${receipt.exitCode}`);
    const paid = paidIn(receipt.return, settle.index);
    if ("exitCode" in paid) return later(`the market pays nothing for it: exit code ${paid.exitCode}`);
    const sum = BigInt(deal.paid ?? "0") + paid.payment;
    return to("Active", "paid", filText(paid.payment), { settle: null, paid: `${sum}` });
  } catch (error) {
    if (!["MESSAGE_REPLACED", "MESSAGE_UNKNOWN"].some((code) => isFilError(error, code))) throw error;
    return to("Active", "again", `the message ${settle.cid} is not on the chain: ${describeError(error)}`, {
      settle: null,
    });
  }
}
