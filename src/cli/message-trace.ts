/** What a message did or would do, beyond its exit code: what it paid to whom. */
import { toBase64 } from "../base/bytes.ts";
import type { MinerCall } from "../miner/chain-side/calls.ts";
import type { Address, NetworkPrefix } from "../types/address.ts";
import { BURNT_FUNDS } from "../types/singletons.ts";
import type { OpenMiner } from "./miner-chain.ts";
import type { Remote } from "./remote.ts";

type Trace = {
  readonly Msg: {
    readonly From: string;
    readonly To: string;
    readonly Value: string;
    readonly Method: number | string;
  };
  readonly Subcalls: readonly Trace[] | null;
};

export type Invocation = {
  readonly MsgRct: { readonly ExitCode: number };
  readonly ExecutionTrace: Trace;
  readonly GasCost: { readonly TotalCost: string } | null;
};

export function burnOf(prefix: NetworkPrefix): string {
  return BURNT_FUNDS.toString(prefix);
}

/** What became of an executed message; null where it cannot be read any more. */
export function replayOf(remote: Remote, cid: string): Promise<Invocation | null> {
  return remote.call<Invocation>("StateReplay", null, { "/": cid }).catch(() => null);
}

/** What a message of `from` would do at the head; nothing is sent. */
export function tryOf({ remote, chain: { prefix } }: OpenMiner, call: Called, from: Address): Promise<Invocation> {
  return remote.call<Invocation>("StateCall", messageJson(call, from, prefix), null);
}

type Called = Pick<MinerCall, "to" | "value" | "method" | "params">;

/** A message that is tried, as the interface takes it. */
export function messageJson({ to, value, method, params }: Called, from: Address, prefix: NetworkPrefix) {
  return {
    ...{ From: from.toString(prefix), To: to.toString(prefix), Value: `${value}` },
    ...{ Method: Number(method), Params: toBase64(params) },
  };
}

/** attoFIL that an actor sent itself to those that `isWanted`, without a method. */
export function sumSent({ ExecutionTrace }: Invocation, from: string, isWanted: (to: string) => boolean): bigint {
  return (ExecutionTrace.Subcalls ?? [])
    .filter(({ Msg }) => Msg.From === from && `${Msg.Method}` === "0" && isWanted(Msg.To))
    .reduce((sum, { Msg }) => sum + BigInt(Msg.Value), 0n);
}
