/**
 * The node's face to its peers: one host with hello, chain exchange, bitswap and the topics of blocks and messages.
 *
 * What peers send comes out as calls of `NetworkHandlers`; what they do wrong goes into the peer book, and a banned peer's
 * connections are closed at once. Nothing that a peer sends throws past here.
 */
import type { Connection, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { isFilError } from "../base/errors.ts";
import { decodeSignedMessage, encodeSignedMessage, type SignedMessage } from "../types/message.ts";
import { Bitswap } from "./bitswap.ts";
import type { ObjectSource } from "./bitswap-server.ts";
import type { ChainSource } from "./chain-source.ts";
import { ExchangeClient } from "./exchange-client.ts";
import { ExchangeServer } from "./exchange-server.ts";
import { Gossip, type GossipScores, type Validate, type Verdict } from "./gossip.ts";
import { guardGossip } from "./gossip-guard.ts";
import { HelloService, type PeerTiming } from "./hello-service.ts";
import { dialled, type Host, type HostOptions, NetworkError, openHost, parseMultiaddr } from "./host.ts";
import { OwnTime, type OwnTimeOptions } from "./own-time.ts";
import { blocksTopic, DEADLINES, type Deadlines, DHT_LIMITS, messagesTopic, PEER_LIMITS } from "./params.ts";
import { isLoopback, peerAddress } from "./peer-address.ts";
import type { Offence, PeerAddress, PeerBook } from "./peer-book.ts";
import { PeerStreams } from "./peer-streams.ts";
import { type ConnectionUse, parseScope, ResourceLimits, type ScopeLimit, type ScopeUse, useOf } from "./resources.ts";
import { TrafficMeter } from "./traffic.ts";
import { keepGossiping } from "./upkeep.ts";
import { BITSWAP_PROTOCOLS, PAYLOAD_PROTOCOLS } from "./wire/bitswap.ts";
import { type BlockMessage, decodeBlockMessage, encodeBlockMessage } from "./wire/block-message.ts";
import type { Hello } from "./wire/hello.ts";

export type NetworkHandlers = {
  readonly onHello: (peer: string, hello: Hello) => void;
  /** What a hello of ours told of a peer's clock. */
  readonly onTiming?: (peer: string, timing: PeerTiming) => void;
  readonly onDisconnect?: (peer: string) => void;
  readonly onBlock: (block: BlockMessage, peer: string) => Promise<Verdict>;
  readonly onMessage: (message: SignedMessage, peer: string) => Promise<Verdict>;
  /** A fault of this node while it looked at what a peer sent. */
  readonly onFault: (where: string, error: unknown) => void;
};

export type NetworkOptions = Omit<
  HostOptions,
  "peers" | "guard" | "otherTopics" | "onStream" | "now" | "time" | "onOffence"
> & {
  readonly peers: PeerBook;
  readonly chain: ChainSource;
  /** Blocks that peers may have by bitswap, all of them; without it bitswap is not spoken. */
  readonly objects?: ObjectSource;
  /** Data of users that peers, also of other networks, may have by bitswap; without it they are told nothing. */
  readonly payloads?: ObjectSource;
  readonly handlers: NetworkHandlers;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Topics besides blocks and messages, for instance drand's; what is rejected is an offence of who sent it. */
  readonly topics?: readonly { readonly name: string; readonly validate: Validate }[];
  /** Time limits; default `DEADLINES`. */
  readonly deadlines?: Deadlines;
  /** What this node's own time is counted by; default the platform's timers. */
  readonly ownTime?: OwnTimeOptions;
};

export type ConnectedPeer = {
  readonly id: string;
  readonly address: string;
  readonly direction: "inbound" | "outbound";
  readonly timing: PeerTiming | null;
  /** Score in the gossip mesh. */
  readonly score: number;
};

export type PeerScores = { readonly id: string } & GossipScores;

/** Peers whose timing and speed are remembered. */
const MAX_TIMINGS = 1024;
/** Peers that an operator may protect, and the tags that they carry: each as heavy as libp2p lets one be, and they add up. */
const MAX_PROTECTED = 4096;
const PROTECTED = { tags: [1, 2, 3, 4, 5].map((number) => `filigree-protected-${number}`), value: 100 } as const;

export class Network {
  readonly peers: PeerBook;
  /** Bytes sent and received. */
  readonly traffic = new TrafficMeter();
  readonly exchange: ExchangeClient;
  /** Null without `objects`. */
  readonly bitswap: Bitswap | null;
  /** Null without `payloads`. */
  readonly payloads: Bitswap | null;
  /** Protocols of other rooms. */
  readonly streams: PeerStreams;
  private readonly options: NetworkOptions;
  /** Peers that are looked for now. */
  private lookups = 0;
  private readonly host: Host;
  private readonly time: OwnTime;
  private readonly gossip: Gossip;
  private readonly hello: HelloService;
  private readonly server: ExchangeServer;
  private readonly limits = new ResourceLimits();
  private stopUpkeep: () => void = () => undefined;
  private readonly protectedPeers = new Set<string>();
  private readonly timings = new Map<string, PeerTiming>();
  /** Milliseconds that a peer's last answers took, smoothed. */
  private readonly speeds = new Map<string, number>();

  private constructor(options: NetworkOptions, host: Host, time: OwnTime) {
    const { chain, now, handlers, peers, deadlines = DEADLINES } = options;
    const onOffence = (peer: string, offence: Offence): void => this.report(peer, offence);
    this.options = options;
    this.host = host;
    this.time = time;
    this.peers = peers;
    this.streams = new PeerStreams({ host, time, onOffence });
    this.gossip = new Gossip(host, handlers.onFault);
    this.server = new ExchangeServer({ host, chain, now, deadlines, time, onOffence });
    this.hello = new HelloService({
      host,
      chain,
      now,
      deadlines,
      time,
      onOffence,
      onHello: handlers.onHello,
      onTiming: (peer, timing) => {
        remember(this.timings, peer, timing);
        handlers.onTiming?.(peer, timing);
      },
    });
    const { objects, payloads } = options;
    const onFault = (error: unknown): void => handlers.onFault("bitswap", error);
    const common = { host, now, deadlines, time, onOffence, peers: () => this.fastestFirst() };
    const bitswap = (source: ObjectSource | undefined, protocols: readonly string[]): Bitswap | null =>
      source === undefined ? null : new Bitswap({ ...common, protocols, objects: source, onFault });
    this.bitswap = bitswap(objects, BITSWAP_PROTOCOLS);
    this.payloads = bitswap(payloads, PAYLOAD_PROTOCOLS);
    this.exchange = new ExchangeClient({
      ...common,
      onAnswer: (peer, ms) => remember(this.speeds, peer, 0.7 * (this.speeds.get(peer) ?? ms) + 0.3 * ms),
    });
  }

  /** Opens the host and joins the network's topics; rejects with `NetworkError`. What fails leaves nothing open. */
  static async open(options: NetworkOptions): Promise<Network> {
    let network: Network | null = null;
    const { now, local } = options;
    const onOffence = (peer: string, offence: Offence): void => network?.report(peer, offence);
    const otherTopics = (options.topics ?? []).map(({ name }) => name);
    const time = new OwnTime(options.ownTime);
    let host: Host | null = null;
    try {
      host = await openHost({
        ...options,
        time,
        onOffence,
        otherTopics,
        onStream: (stream) => network?.streamOpened(stream),
        guard: (pubsub) => guardGossip(pubsub, { now, local, time, onOffence }),
      });
      network = new Network(options, host, time);
      await network.begin();
      return network;
    } catch (error) {
      time.stop();
      await host?.stop();
      throw error;
    }
  }

  get id(): string {
    return this.host.peerId.toString();
  }

  /** Where this node listens, with its identity at the end. */
  addresses(): string[] {
    return this.host.getMultiaddrs().map((address) => address.toString());
  }

  connected(): ConnectedPeer[] {
    return this.host.getConnections().map((connection) => {
      const id = connection.remotePeer.toString();
      return {
        id,
        address: connection.remoteAddr.toString(),
        direction: connection.direction,
        timing: this.timings.get(id) ?? null,
        score: this.gossip.score(id),
      };
    });
  }

  /** Dials a multiaddr; resolves to the peer's identity. Rejects with `NetworkError` BAD_MULTIADDR, BANNED or what the dial failed of. */
  async connect(address: string, signal?: AbortSignal): Promise<string> {
    const connection = await dialled(this.host.dial(parseMultiaddr(address), signal === undefined ? {} : { signal }));
    return connection.remotePeer.toString();
  }

  /**
   * Multiaddrs, without identities, of a peer as the DHT has them; none without a DHT, or where nobody knows the peer. Throws
   * `RangeError` while as many are looked for as may be.
   */
  async find(peer: string, signal: AbortSignal): Promise<string[]> {
    const id = readPeerId(peer);
    const { dht } = this.host.services;
    if (dht === undefined) return [];
    if (this.lookups >= DHT_LIMITS.lookups) throw new RangeError("too many peers are being looked for; ask again");
    this.lookups++;
    const ended = AbortSignal.any([signal, AbortSignal.timeout(DHT_LIMITS.lookupMs)]);
    try {
      for await (const event of dht.findPeer(id, { signal: ended }))
        if (event.name === "FINAL_PEER") return event.peer.multiaddrs.map((address) => address.toString());
    } catch (error) {
      signal.throwIfAborted();
      // The library's only word for "nobody knows it".
      if ((error as Error).name !== "NotFoundError") throw error;
    } finally {
      this.lookups--;
    }
    return [];
  }

  async disconnect(peer: string): Promise<void> {
    await Promise.all(this.connectionsOf(peer).map((connection) => connection.close()));
  }

  /** Says hello again to a peer, for its timing. */
  async greet(peer: string): Promise<PeerTiming | null> {
    const [connection] = this.connectionsOf(peer);
    return connection === undefined ? null : this.hello.say(connection);
  }

  /** Peers in this node's mesh of the blocks topic, and of the messages topic. */
  mesh(): readonly [blocks: number, messages: number] {
    const { networkName } = this.options;
    return [
      this.gossip.meshPeers(blocksTopic(networkName)).length,
      this.gossip.meshPeers(messagesTopic(networkName)).length,
    ];
  }

  /** Milliseconds that a peer takes to answer; null if it is not connected. */
  async ping(peer: string, signal?: AbortSignal): Promise<number | null> {
    const [connection] = this.connectionsOf(peer);
    if (connection === undefined) return null;
    return this.host.services.ping.ping(connection.remotePeer, signal === undefined ? {} : { signal });
  }

  /** What a connected peer told of itself; null if it is not connected. */
  async details(peer: string): Promise<{ readonly agent: string; readonly protocols: readonly string[] } | null> {
    const [connection] = this.connectionsOf(peer);
    if (connection === undefined) return null;
    const { protocols, metadata } = await this.host.peerStore.get(connection.remotePeer);
    const agent = metadata.get("AgentVersion");
    return { agent: agent === undefined ? "" : new TextDecoder().decode(agent), protocols };
  }

  /** What the gossip mesh thinks of the connected peers. */
  scores(): PeerScores[] {
    return [...new Set(this.host.getConnections().map(({ remotePeer }) => remotePeer.toString()))].map((id) => ({
      id,
      ...this.gossip.scores(id),
    }));
  }

  publishBlock(block: BlockMessage): Promise<number> {
    return this.gossip.publish(blocksTopic(this.options.networkName), encodeBlockMessage(block));
  }

  publishMessage(message: SignedMessage): Promise<number> {
    return this.gossip.publish(messagesTopic(this.options.networkName), encodeSignedMessage(message));
  }

  /** Hands bytes to one of `topics`; resolves to the number of peers they went to. */
  publish(topic: string, data: Uint8Array): Promise<number> {
    return this.gossip.publish(topic, data);
  }

  /** What a scope of the host uses, see `resources.ts`; throws `ResourceError` BAD_SCOPE. */
  use(scope: string): ScopeUse {
    return useOf(parseScope(scope), this.uses(), this.host.getDialQueue().length);
  }

  /** Identities of the connected peers, and the protocols of open streams. */
  get scopes(): { readonly peers: readonly string[]; readonly protocols: readonly string[] } {
    const uses = this.uses();
    const protocols = uses.flatMap(({ streams }) => streams.map(({ protocol }) => protocol));
    return {
      peers: [...new Set(uses.map(({ peer }) => peer))],
      protocols: [...new Set(protocols.filter((one) => one !== ""))],
    };
  }

  limit(scope: string): ScopeLimit {
    return this.limits.of(parseScope(scope));
  }

  setLimit(scope: string, limit: ScopeLimit): void {
    this.limits.set(parseScope(scope), limit);
  }

  /** Peers whose connections are closed last when there are too many. */
  get protected(): readonly string[] {
    return [...this.protectedPeers];
  }

  /** Throws `NetworkError` BAD_PEER for what is no identity, RangeError if there are too many. */
  async protect(peer: string, on: boolean): Promise<void> {
    const id = readPeerId(peer);
    if (on && !this.protectedPeers.has(peer) && this.protectedPeers.size >= MAX_PROTECTED)
      throw new RangeError(`more than ${MAX_PROTECTED} peers are protected`);
    if (on) this.protectedPeers.add(peer);
    else this.protectedPeers.delete(peer);
    const tags = Object.fromEntries(PROTECTED.tags.map((tag) => [tag, on ? { value: PROTECTED.value } : undefined]));
    await this.host.peerStore.merge(id, { tags });
  }

  /** Notes an offence; a peer that is banned for it is cut off. */
  report(peer: string, offence: Offence): void {
    if (this.peers.report(peer, offence, this.cameFrom(peer))) this.cutOff(peer);
  }

  /** Lets no peer of a host in for so many milliseconds. */
  banAddress(ip: string, ms: number): void {
    this.peers.banAddress(ip, ms);
    for (const connection of this.host.getConnections())
      if (peerAddress(connection.remoteAddr)?.ip === ip) connection.abort(new Error("the host is banned"));
  }

  ban(peer: string, ms: number): void {
    this.peers.ban(peer, ms);
    this.cutOff(peer);
  }

  async close(): Promise<void> {
    this.stopUpkeep();
    await this.hello.stop();
    await this.bitswap?.stop();
    await this.payloads?.stop();
    await this.server.stop();
    await this.host.stop();
    this.time.stop();
  }

  private async begin(): Promise<void> {
    const { host, options } = this;
    host.addEventListener("connection:open", ({ detail }) => this.opened(detail));
    host.addEventListener("peer:disconnect", ({ detail }) => {
      this.timings.delete(detail.toString());
      this.speeds.delete(detail.toString());
      options.handlers.onDisconnect?.(detail.toString());
    });
    await this.server.start();
    await this.bitswap?.start();
    await this.payloads?.start();
    await this.hello.start();
    this.joinTopics();
    this.stopUpkeep = keepGossiping(host);
  }

  private joinTopics(): void {
    const { networkName, handlers } = this.options;
    const read = async <T>(
      data: Uint8Array,
      from: string,
      decode: (bytes: Uint8Array) => T,
      handle: (value: T, peer: string) => Promise<Verdict>,
      offence: Offence,
    ): Promise<Verdict> => {
      let value: T;
      try {
        value = decode(data);
      } catch (error) {
        if (!isFilError(error)) throw error;
        this.report(from, offence);
        return "reject";
      }
      const verdict = await handle(value, from);
      if (verdict === "reject") this.report(from, offence);
      return verdict;
    };
    this.gossip.join(blocksTopic(networkName), (data, from) =>
      read(data, from, decodeBlockMessage, handlers.onBlock, "badBlock"),
    );
    this.gossip.join(messagesTopic(networkName), (data, from) =>
      read(data, from, decodeSignedMessage, handlers.onMessage, "badMessage"),
    );
    for (const { name, validate } of this.options.topics ?? [])
      this.gossip.join(name, async (data, from) => {
        const verdict = await validate(data, from);
        if (verdict === "reject") this.report(from, "badMessage");
        return verdict;
      });
  }

  private opened(connection: Connection): void {
    const peer = connection.remotePeer.toString();
    const own = this.connectionsOf(peer).length;
    if (this.peers.isBanned(peer)) this.cutOff(peer);
    else if (own > this.limits.of({ kind: "peer", name: peer }).connections) {
      connection.abort(new Error("the peer has enough connections"));
      // A lower limit is this node's affair, of which nobody else can know.
      if (own > PEER_LIMITS.connections) this.report(peer, "tooManyConnections");
    } else if (this.isBeyondLimits(connection))
      connection.abort(new Error("the node has as many connections as it may"));
    else if (this.isCrowded(connection)) connection.abort(new Error("too many connections from one host"));
    else if (connection.direction === "outbound") this.peers.reached(peer, connection.remoteAddr.toString());
  }

  private isBeyondLimits(connection: Connection): boolean {
    if (!this.limits.isSet) return false;
    try {
      this.limits.checkConnections(this.uses(), useOfConnection(connection));
      return false;
    } catch {
      return true;
    }
  }

  /** Counts a new stream's bytes; throws `ResourceError` if there are as many as may be. */
  private streamOpened(stream: Stream): void {
    let peer: string | null = null;
    // While a connection is being taken in it is in no list yet.
    const find = (): string | null => {
      peer ??=
        this.host
          .getConnections()
          .find(({ streams }) => streams.includes(stream))
          ?.remotePeer.toString() ?? null;
      return peer;
    };
    this.traffic.watch(stream, find);
    const owner = this.limits.isSet ? find() : null;
    if (owner !== null)
      this.limits.checkStreams(this.uses(), owner, {
        protocol: stream.protocol,
        direction: stream.direction,
        buffered: 0,
      });
  }

  private uses(): ConnectionUse[] {
    return this.host.getConnections().map(useOfConnection);
  }

  /** Whether a host has as many connections as it may; this machine may have any number. */
  private isCrowded({ remoteAddr, direction }: Connection): boolean {
    const from = peerAddress(remoteAddr);
    if (direction === "outbound" || this.options.local || from === null || isLoopback(from)) return false;
    const same = this.host.getConnections().filter((one) => peerAddress(one.remoteAddr)?.ip === from.ip);
    return same.length > PEER_LIMITS.connectionsPerHost;
  }

  /** Where a peer is connected from, as far as that may be banned: nobody else must be hit. */
  private cameFrom(peer: string): PeerAddress[] {
    if (this.options.local) return [];
    return this.connectionsOf(peer)
      .map(({ remoteAddr }) => peerAddress(remoteAddr))
      .filter((address): address is PeerAddress => address !== null && !isLoopback(address));
  }

  private connectionsOf(peer: string): Connection[] {
    return this.host.getConnections().filter(({ remotePeer }) => remotePeer.toString() === peer);
  }

  private cutOff(peer: string): void {
    for (const connection of this.connectionsOf(peer)) connection.abort(new Error("the peer is banned"));
  }

  private fastestFirst(): string[] {
    const peers = [...new Set(this.host.getConnections().map(({ remotePeer }) => remotePeer.toString()))];
    return peers.sort((a, b) => (this.speeds.get(a) ?? 0) - (this.speeds.get(b) ?? 0));
  }
}

function readPeerId(text: string): ReturnType<typeof peerIdFromString> {
  try {
    return peerIdFromString(text);
  } catch (cause) {
    throw new NetworkError({ code: "BAD_PEER", text }, `no identity of a peer: ${text}`, { cause });
  }
}

function useOfConnection({ remotePeer, direction, streams }: Connection): ConnectionUse {
  return {
    peer: remotePeer.toString(),
    direction,
    streams: streams.map((stream) => ({
      protocol: stream.protocol,
      direction: stream.direction,
      buffered: stream.readBufferLength + stream.writeBufferLength,
    })),
  };
}

function remember<T>(map: Map<string, T>, peer: string, value: T): void {
  map.delete(peer);
  map.set(peer, value);
  if (map.size > MAX_TIMINGS) map.delete(map.keys().next().value as string);
}
