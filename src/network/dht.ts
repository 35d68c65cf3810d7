/**
 * The network's DHT, bounded. It finds peers and keeps nothing for anybody: of its questions only FIND_NODE and PING are
 * asked and answered, as by the reference's nodes, which have records and providers turned off
 * (lotus node/modules/lp2p/routing.go).
 *
 * The library bounds neither the bytes and questions of a stream nor the peers of an answer, and hands all of those to the
 * host's memory of addresses; here they are counted. It hooks into the library beyond its published interface (the version
 * of the package is pinned, and a test fails if the hooks are gone).
 */
import {
  type Connection,
  type PeerId,
  type PeerInfo,
  peerDiscoverySymbol,
  type Stream,
  type TypedEventTarget,
} from "@libp2p/interface";
import { type KadDHT, kadDHT } from "@libp2p/kad-dht";
import { isPrivate } from "@libp2p/utils";
import type { OwnTime } from "./own-time.ts";
import { DHT_LIMITS, dhtProtocol, PEER_LIMITS } from "./params.ts";
import type { Offence } from "./peer-book.ts";
import { RateLimiter } from "./rate-limit.ts";

export type DhtMode = "client" | "server";

export type DhtOptions = {
  readonly networkName: string;
  /** A client asks, a server answers too. */
  readonly mode: DhtMode;
  /** Peers at addresses of this machine and of private networks count: for networks on one machine. */
  readonly local: boolean;
  readonly now: () => number;
  readonly time: Pick<OwnTime, "late">;
  readonly onOffence: (peer: string, offence: Offence) => void;
};

type Components = Parameters<ReturnType<typeof kadDHT>>[0];
type Discoveries = TypedEventTarget<{ peer: CustomEvent<PeerInfo> }>;
type Answer = { closer: unknown[]; providers: unknown[] };
/** What is hooked into. */
export type Insides = {
  readonly rpc: {
    readonly handlers: Record<string, unknown>;
    handleMessage(peer: PeerId, message: { readonly type: string }): Promise<unknown>;
    onIncomingStream(stream: Stream, connection: Connection): Promise<void>;
  };
  readonly network: {
    _writeReadMessage(stream: Stream, message: unknown, options: unknown): Promise<Answer>;
    safeDispatchEvent(name: string, init: { readonly detail: unknown }): boolean;
  };
};

/** What is answered. */
const SERVED = ["FIND_NODE", "PING"];

/** Makes the service; throws `TypeError` if the library's insides are not those that are known. */
export function boundedDht(options: DhtOptions): (components: Components) => KadDHT {
  const { networkName, mode, local } = options;
  return (components) => {
    const dht = kadDHT({
      protocol: dhtProtocol(networkName),
      clientMode: mode === "client",
      maxInboundStreams: DHT_LIMITS.streams,
      maxOutboundStreams: PEER_LIMITS.outboundStreams,
      routingTableUpdateMaxQueueSize: DHT_LIMITS.updates,
      incomingMessageTimeout: DHT_LIMITS.messageMs,
      peerInfoMapper: ({ id, multiaddrs }) => ({
        id,
        multiaddrs: multiaddrs.filter((address) => local || !isPrivate(address)).slice(0, DHT_LIMITS.addresses),
      }),
    })(components);
    const { rpc, network } = dht as unknown as Insides;
    if (SERVED.some((kind) => rpc?.handlers?.[kind] === undefined) || network?._writeReadMessage === undefined)
      throw new TypeError("this version of @libp2p/kad-dht is not known");
    for (const kind of Object.keys(rpc.handlers)) if (!SERVED.includes(kind)) delete rpc.handlers[kind];
    guardQuestions(rpc, options);
    guardAnswers(network);
    // Instead of the host, which would remember every address that anybody tells.
    Object.defineProperty(dht, peerDiscoverySymbol, { value: undefined });
    rememberSome(dht as unknown as Discoveries, components);
    return dht;
  };
}

/** Counts what a peer asks: its bytes before they are read, its questions before they are answered. */
function guardQuestions(rpc: Insides["rpc"], { now, time, onOffence }: DhtOptions): void {
  const rate = new RateLimiter({ burst: DHT_LIMITS.burst, perSecond: DHT_LIMITS.perSecond }, now, () => time.late);
  const [answer, serve] = [rpc.handleMessage.bind(rpc), rpc.onIncomingStream.bind(rpc)];
  rpc.handleMessage = async (peer, message) => {
    if (!rate.allow(`${peer}`)) {
      onOffence(`${peer}`, "tooManyRequests");
      throw new RangeError("too many questions");
    }
    return answer(peer, message);
  };
  rpc.onIncomingStream = async (stream, connection) => {
    limitBytes(stream, DHT_LIMITS.questionBytes, () => onOffence(`${connection.remotePeer}`, "tooLarge"));
    // What ends a stream is its peer's affair.
    await serve(stream, connection).catch((error: Error) => stream.abort(error));
  };
}

/** Bounds what is taken from an answer: its bytes, and the peers in it. */
function guardAnswers(network: Insides["network"]): void {
  const read = network._writeReadMessage.bind(network);
  const tell = network.safeDispatchEvent.bind(network);
  let told = 0;
  network.safeDispatchEvent = (name, init) => {
    // The peers of one answer are told of in one go.
    if (told === 0) queueMicrotask(() => (told = 0));
    return name === "peer" && ++told > DHT_LIMITS.peersOfAnswer ? false : tell(name, init);
  };
  network._writeReadMessage = async (stream, message, options) => {
    limitBytes(stream, DHT_LIMITS.answerBytes, () => undefined);
    const answer = await read(stream, message, options);
    answer.closer.splice(DHT_LIMITS.peersOfAnswer);
    answer.providers.splice(0);
    return answer;
  };
}

/** Ends a stream that brings more than so many bytes. */
function limitBytes(stream: Stream, most: number, tooMany: () => void): void {
  let bytes = 0;
  stream.addEventListener("message", ({ data }) => {
    bytes += data.byteLength;
    if (bytes <= most || bytes - data.byteLength > most) return;
    tooMany();
    stream.abort(new RangeError(`more than ${most} bytes`));
  });
}

/** Has the host know the addresses of the peers found last, so many of them, and of each so many however often it is told of. */
function rememberSome(dht: Discoveries, { peerStore, connectionManager, peerId }: Components): void {
  const found = new Map<string, { readonly id: PeerId; readonly told: Set<string> }>();
  dht.addEventListener("peer", ({ detail: { id, multiaddrs } }) => {
    if (id.equals(peerId) || multiaddrs.length === 0) return;
    const one = found.get(`${id}`) ?? { id, told: new Set() };
    found.delete(`${id}`);
    found.set(`${id}`, one);
    // The host's memory adds to what it has.
    const fresh = multiaddrs.filter((address) => !one.told.has(`${address}`));
    const kept = fresh.slice(0, DHT_LIMITS.addresses - one.told.size);
    for (const address of kept) one.told.add(`${address}`);
    if (kept.length > 0) void peerStore.merge(id, { multiaddrs: kept }).catch(() => undefined);
    if (found.size <= DHT_LIMITS.found) return;
    const [[name, oldest]] = found as unknown as [[string, { readonly id: PeerId }]];
    found.delete(name);
    if (connectionManager.getConnections(oldest.id).length === 0)
      void peerStore.delete(oldest.id).catch(() => undefined);
  });
}
