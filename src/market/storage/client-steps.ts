/** What a client does in each state of a deal. */
import { sleepFor } from "../../base/sleep.ts";
import { Address } from "../../types/address.ts";
import { parseCid } from "../../types/cid.ts";
import { encodeHttpSource, NO_TRANSFER, type Transfer, uuidBytes } from "./boost-messages.ts";
import type { MarketChain } from "./chain-access.ts";
import { type ClientDeal, type ClientState, type Delivery, signedOfClient } from "./client-record.ts";
import { DealError } from "./errors.ts";
import type { MarketFunds } from "./funds.ts";
import type { LinkTo } from "./link.ts";
import { type Outcome, StepFailure, type StepOf } from "./lives.ts";
import { clientFunds, proposalCid } from "./proposal.ts";

export type ClientParts = {
  readonly chain: MarketChain;
  readonly funds: MarketFunds;
  readonly linkTo: LinkTo;
};

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
const LOOK_EPOCHS = 10;
/** Refusals for want of funds that are there: how they are told from others, and how often, and when, a deal is offered again. */
const OF_FUNDS = /clientBalance|insufficient funds|not enough funds|available balance/i;
const MAX_AGAIN = 10;
const AGAIN_MS = 2000;
const AGAIN = /^offered again (\d+)$/;

function transferOf(delivery: Delivery, size: number): Transfer {
  if (delivery.kind === "offline") return { ...NO_TRANSFER, size: BigInt(size) };
  const params = delivery.kind === "http" ? encodeHttpSource(delivery) : new Uint8Array(0);
  return { type: delivery.kind, clientId: "", params, size: BigInt(size) };
}

export function clientSteps({ chain, funds, linkTo }: ClientParts): Readonly<Record<string, StepOf<ClientDeal>>> {
  const bounded = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  return {
    async Funding(deal) {
      const { proposal } = signedOfClient(deal);
      const id = await chain.messages.idOf(proposal.client);
      if (id === null) fail(`${proposal.client} is not on the chain: send it something first`);
      const client = id as Address;
      const message = await funds.hold(
        ...([Address.parse(deal.wallet), client, deal.id, clientFunds(proposal), proposal] as const),
      );
      if (await funds.isCovered(client)) return to("Offering", "funded", message === null ? "" : `message ${message}`);
      return { untilEpoch: 0 };
    },

    async Offering(deal, signal) {
      const signed = signedOfClient(deal);
      const { accepted, message } = await linkTo(signed.proposal.provider, deal.peer).offer(
        {
          ...{ uuid: deal.uuid, isOffline: deal.delivery.kind === "offline", signed, root: parseCid(deal.root) },
          transfer: transferOf(deal.delivery, deal.size),
          ...{ removeUnsealed: !deal.keepUnsealed, skipAnnounce: false },
        },
        bounded(signal),
      );
      // The provider's chain may not have the funds yet that ours has: it is behind, or on a fork.
      const again = Number(AGAIN.exec(deal.told)?.[1] ?? 0) + 1;
      if (!accepted && OF_FUNDS.test(message) && again <= MAX_AGAIN && (await isFunded(deal))) {
        await sleepFor(AGAIN_MS, signal);
        return to("Offering", "refused", message, { told: `offered again ${again}` });
      }
      if (!accepted) fail(message === "" ? "the provider refuses the deal and gives no reason" : message);
      return to("Waiting", "accepted", "the provider takes the deal", { told: "" });
    },

    async Waiting(deal, signal) {
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
      if (isPublished && (await isOurs(deal, Number(dealId)))) {
        const id = await chain.messages.idOf(client);
        if (id !== null) await funds.drop(id, deal.id);
        const change = { dealId: Number(dealId), publishMessage: `${publishCid}`, told: "" };
        return to("Published", "published", `deal ${dealId}, message ${publishCid}`, change);
      }
      if (told !== deal.told)
        return to("Waiting", "told", `${told}; ${status.received} of ${status.transferSize} bytes`, { told });
      return { untilEpoch: 0, pauseMs: ASK_MS };
    },

    async Published(deal) {
      const { startEpoch } = signedOfClient(deal).proposal;
      const onChain = await chain.deal(deal.dealId as number);
      if (onChain === null)
        fail(`the provider had it in no proven sector by epoch ${startEpoch}: price and collateral are given back`);
      if (onChain?.activated == null) return { untilEpoch: 0 };
      return to("Active", "activated", `at epoch ${onChain.activated}`, { activated: onChain.activated });
    },

    async Active(deal) {
      const { endEpoch } = signedOfClient(deal).proposal;
      const onChain = await chain.deal(deal.dealId as number);
      const slashed = onChain?.slashed ?? null;
      if (slashed !== null)
        return to("Slashed", "slashed", `at epoch ${slashed}: the data is not stored any more`, { slashed });
      if (onChain !== null) return { untilEpoch: chain.epoch + LOOK_EPOCHS };
      if (chain.epoch >= Number(endEpoch)) return to("Expired", "expired", `it ended at epoch ${endEpoch}`);
      return to("Slashed", "slashed", "the market has let go of the deal before its end", { slashed: chain.epoch });
    },
  };

  async function isFunded(deal: ClientDeal): Promise<boolean> {
    const id = await chain.messages.idOf(signedOfClient(deal).proposal.client);
    return id !== null && funds.isCovered(id);
  }

  /** Whether the market has this very proposal under an id: a provider is not taken at its word. */
  async function isOurs(deal: ClientDeal, id: number): Promise<boolean> {
    const own = await chain.normalised(signedOfClient(deal).proposal);
    const onChain = await chain.deal(id);
    return own !== null && onChain !== null && proposalCid(onChain.proposal).equals(proposalCid(own));
  }
}
