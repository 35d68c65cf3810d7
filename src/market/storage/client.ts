/**
 * The storage market as a client has it: asks, offers with their funds, and deals watched to their end. What it answers is
 * on the disk; after `kill -9` the next start goes on where this one was.
 */

import { Turns } from "../../base/turns.ts";
import type { Proofs } from "../../core/proofs.ts";
import { pieceCidV1 } from "../../sector/piece/cid.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import type { CommittedCar, PieceForm } from "../data/commit-car.ts";
import { SeenAsks } from "./asks.ts";
import { newUuid, uuidBytes } from "./boost-messages.ts";
import type { MarketChain } from "./chain-access.ts";
import { type ClientDeal, clientDeadline, type Delivery, signedOfClient } from "./client-record.ts";
import { clientSteps } from "./client-steps.ts";
import { DealError } from "./errors.ts";
import type { MarketFunds } from "./funds.ts";
import { checkInclusion } from "./inclusion.ts";
import type { Push } from "./legacy-client.ts";
import { encodeAsk, type SignedAsk, type StorageAsk } from "./legacy-messages.ts";
import type { LinkTo } from "./link.ts";
import { Lives } from "./lives.ts";
import {
  clientFunds,
  type DealProposal,
  durationOf,
  encodeProposal,
  encodeSignedProposal,
  proposalCid,
} from "./proposal.ts";
import { type DealEvent, RecordBook } from "./record-book.ts";
import { leastPrice } from "./rules.ts";

export type ClientOptions = {
  readonly blocks: BlockStore;
  readonly chain: MarketChain;
  readonly funds: MarketFunds;
  readonly linkTo: LinkTo;
  /** The piece that a DAG of this node is. */
  readonly commit: (root: CID, form: PieceForm, signal?: AbortSignal) => Promise<CommittedCar>;
  /** Where this node's own pieces are served, without a slash at the end; null while they are not. */
  readonly servedAt: () => string | null;
  readonly now: () => number;
  readonly proofs: () => Promise<Proofs>;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly push: Push;
  /** Where a miner's provider is: multiaddr or identity, as the chain says; null: in this node, or nobody knows. */
  readonly placeOf: (miner: Address, signal?: AbortSignal) => Promise<string | null>;
  /** A multiaddr of this node that ends with its identity; null while it has none. */
  readonly ownAddress: () => string | null;
  readonly onChange?: (deal: ClientDeal) => void;
};

/** What a user decides of a deal; what is left out is chosen. */
export type Wanted = {
  readonly root: CID;
  readonly wallet: Address;
  readonly miner: Address;
  /** Multiaddr or identity of the provider; null: a provider of this node. */
  readonly peer: string | null;
  /** Epochs. */
  readonly duration: number;
  /** attoFIL an epoch; default: what the ask comes to, if it is at most `maxPrice`. */
  readonly price?: bigint;
  readonly maxPrice?: bigint;
  readonly startEpoch?: number;
  /** attoFIL; default: what is least now, and a tenth. */
  readonly collateral?: bigint;
  readonly verified?: boolean;
  readonly keepUnsealed?: boolean;
  /** The piece is the bytes of the file that the DAG is, and no CAR file: it can be had as a piece alone. */
  readonly raw?: boolean;
  /** The provider gets the data by hand. */
  readonly offline?: boolean;
  /**
   * How a provider elsewhere gets this node's data: by HTTP over a stream between the peers; or pushed over graphsync, in the
   * older protocol, whatever else it speaks. Default: by HTTP from this node's gateway.
   */
  readonly transfer?: "libp2p" | "graphsync";
  /** Where the provider gets the data, if not from this node. */
  readonly source?: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
  /** Piece and bytes of the data, where it is not in this node's store. */
  readonly piece?: { readonly cid: CID; readonly paddedSize: number; readonly carSize: number };
  /** Which open deals of the same piece and parties keep this one from being made; absent: none. */
  readonly unlessOpen?: (other: DealProposal) => boolean;
};

/** Where a deal's piece was shown to be. */
export type Verified = {
  readonly sector: number;
  readonly offset: number;
  readonly sectorBytes: number;
  readonly commD: CID;
};

/** What is to be otherwise than it was. Epochs; attoFIL an epoch. */
export type Renewal = {
  readonly duration?: number;
  readonly startEpoch?: number;
  readonly maxPrice?: bigint;
  /** Whether it is made though the deal was renewed already. Default: yes. */
  readonly again?: boolean;
};

/** Epochs until a deal begins, unless its user says otherwise: a day. */
const START_DELAY = 2880;
const ANSWER_MS = 60_000;
/** As long it is waited for an ask that a deal can do without, and for peers that may be a provider; so many of them are asked. */
const GLANCE_MS = 10_000;
const MAX_ASKED = 32;

const within = (ms: number, signal: AbortSignal | undefined): AbortSignal =>
  signal === undefined ? AbortSignal.timeout(ms) : AbortSignal.any([signal, AbortSignal.timeout(ms)]);

/** Throws `DealError` REFUSED for a piece that the provider would not take, before anything is paid for it. */
function checkSize({ minPieceSize, maxPieceSize }: StorageAsk, size: bigint): void {
  if (size >= minPieceSize && size <= maxPieceSize) return;
  const limit = `${minPieceSize} to ${maxPieceSize} bytes`;
  throw new DealError(
    { code: "REFUSED", field: "pieceSize", limit, offered: `${size}` },
    `the data is a piece of ${size} bytes, and the provider takes pieces of ${limit}; nothing was paid`,
  );
}

/** Why a deal's place in a sector cannot be looked at, and what is to be done. */
function notProven({ id, state, dealId, error }: ClientDeal): string {
  const name = `deal ${id}${dealId === null ? "" : `, DealID ${dealId},`}`;
  if (state === "Failed") return `${name} has failed, and is in no sector: ${error}`;
  if (state === "Expired" || state === "Slashed") return `${name} is over (${state}): its provider proves it no more`;
  const lacks =
    dealId === null
      ? "has no DealID yet: its provider has not published it"
      : "is published, and its sector is not proven yet";
  return `${name} ${lacks} (state ${state}${error === "" ? "" : `: ${error}`}); ask again when it is Active`;
}

const isOver = ({ state }: ClientDeal): boolean => ["Expired", "Slashed", "Failed"].includes(state);

export class StorageClient {
  private readonly options: ClientOptions;
  private book: RecordBook<ClientDeal> | null = null;
  private lives: Lives<ClientDeal> | null = null;
  private readonly adding = new Turns();
  private readonly seen: SeenAsks;

  constructor(options: ClientOptions) {
    this.options = options;
    this.seen = new SeenAsks(options.blocks);
  }

  async start(): Promise<void> {
    const { blocks, now, chain, funds, onChange } = this.options;
    this.book = await RecordBook.open<ClientDeal>(blocks, "client", now, { isOver });
    this.lives = new Lives<ClientDeal>({
      ...{ book: this.book, chain, steps: clientSteps(this.options), deadline: clientDeadline },
      failed: async (deal) => {
        const id = await chain.messages.idOf(signedOfClient(deal).proposal.client);
        if (id !== null) await funds.drop(id, deal.id);
        return { state: "Failed" };
      },
      ...(onChange === undefined ? {} : { onChange }),
    });
    this.lives.start();
  }

  async stop(): Promise<void> {
    await this.lives?.stop();
    this.lives = null;
  }

  /** Whether nothing goes on before the next head, or before somebody does something. */
  isAtRest(): boolean {
    return this.lives?.isAtRest() ?? true;
  }

  private get deals(): RecordBook<ClientDeal> {
    if (this.book === null) throw new DealError({ code: "CLOSED" }, "the node has not started yet");
    return this.book;
  }

  /**
   * A provider's ask, whose signature is its worker's, and which holds. `named` null: where the chain says. Throws `DealError` NO_ANSWER,
   * NOT_A_PROVIDER.
   */
  async ask(miner: Address, named: string | null, signal?: AbortSignal): Promise<SignedAsk> {
    const { chain, placeOf } = this.options;
    // Who is no provider is not looked for.
    await chain.provider(miner);
    return this.askAt(miner, named ?? (await placeOf(miner, signal)), within(ANSWER_MS, signal));
  }

  /**
   * The one of some peers that gives the miner's ask, signed by its worker; null if none does. What a peer says of itself is
   * nothing: the signature is looked at.
   */
  async providerAmong(miner: Address, peers: readonly string[], signal?: AbortSignal): Promise<string | null> {
    await this.options.chain.provider(miner);
    const found = new AbortController();
    const limit = AbortSignal.any([within(GLANCE_MS, signal), found.signal]);
    const asked = peers.slice(0, MAX_ASKED).map((peer) => this.askAt(miner, peer, limit).then(() => peer));
    try {
      return await Promise.any(asked);
    } catch {
      signal?.throwIfAborted();
      return null;
    } finally {
      found.abort(new Error("the provider is found"));
    }
  }

  private async askAt(miner: Address, peer: string | null, signal: AbortSignal): Promise<SignedAsk> {
    const { chain, linkTo } = this.options;
    const { worker } = await chain.provider(miner);
    const signed = await linkTo(miner, peer).ask(miner, signal);
    const isRight =
      signed.ask.miner.equals(miner) && chain.messages.verify(signed.signature, worker, encodeAsk(signed.ask));
    if (!isRight)
      throw new DealError(
        { code: "NO_ANSWER" },
        `the ask that was given for ${miner.toString(chain.prefix)} is not signed by its worker`,
      );
    await this.seen.note(signed.ask);
    const { expiry } = signed.ask;
    if (expiry <= BigInt(chain.epoch))
      throw new DealError(
        { code: "NO_ANSWER" },
        `the ask that was given for ${miner.toString(chain.prefix)} held until epoch ${expiry}, and it is epoch ${chain.epoch}: ask the provider itself, at the address that the chain has, or offer a price of your own`,
      );
    return signed;
  }

  /** Begins a deal; its record is on the disk when this resolves, the rest goes by itself. */
  async deal(given: Wanted, signal?: AbortSignal): Promise<ClientDeal> {
    const { chain, randomBytes, placeOf } = this.options;
    const peer = given.peer ?? (await placeOf(given.miner, signal));
    const wanted = { ...given, peer };
    const { wallet, miner, root, duration, verified = false } = wanted;
    const client = await chain.messages.keyOf(wallet);
    if (!chain.messages.hasKey(client))
      throw new DealError({ code: "BAD_ARGUMENT" }, `the wallet has no key of ${wallet}`);
    const { min, max } = chain.dealDuration;
    if (duration < min || duration > max)
      throw new DealError(
        { code: "BAD_ARGUMENT" },
        `a deal lasts ${min} to ${max} epochs on this network, ${duration} were wanted`,
      );
    const form = wanted.raw === true ? "raw" : "car";
    const piece = wanted.piece ?? (await this.pieceOf(root, form, signal));
    const size = BigInt(piece.paddedSize);
    if (verified && size < chain.minVerifiedBytes)
      throw new DealError(
        { code: "BAD_ARGUMENT" },
        `a verified deal has at least ${chain.minVerifiedBytes} bytes on this network, and the data is a piece of ${size}`,
      );
    const terms = { pieceCid: piece.cid, client, provider: miner };
    this.refuseSecond(terms, wanted);
    const asked = await this.askFor(wanted, signal);
    if (asked !== null) checkSize(asked, size);
    const price = wanted.price ?? leastPrice(asked as StorageAsk, { pieceSize: size, verified });
    const { maxPrice = price } = wanted;
    if (price > maxPrice)
      throw new DealError(
        { code: "TOO_DEAR", price: `${price}`, limit: `${maxPrice}` },
        `the provider asks ${filText(price)} an epoch, ${filText(price * BigInt(duration))} in all, and ${filText(maxPrice)} an epoch may be spent`,
      );
    const startEpoch = BigInt(wanted.startEpoch ?? chain.epoch + START_DELAY);
    const proposal: DealProposal = {
      ...{
        pieceCid: piece.cid,
        pieceSize: size,
        verified,
        client,
        provider: miner,
        label: `${form === "raw" ? piece.cid : root}`,
        startEpoch,
      },
      ...{ endEpoch: startEpoch + BigInt(duration), pricePerEpoch: price, clientCollateral: 0n },
      providerCollateral: wanted.collateral ?? (await chain.collateral(size, verified)).min,
    };
    const delivery = this.deliveryOf(wanted, piece.cid);
    const signature = chain.messages.sign(client, encodeProposal(proposal));
    const id = `${proposalCid(proposal)}`;
    const record = {
      ...{
        id,
        state: "Funding" as const,
        uuid: newUuid(randomBytes),
        wallet: `${client}`,
        root: `${root}`,
        peer,
        delivery,
      },
      ...{ signed: encodeSignedProposal({ proposal, signature }), size: piece.carSize, told: "" },
      ...{ publishMessage: null, dealId: null, activated: null, slashed: null },
      keepUnsealed: wanted.keepUnsealed ?? true,
      ...(form === "raw" ? { isRaw: true as const } : {}),
      ...(delivery.kind === "graphsync" ? { isLegacy: true as const } : {}),
    };
    const isNew = await this.adding.run(async () => {
      // Of two that were asked for at once the second sees the first; whoever has left by now finds no deal made.
      signal?.throwIfAborted();
      this.refuseSecond(terms, wanted);
      return this.deals.add(
        record,
        `offered to ${miner.toString(this.options.chain.prefix)}: ${price} attoFIL an epoch from epoch ${startEpoch} on`,
      );
    });
    if (!isNew)
      throw new DealError(
        { code: "BAD_ARGUMENT" },
        `the same deal is made already: ${id}; another start is another deal`,
      );
    this.lives?.live(id);
    return this.deals.get(id);
  }

  private refuseSecond(terms: Pick<DealProposal, "pieceCid" | "client" | "provider">, { unlessOpen }: Wanted): void {
    if (unlessOpen === undefined) return;
    const wallet = `${terms.client}`;
    for (const one of this.deals.all()) {
      if (isOver(one) || one.wallet !== wallet) continue;
      const { proposal } = signedOfClient(one);
      const isSame = proposal.pieceCid.equals(terms.pieceCid) && proposal.provider.equals(terms.provider);
      if (isSame && unlessOpen(proposal))
        throw new DealError({ code: "BAD_ARGUMENT" }, `the same deal is open already (${one.state}): ${one.id}`);
    }
  }

  /** What the provider asks; null where it does not say, and the price is known without it: it may be away for now. */
  private async askFor({ miner, peer, price }: Wanted, signal?: AbortSignal): Promise<StorageAsk | null> {
    if (price === undefined) return (await this.ask(miner, peer, signal)).ask;
    return this.ask(miner, peer, within(GLANCE_MS, signal)).then(
      ({ ask }) => ask,
      () => {
        signal?.throwIfAborted();
        return null;
      },
    );
  }

  /**
   * The same deal once more, from the end of an earlier one on, or later if that is over: data, provider, duration and ways as
   * they were; at what the provider asks now, up to `maxPrice`, by default the earlier price.
   */
  renew(id: string, more: Renewal, signal?: AbortSignal): Promise<ClientDeal> {
    const deal = this.deals.get(id);
    const { proposal } = signedOfClient(deal);
    const { delivery } = deal;
    const isOwn =
      ["local", "graphsync", "libp2p"].includes(delivery.kind) ||
      (delivery.kind === "http" && delivery.url.endsWith(`/piece/${proposal.pieceCid}`));
    const earliest = this.options.chain.epoch + START_DELAY;
    return this.deal(
      {
        ...{ root: parseCid(deal.root), wallet: Address.parse(deal.wallet), miner: proposal.provider, peer: deal.peer },
        ...{ duration: more.duration ?? Number(durationOf(proposal)), verified: proposal.verified },
        ...{ startEpoch: more.startEpoch ?? Math.max(Number(proposal.endEpoch), earliest) },
        ...{ maxPrice: more.maxPrice ?? proposal.pricePerEpoch, keepUnsealed: deal.keepUnsealed },
        ...(more.again === false ? { unlessOpen: ({ endEpoch }) => endEpoch > proposal.endEpoch } : {}),
        ...(delivery.kind === "offline" ? { offline: true } : {}),
        ...(deal.isRaw === true ? { raw: true } : {}),
        ...(delivery.kind === "graphsync" || delivery.kind === "libp2p" ? { transfer: delivery.kind } : {}),
        ...(delivery.kind === "http" && !isOwn ? { source: { url: delivery.url, headers: delivery.headers } } : {}),
        ...(isOwn
          ? {}
          : { piece: { cid: proposal.pieceCid, paddedSize: Number(proposal.pieceSize), carSize: deal.size } }),
      },
      signal,
    );
  }

  private async pieceOf(root: CID, form: PieceForm, signal?: AbortSignal) {
    const { piece, carSize } = await this.options.commit(root, form, signal);
    return { cid: pieceCidV1(piece.commP), paddedSize: piece.paddedSize, carSize };
  }

  private deliveryOf({ offline = false, transfer, source, peer, piece, raw }: Wanted, pieceCid: CID): Delivery {
    if (offline) return { kind: "offline" };
    if (raw === true && transfer === "graphsync")
      throw new DealError({ code: "BAD_ARGUMENT" }, "graphsync carries blocks of a DAG, and no raw piece");
    if (transfer !== undefined) {
      const isSent = peer !== null && source === undefined && piece === undefined;
      if (isSent && transfer === "graphsync") return { kind: "graphsync" };
      const address = this.options.ownAddress();
      if (isSent && address !== null)
        return { kind: "libp2p", url: `libp2p://${address}`, token: newUuid(this.options.randomBytes) };
      const why = isSent
        ? "this node listens at no multiaddr"
        : "data of this node's store alone is sent, to a provider at a peer";
      throw new DealError({ code: "BAD_ARGUMENT" }, why);
    }
    if (source !== undefined) return { kind: "http", ...source };
    if (piece !== undefined)
      throw new DealError(
        { code: "BAD_ARGUMENT" },
        "data that is not in this node's store needs a URL, or goes offline",
      );
    if (peer === null) return { kind: "local" };
    const base = this.options.servedAt();
    if (base === null)
      throw new DealError(
        { code: "BAD_ARGUMENT" },
        "this node serves no data by HTTP: name a URL of it, or go offline",
      );
    return { kind: "http", url: `${base}/piece/${pieceCid}`, headers: {} };
  }

  /**
   * Whether a deal's piece is in its sector, as the chain knows that: asks the provider for the way from the piece to the sector's
   * CommD, which is computed of the deals that the chain has in it. Throws `DealError` NOT_INCLUDED, WRONG_STATE, NO_ANSWER.
   */
  async verify(id: string, signal?: AbortSignal): Promise<Verified> {
    const { chain, linkTo, proofs } = this.options;
    const deal = this.deals.get(id);
    const { provider, client } = signedOfClient(deal).proposal;
    if (deal.dealId === null || deal.state !== "Active")
      throw new DealError({ code: "WRONG_STATE", deal: id, state: deal.state }, notProven(deal));
    const signature = chain.messages.sign(await chain.messages.keyOf(client), uuidBytes(deal.uuid));
    const question = { uuid: deal.uuid, signature };
    const found = await linkTo(provider, deal.peer).inclusion(question, within(ANSWER_MS, signal));
    const onChain = found === null ? null : await chain.sector(provider, found.sector);
    if (found === null || onChain === null)
      throw new DealError(
        { code: "NOT_INCLUDED", deal: `${deal.dealId}` },
        found === null
          ? "the provider says of no sector that the deal is in it"
          : `the chain has no deals in sector ${found.sector}, or this node does not keep what says where they lie in it: ask a node that has the chain since epoch ${deal.activated ?? 0}`,
      );
    const commD = checkInclusion(await proofs(), onChain, deal.dealId, found);
    return { sector: found.sector, offset: found.offset, sectorBytes: found.sectorBytes, commD: pieceCidV1(commD) };
  }

  /** In the order in which they were made. */
  list(): readonly ClientDeal[] {
    return this.deals.all();
  }

  /** Throws `DealError` UNKNOWN_DEAL. */
  get(id: string): ClientDeal {
    return this.deals.get(id);
  }

  /** The piece that a token opens to a provider; null: none. */
  pieceOfToken(token: string): CID | null {
    const deal = this.deals.all().find(({ delivery }) => delivery.kind === "libp2p" && delivery.token === token);
    return deal === undefined || isOver(deal) ? null : signedOfClient(deal).proposal.pieceCid;
  }

  cidOf(id: string): CID {
    return parseCid(id);
  }

  log(id: string): Promise<readonly DealEvent[]> {
    return this.deals.log(id);
  }

  /** attoFIL that a deal puts into escrow. */
  fundsOf(deal: ClientDeal): bigint {
    return clientFunds(signedOfClient(deal).proposal);
  }
}
