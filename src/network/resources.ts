/**
 * Connections and streams of a host by scope, as the reference's resource manager names them, and how many there may be.
 * A limit that is lowered ends nothing that is open: what comes beyond is refused.
 */
import { FilError } from "../base/errors.ts";
import { CONNECTIONS, PEER_LIMITS } from "./params.ts";

export type Direction = "inbound" | "outbound";
/** A connection with its streams; `protocol` is empty while it is agreed on. */
export type ConnectionUse = {
  readonly peer: string;
  readonly direction: Direction;
  readonly streams: readonly StreamUse[];
};
export type StreamUse = {
  readonly protocol: string;
  readonly direction: Direction;
  /** bytes that wait to be read or sent */
  readonly buffered: number;
};

/** How much a scope uses. A connection takes one file descriptor. */
export type ScopeUse = {
  readonly streams: Readonly<Record<Direction, number>>;
  readonly connections: Readonly<Record<Direction, number>>;
  /** bytes that wait in the buffers of streams */
  readonly memory: number;
};

export type ScopeLimit = {
  readonly streams: number;
  readonly streamsInbound: number;
  readonly streamsOutbound: number;
  readonly connections: number;
  readonly connectionsInbound: number;
  readonly connectionsOutbound: number;
  readonly descriptors: number;
};

/** "system", "transient" (what is being agreed on), "proto:<protocol>" or "peer:<identity>". */
export type Scope =
  | { readonly kind: "system" | "transient" }
  | { readonly kind: "protocol" | "peer"; readonly name: string };

export type ResourceErrorData =
  | { readonly code: "BAD_SCOPE"; readonly scope: string }
  | { readonly code: "LIMIT_REACHED"; readonly scope: string };
export class ResourceError extends FilError<ResourceErrorData> {}

/** Scopes whose limits were set; those set first are forgotten first. */
const MAX_SET = 1024;

export function parseScope(scope: string): Scope {
  if (scope === "system" || scope === "transient") return { kind: scope };
  const [, kind, name] = /^(proto|peer):(.+)$/.exec(scope) ?? [];
  if (name !== undefined) return { kind: kind === "proto" ? "protocol" : "peer", name };
  throw new ResourceError(
    { code: "BAD_SCOPE", scope },
    `no scope "${scope}": there are system, transient, proto:<protocol> and peer:<identity>; services are not counted here`,
  );
}

function nameOf(scope: Scope): string {
  return "name" in scope ? `${scope.kind}:${scope.name}` : scope.kind;
}

/** What a scope uses of a host's connections; `dialling`: connections that are being made. */
export function useOf(scope: Scope, all: readonly ConnectionUse[], dialling: number): ScopeUse {
  const isCounted = ({ protocol }: StreamUse): boolean => {
    if (scope.kind === "transient") return protocol === "";
    return scope.kind === "protocol" ? protocol === scope.name : true;
  };
  const connections = scope.kind === "peer" ? all.filter(({ peer }) => peer === scope.name) : all;
  const streams = connections.flatMap((one) => one.streams.filter(isCounted));
  const both = (list: readonly { readonly direction: Direction }[]): Record<Direction, number> => ({
    inbound: list.filter(({ direction }) => direction === "inbound").length,
    outbound: list.filter(({ direction }) => direction === "outbound").length,
  });
  const open = {
    system: () => both(connections),
    peer: () => both(connections),
    // Connections are of all protocols.
    protocol: () => both([]),
    transient: () => ({ inbound: 0, outbound: dialling }),
  };
  return {
    streams: both(streams),
    connections: open[scope.kind](),
    memory: streams.reduce((sum, { buffered }) => sum + buffered, 0),
  };
}

function equal(streams: number, connections: number): ScopeLimit {
  return {
    ...{ streams, streamsInbound: streams, streamsOutbound: streams },
    ...{ connections, connectionsInbound: connections, connectionsOutbound: connections, descriptors: connections },
  };
}

const WHOLE = equal(CONNECTIONS.high * PEER_LIMITS.streams, CONNECTIONS.high);
const DEFAULTS: Readonly<Record<Scope["kind"], ScopeLimit>> = {
  system: WHOLE,
  transient: WHOLE,
  protocol: { ...WHOLE, connections: 0, connectionsInbound: 0, connectionsOutbound: 0, descriptors: 0 },
  peer: equal(PEER_LIMITS.connections * PEER_LIMITS.streams, PEER_LIMITS.connections),
};

export class ResourceLimits {
  private readonly limits = new Map<string, ScopeLimit>();

  of(scope: Scope): ScopeLimit {
    return this.limits.get(nameOf(scope)) ?? DEFAULTS[scope.kind];
  }

  set(scope: Scope, limit: ScopeLimit): void {
    const name = nameOf(scope);
    this.limits.delete(name);
    this.limits.set(name, limit);
    if (this.limits.size > MAX_SET) this.limits.delete(this.limits.keys().next().value as string);
  }

  /** Throws `ResourceError` LIMIT_REACHED if the connections, the newest among them, are more than may be. */
  checkConnections(all: readonly ConnectionUse[], { peer, direction }: ConnectionUse): void {
    for (const scope of [{ kind: "system" }, { kind: "peer", name: peer }] as const) {
      const { connections, connectionsInbound, connectionsOutbound, descriptors } = this.of(scope);
      const { inbound, outbound } = useOf(scope, all, 0).connections;
      const own = direction === "inbound" ? inbound : outbound;
      const most = direction === "inbound" ? connectionsInbound : connectionsOutbound;
      if (own > most || inbound + outbound > Math.min(connections, descriptors)) throw reached(scope, "connections");
    }
  }

  /** As `checkConnections`, for the streams of one peer and protocol. */
  checkStreams(all: readonly ConnectionUse[], peer: string, { protocol, direction }: StreamUse): void {
    const scopes = [{ kind: "system" }, { kind: "protocol", name: protocol }, { kind: "peer", name: peer }] as const;
    for (const scope of scopes) {
      const limit = this.of(scope);
      const { inbound, outbound } = useOf(scope, all, 0).streams;
      const own = direction === "inbound" ? inbound : outbound;
      const most = direction === "inbound" ? limit.streamsInbound : limit.streamsOutbound;
      if (own > most || inbound + outbound > limit.streams) throw reached(scope, "streams");
    }
  }

  /** Whether any limit was set: else libp2p's own and those of a connection hold everything. */
  get isSet(): boolean {
    return this.limits.size > 0;
  }
}

function reached(scope: Scope, what: string): ResourceError {
  const name = nameOf(scope);
  return new ResourceError({ code: "LIMIT_REACHED", scope: name }, `${name} has as many ${what} as it may`);
}
