/** The retrieval market as one part of a node: provider and client over the node's peers, and the questions of both. */
import { multiaddr } from "@multiformats/multiaddr";
import { BoundedMap } from "../../base/bounded-map.ts";
import { describeError, isFilError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { commitmentOfCidV1, pieceOfCidV2 } from "../../sector/piece/cid.ts";
import type { BlockSource, BlockStore } from "../../storage/contract.ts";
import type { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import type { ClientData } from "../data/client-data.ts";
import { walk } from "../data/links.ts";
import type { InputEntry } from "../data/unixfs.ts";
import { type PlaceLimits, Places } from "../graphsync/places.ts";
import type { PaymentChannels } from "../paych/part.ts";
import { TransferManager } from "../transfer/manager.ts";
import type { PushTaker } from "../transfer/push.ts";
import { RetrievalBook } from "./book.ts";
import { type Fetched, fetchByBitswap, type PeerBlock } from "./by-bitswap.ts";
import { minerIn, type RetrievalChain } from "./chain-access.ts";
import {
  MAX_PROVIDERS,
  newDealId,
  priceOf,
  RESTART_MS,
  RetrievalClient,
  type RetrievalOrder,
  type Retrieved,
} from "./client.ts";
import { RetrievalError } from "./errors.ts";
import { FreeStreamServer, freeStream } from "./free-stream.ts";
import { RetrievalJobs } from "./jobs.ts";
import type { Query, QueryResponse, Terms, Transport } from "./messages.ts";
import { payeeOf, payerOf } from "./payments.ts";
import { RetrievalProvider } from "./provider.ts";
import { askQuery, askTransports, QueryServer } from "./query.ts";
import { Reserves } from "./reserves.ts";
import { badTerms } from "./terms.ts";

export type RetrievalOptions = {
  /** Where deals and the ask are kept. */
  readonly blocks: BlockStore;
  readonly client: ClientData;
  readonly payments: Pick<PaymentChannels, "channels" | "vouchers">;
  /** What the chain says of providers. */
  readonly chain: RetrievalChain;
  /** Where this node is paid; null: nowhere. */
  readonly paymentAddress: () => Promise<Address | null>;
  /** This node's peers; null: it has none. */
  readonly streams: () => PeerStreams | null;
  /** A block from the connected peers by bitswap. */
  readonly peerBlock: PeerBlock;
  /** Identities of the peers that are connected. */
  readonly peers: () => readonly string[];
  /** Multiaddrs where it listens, and where its gateway does. */
  readonly addresses: () => { readonly libp2p: readonly string[]; readonly http: readonly string[] };
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly onFault: (error: unknown) => void;
  /** As of `ClientParts`. */
  readonly restartMs?: number;
  /** Pushes of data that this node takes, of whichever market. */
  readonly takers?: readonly PushTaker[];
};

/** What a peer asks for a DAG that it has. */
export type Offer = { readonly peer: string; readonly quote: QueryResponse };

/** Roots whose sizes are remembered, and milliseconds that they count: data may be removed. */
const MAX_SIZES = 1024;
const SIZE_MS = 60_000;
/** DAGs that are walked for their size at the same time: large ones that some ask for keep no others waiting. */
const SIZING: PlaceLimits = { perPeer: 2, perHost: 8, all: 32 };
/** Largest payment interval and price that are set: what others' 64-bit fields and amounts hold. */
const MAX_INTERVAL = 2 ** 50;

/** Fact that is there while the free stream is served. */
const FREE_STREAM = "free-stream";

export class RetrievalMarket {
  readonly name = "retrieval";
  private readonly options: RetrievalOptions;
  private readonly sizes = new BoundedMap<string, { readonly size: number; readonly at: number }>(MAX_SIZES);
  private readonly sizing = new Map<string, Promise<number | null>>();
  private readonly sizers = new Places(SIZING, (peer) => this.options.streams()?.hostOf(peer) ?? null);
  private opened: RetrievalBook | null = null;
  private running: {
    readonly streams: PeerStreams;
    readonly transfers: TransferManager;
    readonly queries: QueryServer;
    readonly client: RetrievalClient;
  } | null = null;
  private free: FreeStreamServer | null = null;
  private readonly turns = new Turns();
  private readonly stopping = new AbortController();
  private readonly jobs = new RetrievalJobs();
  /** What goes on by itself. */
  private readonly background = new Set<Promise<void>>();

  constructor(options: RetrievalOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    const {
      blocks,
      client,
      payments,
      paymentAddress,
      now,
      randomBytes,
      onFault,
      restartMs = RESTART_MS,
    } = this.options;
    this.opened = await RetrievalBook.open(blocks);
    const streams = this.options.streams();
    if (streams === null) return;
    const book = (): RetrievalBook => this.book;
    const store = () => client.store();
    const provider = new RetrievalProvider({
      streams,
      book,
      blocks: store,
      payee: payeeOf(payments),
      paymentAddress,
      now,
    });
    const { takers = [] } = this.options;
    const transfers = new TransferManager({ streams, validators: [provider], takers, now, onFault });
    const queries = new QueryServer({
      ...{ streams, now, answer: (query, peer) => this.answer(query, peer), transports: async () => this.transports() },
    });
    await transfers.start();
    await queries.start();
    this.free = new FreeStreamServer({ streams, store, now });
    if (await this.hasFreeStream()) await this.free.start();
    const payer = payerOf(payments);
    const reserves = new Reserves(payer, book);
    const meanwhile = (work: (signal: AbortSignal) => Promise<void>): void => this.meanwhile(work);
    const reach = (name: string, signal: AbortSignal): Promise<string> => this.reach(name, signal);
    const parts = { streams, transfers, book, store, payer, reserves, reach, meanwhile, now, randomBytes, restartMs };
    this.running = { streams, transfers, queries, client: new RetrievalClient(parts) };
    // Deals that the last process left in the middle.
    for (const { id, reserved, paid, pending } of this.book.taken())
      if (pending !== null || reserved > paid) meanwhile((signal) => reserves.giveBack(id, signal));
  }

  private meanwhile(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.stopping;
    const done = work(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.options.onFault(error);
      })
      .finally(() => this.background.delete(done));
    this.background.add(done);
  }

  async stop(): Promise<void> {
    this.stopping.abort(new RetrievalError({ code: "CLOSED" }, "the node is stopping"));
    const { running } = this;
    this.running = null;
    await running?.queries.stop();
    if (await this.hasFreeStream()) await this.free?.stop();
    await running?.transfers.stop();
    await Promise.all(this.background);
    this.opened = null;
  }

  health(): { readonly status: "ok" | "stopped" } {
    return { status: this.opened === null ? "stopped" : "ok" };
  }

  /** Data transfer with this node's peers; null while it has none. */
  get transfers(): TransferManager | null {
    return this.running?.transfers ?? null;
  }

  get book(): RetrievalBook {
    if (this.opened === null) throw new RetrievalError({ code: "CLOSED" }, "the node is not running");
    return this.opened;
  }

  /** Sets what this node asks; throws `RetrievalError` BAD_ASK. */
  async setAsk(ask: Terms): Promise<void> {
    const bad = badTerms(ask);
    if (bad !== null) throw new RetrievalError({ code: "BAD_ASK" }, bad);
    for (const bytes of [ask.paymentInterval, ask.paymentIntervalIncrease])
      if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > MAX_INTERVAL)
        throw new RetrievalError(
          { code: "BAD_ASK" },
          `a payment interval is a whole number of bytes up to ${MAX_INTERVAL}`,
        );
    await this.book.setAsk(ask);
  }

  /** As `RetrievalClient.retrieve`; without providers, those that `find` finds. */
  async retrieve(order: RetrievalOrder): Promise<Retrieved> {
    const signal = AbortSignal.any([order.signal, this.stopping.signal]);
    const { client } = this.peers();
    const providers =
      order.providers.length > 0
        ? order.providers
        : (await this.find(order.root, null, signal)).map(({ peer }) => peer);
    return client.retrieve({ ...order, providers, signal });
  }

  /** Fetches a DAG by bitswap from those of the connected peers, and of the providers named, that have its blocks. */
  async fetch(root: CID, providers: readonly string[], signal: AbortSignal): Promise<Fetched> {
    this.peers();
    const both = AbortSignal.any([signal, this.stopping.signal]);
    await Promise.all(providers.slice(0, MAX_PROVIDERS).map((name) => this.reach(name, both)));
    return fetchByBitswap(await this.options.client.store(), root, this.options.peerBlock, both);
  }

  /** Whether this node serves the free stream of 2019: only where its user has said so. */
  async hasFreeStream(): Promise<boolean> {
    return (await this.options.blocks.metadata(FREE_STREAM)) !== undefined;
  }

  setFreeStream(on: boolean): Promise<void> {
    return this.turns.run(async () => {
      if (on === (await this.hasFreeStream())) return;
      await this.options.blocks.write({ metadata: [[FREE_STREAM, on ? Uint8Array.of(1) : null]] }, { sync: true });
      await (on ? this.free?.start() : this.free?.stop());
    });
  }

  /**
   * Gets a file by the free stream, at most `most` bytes, and lists it: when all of it is here it must be the file of that root, cut
   * as this node cuts files. Throws `RetrievalError` BAD_DATA for any other.
   */
  async stream(root: CID, provider: string, most: number, ending: AbortSignal): Promise<{ readonly bytes: number }> {
    const { streams } = this.peers();
    const signal = AbortSignal.any([ending, this.stopping.signal]);
    const peer = await this.reach(provider, signal);
    const store = await this.options.client.store();
    let bytes = 0;
    async function* content(): AsyncGenerator<Uint8Array> {
      for await (const chunk of freeStream(streams, peer, root, most, signal)) {
        bytes += chunk.length;
        yield chunk;
      }
    }
    async function* entries(): AsyncGenerator<InputEntry> {
      yield { path: "file", content: content() };
    }
    const got = await store.importFiles(`${root}`, entries(), signal);
    if (got.root.equals(root)) return { bytes };
    await store.remove(got.id);
    throw new RetrievalError({ code: "BAD_DATA" }, `what peer ${peer} sent is the file ${got.root}, not ${root}`);
  }

  /** Whether nothing is asked for this node's data. */
  isFree(): boolean {
    const ask = this.opened?.ask;
    return ask !== undefined && ask.pricePerByte === 0n && ask.unsealPrice === 0n;
  }

  /** A block of this node's user for whoever asks for it by bitswap; none where anything is asked for it. */
  async freeBlock(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.isFree() ? (await this.options.client.store()).get(cid) : undefined;
  }

  /** Begins a retrieval that goes on by itself; gives its number, which its deal with the first provider has. */
  begin(order: Omit<RetrievalOrder, "signal" | "id">): bigint {
    this.peers();
    const id = newDealId(this.options.randomBytes);
    this.jobs.begin(id, (signal) => this.retrieve({ ...order, id, signal }));
    return id;
  }

  /** Resolves when a retrieval has ended well; rejects with why it did not. */
  async wait(id: bigint, signal: AbortSignal): Promise<void> {
    const kept = this.opened?.takenOf(id);
    // Of those before this process began the book alone knows.
    if (!this.jobs.knows(id) && kept !== undefined && kept.state !== "ongoing") {
      if (kept.state === "completed") return;
      throw new RetrievalError({ code: "FAILED", tried: [kept.peer] }, kept.message);
    }
    await this.jobs.wait(id, signal);
  }

  /** Gives a retrieval up. */
  cancel(id: bigint): void {
    this.jobs.cancel(id);
  }

  /**
   * Who offers a DAG, the cheapest first: of the connected peers, and of the miners that the chain says have a deal for it. The
   * chain is asked where no peer has it.
   */
  async find(root: CID, piece: CID | null, signal: AbortSignal): Promise<readonly Offer[]> {
    const { streams } = this.peers();
    const ask = async (name: string): Promise<Offer[]> => {
      try {
        const peer = await this.reach(name, signal);
        const quote = await askQuery(streams, peer, root, piece, signal);
        return quote.status === "available" ? [{ peer, quote }] : [];
      } catch (error) {
        signal.throwIfAborted();
        if (isFilError(error)) return [];
        throw error;
      }
    };
    const askAll = async (names: readonly string[]): Promise<Offer[]> =>
      (await Promise.all(names.slice(0, MAX_PROVIDERS).map(ask))).flat();
    let offers = await askAll(this.options.peers());
    if (offers.length === 0) {
      const miners = await this.options.chain.minersOf(root, signal);
      offers = await askAll(miners.map((miner) => miner.toString()));
    }
    return offers.sort((a, b) => (priceOf(a.quote) < priceOf(b.quote) ? -1 : 1));
  }

  /** What a provider, by identity, multiaddr or miner's address, asks for a DAG. */
  async query(peer: string, root: CID, piece: CID | null, signal: AbortSignal): Promise<QueryResponse> {
    const { streams } = this.peers();
    return askQuery(streams, await this.reach(peer, signal), root, piece, signal);
  }

  /** Over what a provider serves. */
  async transportsOf(peer: string, signal: AbortSignal): ReturnType<typeof askTransports> {
    const { streams } = this.peers();
    return askTransports(streams, await this.reach(peer, signal), signal);
  }

  /** As of `ClientParts`. A miner is tried at each place that the chain names for it. */
  private async reach(name: string, signal: AbortSignal): Promise<string> {
    const miner = minerIn(name);
    const places = miner === null ? [name] : await this.options.chain.placesOf(miner);
    let last: unknown = null;
    for (const place of places) {
      if (!place.startsWith("/")) return place;
      try {
        return await this.peers().streams.connect(place, signal);
      } catch (error) {
        signal.throwIfAborted();
        last = error;
      }
    }
    const why = `${name} cannot be reached: ${describeError(last)}`;
    throw new RetrievalError({ code: "NO_ANSWER", peer: name }, why, { cause: last });
  }

  private peers(): NonNullable<typeof this.running> {
    if (this.running !== null) return this.running;
    const why = "this node has no peers to retrieve from: start it with devnet --nodes, or node start";
    throw new RetrievalError({ code: "NO_PEERS" }, why);
  }

  private async answer({ payload, piece }: Query, peer: string): Promise<QueryResponse> {
    const { ask } = this.book;
    const size = await this.sizeOf(payload, peer);
    const isHere = size !== null;
    const { pricePerByte, unsealPrice, paymentInterval, paymentIntervalIncrease } = ask;
    const found = isHere && (piece === null || (await this.isPieceOf(piece, payload)));
    return {
      status: isHere ? "available" : "unavailable",
      pieceFound: found ? "available" : "unavailable",
      size: size ?? 0,
      paymentAddress: await this.options.paymentAddress(),
      ...{ pricePerByte, unsealPrice, paymentInterval, paymentIntervalIncrease },
      message: isHere ? "" : `no whole DAG of ${payload} is here`,
    };
  }

  /** Bytes of a DAG's blocks, each once; null if not all of them are here. */
  private async sizeOf(root: CID, peer: string): Promise<number | null> {
    const { client, now } = this.options;
    const store = await client.store();
    if (!(await store.has(root.bytes))) return null;
    const known = this.sizes.get(`${root}`);
    if (known !== undefined && now() - known.at < SIZE_MS) return known.size;
    const name = `${root}`;
    const before = this.sizing.get(name);
    if (before !== undefined) return before;
    const leave = this.sizers.take(peer);
    if (typeof leave === "string") {
      const whose = { perPeer: `for peer ${peer}`, perHost: `for the host of peer ${peer}`, all: "here" }[leave];
      throw new RetrievalError(
        { code: "BUSY" },
        `${SIZING[leave]} DAGs are being looked through ${whose}, as many as may be; ask again in a while`,
      );
    }
    const found = this.walkSize(store, root).finally(() => {
      leave();
      this.sizing.delete(name);
    });
    this.sizing.set(name, found);
    const size = await found;
    if (size !== null) this.sizes.set(name, { size, at: now() });
    return size;
  }

  private async walkSize(store: BlockSource, root: CID): Promise<number | null> {
    let size = 0;
    try {
      for await (const { bytes } of walk(store, root, { signal: this.stopping.signal })) size += bytes.length;
      return size;
    } catch (error) {
      if (isFilError(error)) return null;
      throw error;
    }
  }

  private async isPieceOf(piece: CID, payload: CID): Promise<boolean> {
    const commP = commitmentOfCidV1(piece) ?? pieceOfCidV2(piece)?.commP;
    const store = await this.options.client.store();
    const own = commP === undefined || commP === null ? null : await store.piece(commP);
    return own !== null && own.form === "car" && own.root.equals(payload);
  }

  private transports(): readonly Transport[] {
    const { libp2p, http } = this.options.addresses();
    const all = [
      { name: "libp2p", addresses: libp2p.map((address) => multiaddr(address).bytes) },
      { name: "http", addresses: http.map((address) => multiaddr(address).bytes) },
    ];
    return all.filter(({ addresses }) => addresses.length > 0);
  }
}
