/** How a provider looks at offers: one after the other, so that none is measured by what another is about to take. */
import { describeError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import type { Asks } from "./asks.ts";
import type { MarketChain } from "./chain-access.ts";
import { refuse } from "./errors.ts";
import { askHook } from "./hook.ts";
import { clientFunds, encodeProposal, encodeSignedProposal, proposalCid, type SignedProposal } from "./proposal.ts";
import { type DealSource, type ProviderDeal, proposalOfDeal, UNDER_WAY, UNPUBLISHED } from "./provider-record.ts";
import { checkSource } from "./pull.ts";
import type { RecordBook } from "./record-book.ts";
import { checkProposal, checkRules, type DealRules, type Offer } from "./rules.ts";

/** An offer, whichever protocol brought it. */
export type IncomingOffer = {
  readonly signed: SignedProposal;
  readonly uuid: string | null;
  readonly peer: string | null;
  readonly root: CID | null;
  readonly source: DealSource;
  /** Bytes of the data; null for offline deals that do not say. */
  readonly size: number | null;
  readonly keepUnsealed: boolean;
  readonly announce: boolean;
};

export type OfferIntakeParts = {
  readonly chain: MarketChain;
  readonly asks: Asks;
  /** Providers of this node. */
  readonly miners: readonly Address[];
  readonly prefix: NetworkPrefix;
  /** Whether data can be fetched from peers. */
  readonly hasPeers: boolean;
  /** Looks at each offer that all rules allow; a text refuses it. */
  readonly hook?: ((offer: Offer) => Promise<string | null>) | undefined;
  readonly deals: () => RecordBook<ProviderDeal>;
  readonly byUuid: (uuid: string) => ProviderDeal | null;
  readonly rules: () => DealRules;
  /** A deal was taken, and is in the book. */
  readonly onTaken: (deal: ProviderDeal) => void;
};

/** Offers that may wait for the one that is looked at. */
const MAX_WAITING = 256;

export class OfferIntake {
  private readonly parts: OfferIntakeParts;
  private readonly turns = new Turns();
  private waiting = 0;

  constructor(parts: OfferIntakeParts) {
    this.parts = parts;
  }

  /** Takes an offer, or throws `DealError` REFUSED. Offered again, word for word, it is the same deal. */
  offer(offer: IncomingOffer): Promise<ProviderDeal> {
    if (this.waiting >= MAX_WAITING) refuse("deals", `${MAX_WAITING} offers that wait to be looked at`, "one more");
    this.waiting++;
    return this.turns
      .run(() => this.take(offer))
      .finally(() => {
        this.waiting--;
      });
  }

  /** Resolves once no offer is looked at. */
  idle(): Promise<void> {
    return this.turns.idle();
  }

  private async take(incoming: IncomingOffer): Promise<ProviderDeal> {
    const { signed, uuid, source, root, size } = incoming;
    const { proposal } = signed;
    const id = `${proposalCid(proposal)}`;
    if (!this.parts.miners.some((one) => one.equals(proposal.provider)))
      refuse(
        "provider",
        this.parts.miners.map((one) => one.toString(this.parts.prefix)).join(", "),
        `${proposal.provider}`,
      );
    await this.checkSignature(signed);
    const known = this.parts.deals().find(id);
    if (known !== undefined) {
      if (known.uuid === uuid && known.state !== "Failed") return known;
      refuse("proposal", "one that was not offered before", `${id}, which is a deal in state ${known.state}`);
    }
    if (uuid !== null && this.parts.byUuid(uuid) !== null) refuse("dealUuid", "one that names no other deal", uuid);
    const offer: Offer = { proposal, root, isOffline: source.kind === "offline", size };
    const facts = await this.factsOf(signed);
    checkProposal(offer, facts);
    checkRules(offer, this.parts.rules(), facts);
    if (source.kind === "http") {
      const peersPiece = incoming.peer === null ? null : proposal.pieceCid;
      const { peer } = incoming;
      checkSource(source.url, source.headers, { remote: this.parts.rules().remoteSources, peersPiece, peer });
      if (source.url.startsWith("libp2p:") && !this.parts.hasPeers)
        refuse("transferUrl", "http or https: this node has no peers", source.url.slice(0, 200));
      if (size === null) refuse("transferSize", "the bytes of the data", "none");
    }
    if (await this.parts.chain.isPublished(proposal)) refuse("proposal", "one that the market does not have", id);
    await this.askHooks(offer);
    const added = await this.parts.deals().add(
      {
        ...{ id, uuid, peer: incoming.peer, signed: encodeSignedProposal(signed), source, received: 0, attempts: 0 },
        ...{ state: source.kind === "offline" ? "WaitingForData" : "Transferring", size: size ?? 0 },
        ...{ root: root === null ? null : `${root}`, publish: null, dealId: null, sector: null, offset: null },
        ...{ activated: null, slashed: null, keepUnsealed: incoming.keepUnsealed, announce: incoming.announce },
      },
      incoming.peer === null ? "offered by this node's own user" : `offered by ${incoming.peer}`,
    );
    if (!added) refuse("proposal", "one that was not offered before", id);
    const deal = this.parts.deals().get(id);
    this.parts.onTaken(deal);
    return deal;
  }

  private async checkSignature({ proposal, signature }: SignedProposal): Promise<void> {
    const { messages } = this.parts.chain;
    const key = await messages.keyOf(proposal.client).catch((error: unknown) => {
      return refuse("client", "an account of this network", `${this.text(proposal.client)}: ${describeError(error)}`);
    });
    if (!messages.verify(signature, key, encodeProposal(proposal)))
      refuse("signature", `the client's, ${this.text(key)}, over the proposal`, "another one");
  }

  private async factsOf({ proposal }: SignedProposal) {
    const { chain } = this.parts;
    const { client, provider, pieceSize, verified } = proposal;
    const id = await chain.messages.idOf(client);
    if (id === null)
      refuse("client", "an account of this network", `${this.text(client)}, which nobody has sent anything to`);
    const { sectorBytes } = await chain.provider(provider);
    const { escrow, locked } = await chain.escrow(id as Address);
    let taken = 0n;
    for (const deal of this.parts.deals().all()) {
      if (!UNPUBLISHED.includes(deal.state)) continue;
      const other = proposalOfDeal(deal);
      const otherId = other.client.equals(client) ? id : await chain.messages.idOf(other.client);
      if (otherId?.equals(id as Address) === true) taken += clientFunds(other);
    }
    return {
      epoch: chain.epoch,
      sectorBytes,
      ask: (await this.parts.asks.get(provider)).ask,
      collateral: await chain.collateral(pieceSize, verified),
      clientBalance: escrow - locked - taken,
      dataCap: verified ? await chain.dataCap(id as Address) : null,
      minVerifiedBytes: chain.minVerifiedBytes,
      dealDuration: chain.dealDuration,
      underWay: this.parts
        .deals()
        .all()
        .filter(({ state }) => UNDER_WAY.includes(state)).length,
      clientNames: await this.namesOf(client, id as Address),
    };
  }

  private text(address: Address): string {
    return address.toString(this.parts.prefix);
  }

  /** A client's addresses as lists of rules may name it, that of the proposal as this network spells it first. */
  private async namesOf(client: Address, id: Address): Promise<readonly string[]> {
    const all = [client, id, await this.parts.chain.messages.keyOf(client)];
    const { prefix } = this.parts;
    return all.flatMap((one) => [one.toString(prefix), one.toString(prefix === "f" ? "t" : "f")]);
  }

  private async askHooks(offer: Offer): Promise<void> {
    const { hook } = this.parts;
    const { hookUrl } = this.parts.rules();
    const said = (await hook?.(offer)) ?? (hookUrl === null ? null : await askHook(hookUrl, offer));
    if (said !== null) refuse("hook", "what the provider's own check allows", said);
  }
}
