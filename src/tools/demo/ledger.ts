/** Who has how much, read from a node's chain: balances of all actors, and what messages sent, paid for gas and burned. */
import type { DemoNode } from "./world.ts";

type Link = { readonly "/": string };
type Key = readonly Link[] | null;

/** Actors that everybody shares. */
export const SINGLETON = { reward: "t02", market: "t05", burnt: "t099" } as const;

export type Balances = ReadonlyMap<string, bigint>;

/** What the messages of one sender came to, attoFIL. */
export type Spent = {
  readonly count: number;
  /** Sent by messages that succeeded, by receiver. */
  readonly sent: ReadonlyMap<string, bigint>;
  readonly total: bigint;
  readonly fees: bigint;
  readonly burned: bigint;
  readonly tips: bigint;
};

/** Balances of all actors in the state after a node's head, by ID address. */
export async function balancesOf(node: DemoNode): Promise<Balances> {
  const { Cids } = await node.request<{ readonly Cids: Key }>("ChainHead");
  const actors = await node.request<string[]>("StateListActors", Cids);
  const found = new Map<string, bigint>();
  for (const actor of actors) {
    const { Balance } = await node.request<{ readonly Balance: string }>("StateGetActor", actor, Cids);
    found.set(actor, BigInt(Balance));
  }
  return found;
}

export const sumOf = (balances: Balances): bigint => [...balances.values()].reduce((sum, one) => sum + one, 0n);

/** What all messages of a sender that are on the chain came to. */
export async function spentBy(node: DemoNode, sender: string): Promise<Spent> {
  const cids = (await node.request<readonly Link[] | null>("StateListMessages", { From: sender }, [], 0)) ?? [];
  const sent = new Map<string, bigint>();
  let [total, fees, burned, tips] = [0n, 0n, 0n, 0n];
  for (const cid of new Map(cids.map((one) => [one["/"], one])).values()) {
    const { Msg, MsgRct, GasCost } = await node.request<Replayed>("StateReplay", [], cid);
    const value = MsgRct.ExitCode === 0 ? BigInt(Msg.Value) : 0n;
    if (value > 0n) sent.set(Msg.To, (sent.get(Msg.To) ?? 0n) + value);
    total += value;
    fees += BigInt(GasCost.TotalCost);
    burned += BigInt(GasCost.BaseFeeBurn) + BigInt(GasCost.OverEstimationBurn);
    tips += BigInt(GasCost.MinerTip);
  }
  return { count: cids.length, sent, total, fees, burned, tips };
}

type Replayed = {
  readonly Msg: { readonly To: string; readonly Value: string };
  readonly MsgRct: { readonly ExitCode: number };
  readonly GasCost: Readonly<Record<"TotalCost" | "BaseFeeBurn" | "OverEstimationBurn" | "MinerTip", string>>;
};
