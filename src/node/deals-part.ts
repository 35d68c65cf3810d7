/**
 * The storage market as a part of a node: its client, and, where the node has miners with sectors, their provider. Pieces go
 * from the provider to the sealing of sectors; the data of deals waits in a folder of its own until its sector is proven.
 */
import { platform } from "#platform";
import { concat } from "../base/bytes.ts";
import { isFilError } from "../base/errors.ts";
import type { Rewind } from "../base/rewind.ts";
import { loadProofs } from "../core/proofs.ts";
import { pieceBytes } from "../market/data/commit-car.ts";
import { PieceGateway } from "../market/gateway/piece.ts";
import { StorageClient } from "../market/storage/client.ts";
import type { ClientDeal } from "../market/storage/client-record.ts";
import { DealError } from "../market/storage/errors.ts";
import { fetchFromPeer, HttpStreamServer } from "../market/storage/http-streams.ts";
import { localLink, noLink, type ProviderLink } from "../market/storage/link.ts";
import { Mk20Client } from "../market/storage/mk20/client.ts";
import { DealServer, remoteLink } from "../market/storage/protocols.ts";
import { type ProviderOptions, StorageProvider } from "../market/storage/provider.ts";
import type { ProviderDeal } from "../market/storage/provider-record.ts";
import type { PieceTaker } from "../market/storage/provider-steps.ts";
import type { PayloadFiles } from "../market/storage/pull.ts";
import type { DealStreams } from "../market/storage/streams.ts";
import type { TransferManager } from "../market/transfer/manager.ts";
import type { PushTaker } from "../market/transfer/push.ts";
import { OPEN_STATES } from "../miner/sealing/states.ts";
import { directoryStore } from "../proving/directory-store.ts";
import { MemorySectorStore } from "../sector/store.ts";
import type { Address } from "../types/address.ts";
import type { FilecoinNode } from "./node.ts";
import { type SealingLine, type SealingPart, START_BUFFER } from "./sealing-part.ts";
import type { Health, Startable } from "./startable.ts";

export type DealsPartOptions = {
  readonly node: FilecoinNode;
  /** Sealing of this node's miners; null: the node is no provider. */
  readonly sealing: SealingPart | null;
  /** Folder of the node's data; null: in memory. */
  readonly data: string | null;
  /** Streams to peers and from them, once there are any; absent: the node has no peers. */
  readonly streams?: () => DealStreams | null;
  /** Data transfer with peers, once there is any. */
  readonly transfers?: () => TransferManager | null;
  /** Where the chain says that a miner is: multiaddrs with its identity, or that alone; rejects where it does not say. */
  readonly placesOf?: (miner: Address) => Promise<readonly string[]>;
  /** Peers that are connected: multiaddrs with their identities where they were dialled, or these alone. */
  readonly connected?: () => readonly string[];
  /** Multiaddrs where this node listens, each with its identity. */
  readonly addresses?: () => readonly string[];
  readonly hook?: ProviderOptions["hook"];
  readonly limits?: ProviderOptions["limits"];
  readonly onProviderDeal?: (deal: ProviderDeal) => void;
  readonly onClientDeal?: (deal: ClientDeal) => void;
};

/** Looks in a row at which all must be at rest: one that ends may be what another waits for. */
const QUIET_LOOKS = 10;
/** Milliseconds after which it is not waited any longer: a transfer may take hours. */
const REST_MS = 60_000;
/** Milliseconds for each place of a miner that has several. */
const DIAL_MS = 10_000;

/** In the data folder: data of deals that is not in a proven sector yet. */
const FOLDER = "deals";

export class DealsPart implements Startable {
  readonly name = "deals";
  readonly client: StorageClient;
  readonly provider: StorageProvider | null;
  readonly mk20: Mk20Client;
  private readonly options: DealsPartOptions;
  private served: (() => string) | null = null;
  private server: DealServer | null = null;
  /** This user's data, for providers that fetch it over streams. */
  private files: HttpStreamServer | null = null;
  private state: "new" | "running" | "stopped" = "new";
  private stopWatching: () => void = () => undefined;

  constructor(options: DealsPartOptions) {
    this.options = options;
    const { node, sealing, data, hook, limits, onProviderDeal, onClientDeal } = options;
    const { market: chain, funds, network, client } = node;
    const { blocks } = node.chain;
    const shared = { blocks, chain, funds, now: platform.now };
    this.provider =
      sealing === null
        ? null
        : new StorageProvider({
            ...shared,
            hashes: node.crypto,
            files: payloadFiles(data),
            pieces: pieceTaker(sealing),
            proofs: loadProofs,
            miners: sealing.miners,
            prefix: network.prefix,
            mayGoBack: () => node.collector.pins().length > 0,
            async local(commP) {
              const store = await client.store();
              const piece = await store.heldPiece(commP);
              return piece === null ? null : pieceBytes(store, piece.root, piece.form);
            },
            fetchFromPeer: (url, init) => fetchFromPeer(this.streams(), url, init),
            restartPush: (peer, channel) => this.transfers().pushes.askRestart(peer, channel),
            ...(hook === undefined ? {} : { hook }),
            ...(limits === undefined ? {} : { limits }),
            ...(onProviderDeal === undefined ? {} : { onChange: onProviderDeal }),
          });
    this.mk20 = new Mk20Client({
      ...{ blocks, data: client, messages: chain.messages, prefix: network.prefix },
      ...{ now: platform.now, randomBytes: platform.randomBytes },
    });
    const { provider } = this;
    if (provider !== null)
      client.lend({
        ...{ peek: () => undefined, get: (cid) => provider.index.get(cid), has: (cid) => provider.index.has(cid) },
        piece: (commP) => provider.piece(commP),
      });
    this.client = new StorageClient({
      ...shared,
      commit: (root, form, signal) => client.commit(root, null, signal, form),
      servedAt: () => this.served?.() ?? null,
      randomBytes: platform.randomBytes,
      proofs: loadProofs,
      linkTo: (miner, peer) => this.linkTo(miner, peer),
      placeOf: (miner, signal) => this.placeOf(miner, signal),
      ownAddress: () => this.options.addresses?.()[0] ?? null,
      push: async (peer, push) => {
        const { pushes } = this.transfers();
        const id = peer.startsWith("/") ? await this.streams().connect(peer, push.signal) : peer;
        await pushes.push(id, { ...push, blocks: await client.store() });
      },
      ...(onClientDeal === undefined ? {} : { onChange: onClientDeal }),
    });
  }

  /** From now on this node's pieces are served below a URL. */
  servedAt(url: () => string): void {
    this.served = url;
  }

  /** Pushes that this node takes. */
  get takers(): readonly PushTaker[] {
    return this.provider === null ? [] : [this.provider.pushes];
  }

  private transfers(): TransferManager {
    return this.options.transfers?.() ?? closed("this node transfers no data to peers, or has not started yet");
  }

  private streams(): DealStreams {
    return this.options.streams?.() ?? closed("this node has no peers");
  }

  private isOwn(miner: Address): boolean {
    return this.provider?.miners.some((one) => one.equals(miner)) === true;
  }

  /**
   * As of `ClientOptions`: of several places the first that answers, or else the first; where the chain names none, a connected peer
   * that proves to be it.
   */
  private async placeOf(miner: Address, signal = new AbortController().signal): Promise<string | null> {
    const streams = this.options.streams?.() ?? null;
    const { placesOf } = this.options;
    if (this.isOwn(miner) || streams === null || placesOf === undefined) return null;
    const places = await placesOf(miner).catch((error: unknown) => {
      if (isFilError(error, "NO_ANSWER")) return [];
      throw error;
    });
    if (places.length > 1)
      for (const place of places) {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
        const isThere = await streams.connect(place, limit).then(
          () => true,
          () => false,
        );
        signal.throwIfAborted();
        if (isThere) return place;
      }
    return places[0] ?? this.client.providerAmong(miner, this.options.connected?.() ?? [], signal);
  }

  private linkTo(miner: Address, peer: string | null): ProviderLink {
    const { provider } = this;
    if (peer === null && provider !== null && this.isOwn(miner)) return localLink(provider);
    const streams = this.options.streams?.() ?? null;
    if (streams === null) return noLink(`${miner} is no provider of this node, and this node has no peers`);
    if (peer === null)
      return noLink(
        `${miner} is no provider of this node, names no peer on the chain, and is none of those that this node is connected to: name the peer that it is reached at, as a multiaddr`,
      );
    return remoteLink(streams, peer);
  }

  async start(): Promise<void> {
    const { data } = this.options;
    if (data !== null) await platform.folders?.make(`${data}/${FOLDER}`);
    await this.goOn();
    const streams = this.options.streams?.() ?? null;
    if (this.provider !== null && streams !== null) {
      this.server = new DealServer(streams, this.provider, platform.now);
      await this.server.start();
    }
    if (streams !== null) {
      const pieces = new PieceGateway();
      const { client: data } = this.options.node;
      this.files = new HttpStreamServer({
        streams,
        pieceOf: (token) => this.client.pieceOfToken(token),
        gateway: async (request, signal) => pieces.answer(await data.store(), request, signal),
      });
      await this.files.start();
    }
    this.state = "running";
  }

  async stop(): Promise<void> {
    this.state = "stopped";
    await this.server?.stop();
    await this.files?.stop();
    await this.hold();
  }

  /** Lets all deals rest; the function that is given goes on with those that the store holds then. */
  async pause(): Promise<Rewind> {
    await this.hold();
    return async () => {
      if (this.state === "running") await this.goOn();
    };
  }

  /** Resolves when client, provider and sealing have done what they do before the next head, or after a minute. */
  async rest(): Promise<void> {
    const { sealing } = this.options;
    const end = platform.now() + REST_MS;
    for (let quiet = 0; quiet < QUIET_LOOKS && platform.now() < end; ) {
      await sealing?.rest();
      await new Promise((resolve) => setTimeout(resolve));
      quiet = this.client.isAtRest() && (this.provider?.isAtRest() ?? true) ? quiet + 1 : 0;
    }
  }

  private async goOn(): Promise<void> {
    const { provider } = this;
    await provider?.start();
    this.stopWatching =
      this.options.sealing?.watch((miner, { number }) => provider?.sectorMoved(miner, number)) ?? this.stopWatching;
    await this.client.start();
  }

  private async hold(): Promise<void> {
    this.stopWatching();
    await this.client.stop();
    await this.provider?.stop();
  }

  health(): Health {
    return { status: this.state === "running" ? "ok" : "stopped" };
  }
}

function closed(why: string): never {
  throw new DealError({ code: "CLOSED" }, why);
}

function payloadFiles(data: string | null): PayloadFiles {
  if (data === null || platform.folders === null) return new MemorySectorStore();
  const directory = `${data}/${FOLDER}`;
  return { ...directoryStore(directory), names: () => platform.listFolder(directory) };
}

function pieceTaker(sealing: SealingPart): PieceTaker {
  const line = (miner: Address): SealingLine => {
    const found = sealing.line(miner);
    if (found === undefined) throw new Error(`${miner} is no miner of this node`);
    return found;
  };
  return {
    startBuffer: START_BUFFER,
    add: (miner, payload, deal, commP) => line(miner).pieces.add(payload, deal, commP),
    holds: (miner, place, commP) => line(miner).pieces.holds(place, commP),
    async seal(miner, sector) {
      const { machine } = line(miner);
      if (OPEN_STATES.includes(machine.records.get(sector).state)) await machine.tell(sector, "closed");
    },
    async read(miner, { sector, offset }, from, length) {
      const { pieces } = line(miner);
      if (!(await pieces.isUnsealed(sector))) return null;
      const parts: Uint8Array[] = [];
      for await (const part of pieces.read(sector, offset, from, length)) parts.push(part);
      return concat(...parts);
    },
    isUnsealed: (miner, { sector }) => line(miner).pieces.isUnsealed(sector),
    prove: (miner, { sector, offset }) => line(miner).pieces.prove(sector, offset),
    sectorState: (miner, sector) => sealing.line(miner)?.machine.records.get(sector).state ?? null,
  };
}
