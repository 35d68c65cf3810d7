/**
 * A method of the RPC interface, as data: what it is called, who may call it, what it takes and gives, what it costs, and
 * the function behind it. Decoding, limits, the OpenRPC description, the typed client and the page of methods in the
 * documentation all come from this one definition.
 */
import type { Permission } from "./auth.ts";
import type { Codec, JsonOf, ValueOf } from "./codec/codec.ts";
import type { NodeServices } from "./services.ts";
import type { Session } from "./session.ts";
import { API_VERSIONS, type ApiVersion } from "./versions.ts";

export type Param<T = unknown, J = unknown> = { readonly name: string; readonly codec: Codec<T, J> };
export type Params = readonly Param[];

export function param<T, J>(name: string, codec: Codec<T, J>): Param<T, J> {
  return { name, codec };
}

export type ParamValues<P extends Params> = {
  readonly [K in keyof P]: P[K] extends Param<infer T, infer _J> ? T : never;
};
export type ParamJsons<P extends Params> = { [K in keyof P]: P[K] extends Param<infer _T, infer J> ? J : never };

/**
 * What a call may cost.
 * `light`: a few look-ups. `walk`: goes through many entries, yields to others. `execute`: runs the machine.
 * `wait`: ends when something happens on the chain, or when the caller goes away.
 */
export type Cost = "light" | "walk" | "execute" | "wait";

export type MethodContext = {
  readonly node: NodeServices;
  readonly session: Session;
  readonly signal: AbortSignal;
  /** Has `work` done once the reply that carries this answer has been sent. */
  readonly afterReply: (work: () => void) => void;
};

/** Where a subscription's values come from: calls `emit` until the function it returned is called. */
export type Subscribe<T> = (emit: (value: T) => void, end: () => void) => () => void;

export type Method<P extends Params = Params, R = unknown, J = unknown> = {
  readonly summary: string;
  readonly permission: Permission;
  readonly params: P;
  /** Of a subscription: codec of each value. */
  readonly result: Codec<R, J>;
  readonly cost: Cost;
  readonly run: (values: readonly unknown[], context: MethodContext) => unknown;
  readonly subscription?: boolean;
  /** Further names, whole ("rpc.discover"). */
  readonly aliases?: readonly string[];
  /** Answered on a local network only. */
  readonly local?: boolean;
};

type Spec<P extends Params, C extends Codec<unknown>> = {
  readonly summary: string;
  /** Default: "read". */
  readonly permission?: Permission;
  readonly params?: P;
  readonly result: C;
  /** Default: "light". */
  readonly cost?: Cost;
  readonly aliases?: readonly string[];
  readonly local?: boolean;
};
type Answer<C> = ValueOf<C> | Promise<ValueOf<C>>;

export function method<const P extends Params = readonly [], C extends Codec<unknown> = Codec<unknown>>(
  spec: Spec<P, C> & { readonly run: (values: ParamValues<P>, context: MethodContext) => Answer<C> },
): Method<P, ValueOf<C>, JsonOf<C>> {
  const { permission = "read", cost = "light", params = [] as unknown as P, run, ...rest } = spec;
  return { ...rest, permission, cost, params, run: run as Method["run"] } as Method<P, ValueOf<C>, JsonOf<C>>;
}

/** A method whose values follow as notifications; it needs a WebSocket. */
export function subscription<const P extends Params = readonly [], C extends Codec<unknown> = Codec<unknown>>(
  spec: Spec<P, C> & {
    readonly run: (
      values: ParamValues<P>,
      context: MethodContext,
    ) => Subscribe<ValueOf<C>> | Promise<Subscribe<ValueOf<C>>>;
  },
): Method<P, ValueOf<C>, JsonOf<C>> & { readonly subscription: true } {
  const { permission = "read", cost = "light", params = [] as unknown as P, run, ...rest } = spec;
  const made = { ...rest, permission, cost, params, run: run as Method["run"], subscription: true };
  return made as unknown as Method<P, ValueOf<C>, JsonOf<C>> & { readonly subscription: true };
}

export type Methods = { readonly [name: string]: Method };

/** Ethereum's methods with the reference's own names as further ones: `Filecoin.EthCall` of `eth_call`, `Filecoin.NetVersion` of `net_version`. */
export function withNativeNames<M extends Methods>(methods: M): M {
  const upper = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
  return Object.fromEntries(
    Object.entries(methods).map(([name, one]) => {
      const [family = "", rest = ""] = name.split("_");
      const native = `Filecoin.${family === "trace" ? "EthTrace" : upper(family)}${upper(rest)}`;
      return [name, { ...one, aliases: [...(one.aliases ?? []), native] }];
    }),
  ) as unknown as M;
}

/** Methods of one kind, in one file. */
export type Group<M extends Methods = Methods> = {
  readonly title: string;
  readonly summary: string;
  /** What stands before each name: "Filecoin." for the network's own family, "" where names are whole. */
  readonly prefix: string;
  readonly versions: readonly ApiVersion[];
  readonly methods: M;
};

/** A group of the network's family; `versions` when not all of them have it. */
export function group<M extends Methods>(
  title: string,
  summary: string,
  methods: M,
  versions: readonly ApiVersion[] = API_VERSIONS,
): Group<M> & { readonly prefix: "Filecoin." } {
  return { title, summary, prefix: "Filecoin.", versions, methods };
}
