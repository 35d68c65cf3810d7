/** What a client does in each state of a deal. */
import { isFilError } from "../../base/errors.ts";
import { sleepFor } from "../../base/sleep.ts";
import { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { basicAuth } from "../wire/http.ts";
import { type BoostAnswer, encodeHttpSource, NO_TRANSFER, type Transfer, uuidBytes } from "./boost-messages.ts";
import { type ClientDeal, type ClientState, type Delivery, offeredRoot, signedOfClient } from "./client-record.ts";
import { dealOnChain, endOnChain, nextLook, slashOf, wasNeverActive } from "./deal-end.ts";
import { DealError } from "./errors.ts";
import type { MarketFunds } from "./funds.ts";
import {
  askLegacyStatus,
  isFailedState,
  isPublishedState,
  type LegacyParts,
  offerLegacy,
  sendData,
} from "./legacy-client.ts";
import { type Outcome, StepFailure, type StepOf } from "./lives.ts";
import { clientFunds } from "./proposal.ts";

export type ClientParts = LegacyParts & { readonly funds: MarketFunds };

type Result = Outcome<ClientDeal>;
const to = (state: ClientState, event: string, text: string, change: Partial<ClientDeal> = {}): Result => ({
  event,
  text,
  change: { ...change, state },
});
function fail(text: string): never {
  throw new StepFailure({ code: "FAILED" }, text);
}

/** Milliseconds between two questions to a provider where no head comes, and for one answer. */
const ASK_MS = 10_000;
const ANSWER_MS = 60_000;
/** Of a deal that has ended and is not paid: the market lets go of it with its last payment. */
const UNPAID = "it has ended; its provider has not asked the market for the last payment yet";
/** Epochs until a provider of the older protocol is offered a deal: its chain is to have the funds, too. */
const SETTLING_EPOCHS = 2;
/** Refusals for want of funds that are there: how they are told from others, and how often, and when, a deal is offered again. */
const OF_FUNDS = /client(?:Market)?Balance|insufficient funds|not enough funds|available balance/i;
const MAX_AGAIN = 10;
const AGAIN_MS = 2000;
const AGAIN = /^offered again (\d+)$/;

/** How a deal is offered to a provider of the older protocol, which fetches from no URL. */
function olderWay(deal: ClientDeal): Partial<ClientDeal> {
  const { delivery, signed } = deal;
  if (delivery.kind === "offline") return { isLegacy: true };
  const isOwn =
    delivery.kind === "libp2p" ||
    (delivery.kind === "http" && delivery.url.endsWith(`/piece/${signedOfClient({ signed }).proposal.pieceCid}`));
  if (deal.isRaw === true) fail("the provider speaks the older protocol alone, which carries no raw piece: go offline");
  if (!isOwn)
    fail(
      "the provider speaks the older protocol alone, and fetches from no URL: send it this node's data, or go offline",
    );
  return { isLegacy: true, delivery: { kind: "graphsync" } };
}

function transferOf(delivery: Delivery, size: number): Transfer {
  if (delivery.kind === "offline") return { ...NO_TRANSFER, size: BigInt(size) };
  const params =
    delivery.kind === "http"
      ? encodeHttpSource(delivery)
      : delivery.kind === "libp2p"
        ? encodeHttpSource({ url: delivery.url, headers: { Authorization: basicAuth(delivery.token) } })
        : new Uint8Array(0);
  return { type: delivery.kind, clientId: "", params, size: BigInt(size) };
}

export function clientSteps(parts: ClientParts): Readonly<Record<string, StepOf<ClientDeal>>> {
  const { chain, funds, linkTo } = parts;
  const bounded = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  return {
    async Funding(deal) {
      const { proposal } = signedOfClient(deal);
      const id = await chain.messages.idOf(proposal.client);
      if (id === null) fail(`${proposal.client.toString(chain.prefix)} is not on the chain: send it something first`);
      const client = id as Address;
      const message = await funds.hold(
        ...([Address.parse(deal.wallet), client, deal.id, clientFunds(proposal), proposal] as const),
      );
      if (await funds.isCovered(client, deal.id))
        return to("Offering", "funded", message === null ? "" : `message ${message}`, {
          offerFrom: chain.epoch + SETTLING_EPOCHS,
        });
      return { untilEpoch: 0 };
    },

    async Offering(deal, signal) {
      if (deal.isLegacy === true) return offeredLegacy(deal, signal);
      const signed = signedOfClient(deal);
      const offer = {
        ...{ uuid: deal.uuid, isOffline: deal.delivery.kind === "offline", signed, root: offeredRoot(deal) },
        transfer: transferOf(deal.delivery, deal.size),
        ...{ removeUnsealed: !deal.keepUnsealed, skipAnnounce: false },
      };
      let answer: BoostAnswer;
      try {
        answer = await linkTo(signed.proposal.provider, deal.peer).offer(offer, bounded(signal));
      } catch (error) {
        if (!isFilError(error, "NOT_SPOKEN")) throw error;
        return to("Offering", "older", `${error.message}; it is spoken to as older ones are`, olderWay(deal));
      }
      return answered(deal, answer, signal);
    },

    async Pushing(deal, signal) {
      try {
        const sent = await sendData(parts, deal, signal);
        if (sent.kind === "channel") return to("Pushing", sent.event, sent.text, sent.change);
        return to("Waiting", "sent", "the provider has the data", { told: "" });
      } catch (error) {
        if (!(error instanceof DealError) || error.data.code !== "TRANSFER") throw error;
        return fail(error.message);
      }
    },

    async Waiting(deal, signal) {
      if (deal.isLegacy === true) return toldLegacy(deal, signal);
      const signed = signedOfClient(deal);
      const { provider, client } = signed.proposal;
      const key = await chain.messages.keyOf(client);
      const signature = chain.messages.sign(key, uuidBytes(deal.uuid));
      const status = await linkTo(provider, deal.peer).status({ uuid: deal.uuid, signature }, bounded(signal));
      if (status.deal === null)
        throw new DealError({ code: "NO_ANSWER" }, `the provider knows no such deal: ${status.error}`);
      const { status: checkpoint, error, publishCid, dealId, sealingStatus } = status.deal;
      if (error !== "" && !(await chain.isPublished(signed.proposal))) fail(`the provider says: ${error}`);
      const told = [checkpoint, sealingStatus].filter((text) => text !== "").join(", ");
      const isPublished = publishCid !== null && checkpoint !== "Published" && checkpoint !== "Transferred";
      if (isPublished && (await isThere(deal, Number(dealId)))) return published(Number(dealId), publishCid);
      if (told !== deal.told)
        return to("Waiting", "told", `${told}; ${status.received} of ${status.transferSize} bytes`, { told });
      return { untilEpoch: 0, pauseMs: ASK_MS };
    },

    async Published(deal) {
      const { proposal } = signedOfClient(deal);
      const { startEpoch } = proposal;
      const { epoch } = chain;
      const named = [chain, deal.dealId as number, proposal] as const;
      const found = await dealOnChain(...named);
      // The market may have had it active, and let go of it since this node looked last.
      const onChain = found ?? (await endOnChain(...named, Math.max(0, Number(startEpoch) - 1))).last ?? null;
      if (onChain === null && epoch <= Number(startEpoch)) return reverted(deal);
      if (onChain === null || (found === null && onChain.activated === null))
        fail(`the provider had it in no proven sector by epoch ${startEpoch}: price and collateral are given back`);
      if (onChain.activated === null) return { untilEpoch: 0 };
      // Until now the price was held: had the chain gone another way, another deal might have been paid with it.
      await letGo(deal);
      return to("Active", "activated", `at epoch ${onChain.activated}`, { activated: onChain.activated });
    },

    async Active(deal) {
      const { proposal } = signedOfClient(deal);
      const { startEpoch, endEpoch } = proposal;
      const named = [chain, deal.dealId as number, proposal] as const;
      const onChain = await dealOnChain(...named);
      const { epoch, paysWhenAsked } = chain;
      if (onChain !== null && onChain.slashed === null) {
        // Of a way of the chain that came to nothing, and was left before that was written down.
        await letGo(deal);
        if (paysWhenAsked && epoch >= Number(endEpoch) && deal.told !== UNPAID)
          return to("Active", "ended", UNPAID, { told: UNPAID });
        return { untilEpoch: nextLook(epoch, deal.activated) };
      }
      const end = onChain === null ? await endOnChain(...named, deal.activated ?? 0) : { epoch, last: onChain };
      if (end.last == null && epoch <= Number(startEpoch)) return reverted(deal);
      if (wasNeverActive(end)) fail(`the chain has gone another way, on which no sector had it by epoch ${startEpoch}`);
      const slashed = slashOf(end, Number(endEpoch));
      if (slashed === null) return to("Expired", "expired", `it ended at epoch ${endEpoch}`, { told: "" });
      return to("Slashed", "slashed", `at epoch ${slashed}: the data is not stored any more`, { slashed });
    },
  };

  /** The market lets go of no deal before its start: the chain has gone another way, on which it is published anew, under any id. */
  async function reverted(deal: ClientDeal): Promise<Result> {
    const { proposal } = signedOfClient(deal);
    const id = await chain.messages.idOf(proposal.client);
    // Else another deal, or a withdrawal, takes its price, and it cannot be published anew.
    if (id !== null) await funds.holdAgain(id, deal.id, clientFunds(proposal), proposal);
    const change = { dealId: null, publishMessage: null, activated: null, told: "" };
    return to("Waiting", "reverted", "the chain has gone another way, and has not published it there yet", change);
  }

  async function letGo(deal: ClientDeal): Promise<void> {
    const id = await chain.messages.idOf(signedOfClient(deal).proposal.client);
    if (id !== null) await funds.drop(id, deal.id);
  }

  /** What follows from a provider's answer to an offer. `next`: the state of one that is taken. */
  async function answered(
    deal: ClientDeal,
    { accepted, message }: BoostAnswer,
    signal: AbortSignal,
    next: ClientState = "Waiting",
  ): Promise<Result> {
    // The provider's chain may not have the funds yet that ours has: it is behind, or on a fork.
    const again = Number(AGAIN.exec(deal.told)?.[1] ?? 0) + 1;
    if (!accepted && OF_FUNDS.test(message) && again <= MAX_AGAIN && (await isFunded(deal))) {
      await sleepFor(AGAIN_MS, signal);
      return to("Offering", "refused", message, { told: `offered again ${again}` });
    }
    if (!accepted) fail(message === "" ? "the provider refuses the deal and gives no reason" : message);
    return to(next, "accepted", "the provider takes the deal", { told: "" });
  }

  async function offeredLegacy(deal: ClientDeal, signal: AbortSignal): Promise<Result> {
    // A deal that it has refused once such a provider never looks at again.
    const { offerFrom = 0 } = deal;
    if (chain.epoch < offerFrom) return { untilEpoch: offerFrom };
    const answer = await offerLegacy(parts, deal, bounded(signal));
    const isPush = deal.delivery.kind === "graphsync" && !answer.hasData;
    return answered(deal, answer, signal, isPush ? "Pushing" : "Waiting");
  }

  async function toldLegacy(deal: ClientDeal, signal: AbortSignal): Promise<Result> {
    const status = await askLegacyStatus(parts, deal, bounded(signal));
    const { name, message, publishCid, dealId } = status;
    if (isFailedState(name) && !(await chain.isPublished(signedOfClient(deal).proposal)))
      fail(`the provider says: ${message === "" ? name : message}`);
    const id = Number(dealId);
    if (publishCid !== null && isPublishedState(name) && (await isThere(deal, id))) return published(id, publishCid);
    if (name !== deal.told) return to("Waiting", "told", name, { told: name });
    return { untilEpoch: 0, pauseMs: ASK_MS };
  }

  /** Whether the market has this very proposal under an id: a provider is not taken at its word. */
  async function isThere(deal: ClientDeal, id: number): Promise<boolean> {
    return (await dealOnChain(chain, id, signedOfClient(deal).proposal)) !== null;
  }

  function published(dealId: number, message: CID): Result {
    const change = { dealId, publishMessage: `${message}`, told: "" };
    return to("Published", "published", `deal ${dealId}, message ${message}`, change);
  }

  async function isFunded(deal: ClientDeal): Promise<boolean> {
    const id = await chain.messages.idOf(signedOfClient(deal).proposal.client);
    return id !== null && funds.isCovered(id, deal.id);
  }
}
