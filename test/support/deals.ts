/** A local network with a miner that takes storage deals, and the steps of one. */
import { writeFile } from "node:fs/promises";
import type { Devnet } from "../../src/node/devnet.ts";
import { until } from "./until.ts";

export type Link = { readonly "/": string };
// biome-ignore lint/suspicious/noExplicitAny: answers are JSON of as many shapes as there are methods
export type View = Record<string, any>;

/** With three accounts the miner has the id 107. Time passes when a message needs it. */
export const DEAL_OPTIONS = { accounts: 3, miners: 1, sectors: 1, seed: "filigree" } as const;

/** A file of some bytes that are not all alike. */
export async function makeFile(file: string, length: number): Promise<Uint8Array> {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
  await writeFile(file, bytes);
  return bytes;
}

export async function importFile(net: Devnet, file: string): Promise<Link> {
  return (await net.request<{ Root: Link }>("ClientImport", { Path: file, IsCAR: false })).Root;
}

/** Begins a deal of the second account with the network's first miner; gives its proposal. */
export async function startDeal(net: Devnet, root: Link, more: View = {}): Promise<Link> {
  return net.request<Link>("Filigree.ClientDeal", {
    ...{ Root: root, Wallet: `${net.accounts[1]?.secp256k1.toString("t")}`, Miner: net.miner.toString("t") },
    ...{ Duration: 518_400, StartEpoch: net.head.height + 700, ...more },
  });
}

export const clientView = (net: Devnet, deal: Link): Promise<View> => net.request<View>("Filigree.ClientDealLog", deal);
export const providerView = (net: Devnet, deal: Link): Promise<View> =>
  net.request<View>("Filigree.ProviderDealLog", deal);

/** Waits until a side sees the deal in a state; a deal that failed ends the wait. */
export async function reached(view: () => Promise<View>, state: string): Promise<View> {
  let last: View = {};
  await until(`the deal to be ${state}`, async () => {
    // A provider has no deal before it is offered.
    last = await view().catch((error: Error) => {
      if (/there is no deal/.test(error.message)) return {};
      throw error;
    });
    if (last["State"] === "Failed" && state !== "Failed") throw new Error(`the deal failed: ${last["Error"]}`);
    return last["State"] === state;
  });
  return last;
}

export const active = async (net: Devnet, deal: Link): Promise<{ client: View; provider: View }> => ({
  client: await reached(() => clientView(net, deal), "Active"),
  provider: await reached(() => providerView(net, deal), "Active"),
});

export async function escrow(net: Devnet, address: string): Promise<{ escrow: bigint; locked: bigint }> {
  const { Escrow, Locked } = await net.request<{ Escrow: string; Locked: string }>("StateMarketBalance", address, []);
  return { escrow: BigInt(Escrow), locked: BigInt(Locked) };
}

/** attoFIL that messages of an address cost beside what they send, and what they sent. */
export async function spentBy(net: Devnet, address: string): Promise<{ fees: bigint; sent: bigint }> {
  let [fees, sent] = [0n, 0n];
  for (const cid of (await net.request<Link[] | null>("StateListMessages", { From: address }, [], 0)) ?? []) {
    const replay = await net.request<View>("StateReplay", [], cid);
    fees += BigInt(replay["GasCost"].TotalCost);
    if (replay["MsgRct"].ExitCode === 0) sent += BigInt(replay["Msg"].Value);
  }
  return { fees, sent };
}
