/** Deals of scenarios: between the network's accounts and its miners, about data that follows from the deal's name. */
import { utf8 } from "../base/bytes.ts";
import type { Devnet } from "../node/devnet.ts";
import type { Address } from "../types/address.ts";
import { parseFil } from "../types/amount.ts";
import { known } from "./named.ts";
import type { StepValues } from "./types.ts";

type Terms = Omit<StepValues["deal"], "client" | "as" | "miner">;
type Side = "client" | "provider";
type Link = { readonly "/": string };

const BYTES = 900;
/** Epochs: 180 days, the least of the network; and until a deal begins. */
const DURATION = 518_400;
const START = 700;
/** States before the provider has taken a deal. */
const WAITING: readonly string[] = ["Funding", "Offering"];
/** States in which a deal is over. */
const OVER: readonly string[] = ["Failed", "Expired", "Slashed"];

export class LabDeals {
  private readonly net: Devnet;
  private readonly proposals = new Map<string, Link>();

  constructor(net: Devnet) {
    this.net = net;
  }

  /** Offers a deal; the provider has taken it when this resolves. */
  async offer(name: string, client: string, miner: Address, terms: Terms): Promise<void> {
    const { bytes = BYTES, price, maxPrice, duration = DURATION, start = START } = terms;
    const { net } = this;
    const store = await net.node.client.store();
    const { root } = await store.importFiles(`scenario/${name}`, entryOf(name, bytes));
    const amount = (text: string | undefined): string | null => (text === undefined ? null : `${parseFil(text)}`);
    const proposal = await net.request<Link>("Filigree.ClientDeal", {
      ...{ Root: { "/": `${root}` }, Wallet: client, Miner: miner.toString(net.network.prefix) },
      ...{ Duration: duration, StartEpoch: net.head.height + start },
      ...{ Price: amount(price), MaxPrice: amount(maxPrice), Collateral: null },
    });
    this.proposals.set(name, proposal);
    const state = await this.until(name, (one) => !WAITING.includes(one), START);
    if (state === "Failed") throw new Error(`the deal failed: ${(await this.view(name, "client"))["Error"]}`);
    if (WAITING.includes(state)) throw new Error(`the provider has not taken the deal in ${START} epochs (${state})`);
  }

  /** Makes tipsets until a client's deal is in a state or over; gives the state that it is in then. */
  reach(name: string, wanted: string, epochs: number): Promise<string> {
    return this.until(name, (state) => state === wanted || OVER.includes(state), epochs);
  }

  async state(name: string, side: Side): Promise<string> {
    await this.net.deals.rest();
    return `${(await this.view(name, side))["State"]}`;
  }

  private async until(name: string, isThere: (state: string) => boolean, epochs: number): Promise<string> {
    for (let i = 0; ; i++) {
      const state = await this.state(name, "client");
      if (isThere(state) || i === epochs) return state;
      await this.net.clock.mine(1);
    }
  }

  private view(name: string, side: Side): Promise<Record<string, unknown>> {
    const proposal = known(this.proposals, name, "deal");
    return this.net.request(`Filigree.${side === "client" ? "Client" : "Provider"}DealLog`, proposal);
  }
}

/** A file of bytes that are not all alike, other ones for another name. */
async function* entryOf(name: string, length: number) {
  const seed = utf8(name).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
  const bytes = Uint8Array.from({ length }, (_, i) => (seed + i * 31 + (i >> 8)) & 0xff);
  yield { path: "data", content: one(bytes) };
}

async function* one(bytes: Uint8Array) {
  yield bytes;
}
