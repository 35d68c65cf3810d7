/**
 * Deals of this node's user with providers of MK20: made, their data sent, and asked after. A deal is on the disk before the provider
 * hears of it; what was sent of its data the provider knows, so that after an end of the node, or a break, the rest alone is sent.
 *
 * Facts: `mk20/<ULID>`, JSON.
 */
import { fromUtf8, utf8 } from "../../../base/bytes.ts";
import { describeError } from "../../../base/errors.ts";
import { Turns } from "../../../base/turns.ts";
import { MIN_V2_PAYLOAD_BYTES, pieceCidV2 } from "../../../sector/piece/cid.ts";
import type { BlockStore } from "../../../storage/contract.ts";
import { Address, type NetworkPrefix } from "../../../types/address.ts";
import { type CID, parseCid } from "../../../types/cid.ts";
import type { ClientData } from "../../data/client-data.ts";
import { type PieceForm, pieceBytes } from "../../data/commit-car.ts";
import type { MarketChain } from "../chain-access.ts";
import { badAnswer, badArgument, Mk20Error } from "./errors.ts";
import { Mk20Http } from "./http.ts";
import {
  checkDeal,
  encodeDeal,
  goJson,
  type Mk20Contract,
  type Mk20Source,
  type Mk20State,
  type Mk20Status,
  readNames,
  readStatus,
  readUpload,
} from "./messages.ts";
import { newUlid } from "./ulid.ts";

export type Mk20Wanted = {
  /** Of the provider's market, without its path. */
  readonly url: string;
  readonly root: CID;
  readonly form: PieceForm;
  readonly wallet: Address;
  readonly miner: Address;
  readonly source: Mk20Source;
  readonly startEpoch: number | null;
  readonly duration: number;
  readonly allocation: bigint | null;
  readonly contract: Mk20Contract | null;
  readonly announce: boolean;
};
export type Mk20Record = {
  readonly id: string;
  readonly url: string;
  readonly root: string;
  readonly form: PieceForm;
  /** Key address. */
  readonly wallet: string;
  readonly miner: string;
  readonly piece: string;
  /** Bytes of the data. */
  readonly size: number;
  readonly source: Mk20Source["kind"];
  /** Whether the provider said that it took the deal, and that it has the data. */
  readonly isAccepted: boolean;
  readonly isSent: boolean;
};
export type Mk20Info = Readonly<Record<"products" | "sources" | "contracts", readonly string[]>>;

export type Mk20Options = {
  readonly blocks: Pick<BlockStore, "metadata" | "metadataWith" | "write">;
  readonly data: Pick<ClientData, "commit" | "store">;
  readonly messages: Pick<MarketChain["messages"], "keyOf" | "hasKey" | "sign">;
  readonly prefix: NetworkPrefix;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Bytes of a chunk, a power of two; as of Curio's least (16 MiB). */
  readonly chunkBytes?: number;
  readonly againMs?: number;
};

const PREFIX = "mk20/";
const MAX_DEALS = 100_000;
/** Source: curio deps/config/types.go (MK20Config, MinimumChunkSize). */
const CHUNK_BYTES = 16 << 20;
/** Passes over the data in which no more of it comes to be there than ever was. */
const MAX_PASSES = 3;
/** Statuses of an upload that was not begun; of one that was, or a chunk that is there; of one that has all of its data. */
const NOT_STARTED = 425;
const THERE = 409;
const NOT_WAITING = 404;
/**
 * A request that is not signed as it should be, and one about a deal that the provider does not have, or has of another client.
 * Source: curio e0294b0f9481 market/mk20/http/http.go (AuthMiddleware).
 */
const NOT_YOURS = 401;
const NO_DEAL = 404;

const hasStatus = (error: unknown, ...statuses: readonly number[]): boolean =>
  error instanceof Mk20Error && error.data.code === "REFUSED" && statuses.includes(error.data.status);

const isNo = (error: unknown): boolean =>
  error instanceof Mk20Error && error.data.code === "REFUSED" && error.data.status < 500 && error.data.status !== 429;

/** States in which a provider has nothing to do with a deal any more. */
const ENDED: readonly Mk20State[] = ["complete", "failed"];

function notEnded(deal: string, state: string | null, why: string): Mk20Error {
  const text = `deal ${deal} may not have ended: ${why}; its record is kept, and goes only where that is meant all the same`;
  return new Mk20Error({ code: "NOT_ENDED", deal, state }, text);
}

export class Mk20Client {
  private readonly options: Mk20Options;
  private readonly turns = new Turns();
  /** Deals that are being made, or removed, or whose data is being sent. */
  private readonly busy = new Set<string>();

  constructor(options: Mk20Options) {
    this.options = options;
  }

  /** What a provider takes. */
  async info(url: string, wallet: Address, signal: AbortSignal): Promise<Mk20Info> {
    const http = await this.http(url, wallet, signal);
    const names = async (name: keyof Mk20Info) => readNames(await http.get(`/${name}`), name);
    return { products: await names("products"), sources: await names("sources"), contracts: await names("contracts") };
  }

  /** Makes a deal about data of this node: resolves when the provider has taken it. Throws `Mk20Error`. */
  async deal(wanted: Mk20Wanted, signal: AbortSignal): Promise<Mk20Record> {
    const { url, root, form, miner, source } = wanted;
    const http = await this.http(url, wanted.wallet, signal);
    const { piece, carSize: size } = await this.options.data.commit(root, null, signal, form);
    if (size < MIN_V2_PAYLOAD_BYTES) badArgument("data", `at least ${MIN_V2_PAYLOAD_BYTES} bytes`, `${size}`);
    const { now, randomBytes, prefix } = this.options;
    const client = await this.options.messages.keyOf(wanted.wallet);
    const deal = {
      ...{ id: newUlid(now(), randomBytes(10)), client, provider: miner, piece: pieceCidV2(piece), form, source },
      ...{ startEpoch: wanted.startEpoch, duration: wanted.duration, allocation: wanted.allocation },
      ...{ contract: wanted.contract, indexing: form === "car", announce: wanted.announce },
    };
    checkDeal(deal);
    const record: Mk20Record = {
      ...{
        id: deal.id,
        url,
        root: `${root}`,
        form,
        wallet: `${client}`,
        miner: `${miner}`,
        piece: `${deal.piece}`,
        size,
      },
      ...{ source: source.kind, isAccepted: false, isSent: source.kind !== "put" },
    };
    return this.alone(deal.id, async () => {
      await this.add(record);
      try {
        await http.post("/deal", encodeDeal(deal, prefix));
      } catch (error) {
        // Its answer may have been lost: a deal of the same number is this one.
        signal.throwIfAborted();
        const isKnown = await this.isKnown(http, deal.id);
        // What failed on the provider's side, or before it, or is not told, it may have taken all the same.
        if (isKnown === false && isNo(error)) await this.forget(deal.id);
        if (isKnown !== true) throw error;
      }
      return this.put({ ...record, isAccepted: true });
    });
  }

  /** Whether a provider has a deal; null where its answer does not tell. */
  private async isKnown(http: Mk20Http, id: string): Promise<boolean | null> {
    return this.answerOf(http, id).then(
      (found) => found !== null,
      () => null,
    );
  }

  /** What a provider says of a deal; null if it says that it has none of this client's. Throws `Mk20Error` where its answer does not tell. */
  private async answerOf(http: Mk20Http, id: string): Promise<{ readonly answer: unknown } | null> {
    try {
      return { answer: await http.get(`/status/${id}`) };
    } catch (error) {
      if (hasStatus(error, NO_DEAL)) return null;
      if (!hasStatus(error, NOT_YOURS)) throw error;
      // Of a signature that is refused, as where a clock is wrong, this says nothing of the deal: then all is refused.
      await http.get("/products").catch(() => {
        throw error;
      });
      return null;
    }
  }

  /** Does something to a deal that nothing else is done to meanwhile. */
  private async alone<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    if (this.busy.has(id)) badArgument("deal", "one that is not being made, and whose data is not being sent", id);
    this.busy.add(id);
    try {
      return await work();
    } finally {
      this.busy.delete(id);
    }
  }

  /**
   * Removes the record of a deal that has ended: its provider has it whole in a sector, has failed, or does not know it. `anyway`: whatever
   * the provider says, which is not asked. Throws `Mk20Error` UNKNOWN_DEAL, NOT_ENDED.
   */
  async remove(id: string, anyway: boolean, signal: AbortSignal): Promise<void> {
    await this.alone(id, async () => {
      const { url, wallet } = await this.get(id);
      if (!anyway) {
        const http = await this.http(url, Address.parse(wallet), signal);
        const found = await this.answerOf(http, id).catch((error: unknown) => {
          signal.throwIfAborted();
          throw notEnded(id, null, describeError(error));
        });
        const state = found === null ? "failed" : readStatus(found.answer).state;
        if (!ENDED.includes(state)) throw notEnded(id, state, `its provider says that it is ${state}`);
      }
      await this.forget(id);
    });
  }

  /** How a deal is, as its provider says. Throws `Mk20Error` UNKNOWN_DEAL, REFUSED, NO_ANSWER. */
  async status(id: string, signal: AbortSignal): Promise<Mk20Status> {
    const { url, wallet } = await this.get(id);
    const http = await this.http(url, Address.parse(wallet), signal);
    return readStatus(await http.get(`/status/${id}`));
  }

  /** Sends a deal's data, or what the provider lacks of it, and says that it is all. Throws `Mk20Error`. */
  async send(id: string, signal: AbortSignal, onProgress?: (chunks: number, of: number) => void): Promise<Mk20Record> {
    return this.alone(id, async () => {
      const record = await this.get(id);
      if (record.source !== "put") badArgument("deal", "one whose data is sent", `${id}, whose data is got otherwise`);
      if (record.isSent) return record;
      const http = await this.http(record.url, Address.parse(record.wallet), signal);
      if (!(await this.isThere(http, id))) {
        if (record.size <= this.chunkBytes) await this.sendAtOnce(http, record, signal);
        else await this.sendChunks(http, record, signal, onProgress);
      }
      return this.put({ ...record, isAccepted: true, isSent: true });
    });
  }

  /** Whether the provider has a deal's data: that an answer said so may have been lost. */
  private async isThere(http: Mk20Http, id: string): Promise<boolean> {
    const { state } = readStatus(await http.get(`/status/${id}`));
    return state !== "uploading" && state !== "failed";
  }

  /** Says that all data is there; what was said before, and its answer lost, is refused. */
  private async finalize(http: Mk20Http, place: string, { id }: Mk20Record): Promise<void> {
    await http.post(place, null).catch(async (error: unknown) => {
      if (!(await this.isThere(http, id).catch(() => false))) throw error;
    });
  }

  private async sendAtOnce(http: Mk20Http, record: Mk20Record, signal: AbortSignal): Promise<void> {
    const place = `/upload/${record.id}`;
    for await (const chunk of this.chunksOf(record, signal))
      await http.put(place, chunk).catch((error: unknown) => {
        // It came before, and its answer was lost: no second one is waited for.
        if (!hasStatus(error, NOT_WAITING)) throw error;
      });
    await this.finalize(http, place, record);
  }

  private async sendChunks(
    http: Mk20Http,
    record: Mk20Record,
    signal: AbortSignal,
    onProgress: ((chunks: number, of: number) => void) | undefined,
  ): Promise<void> {
    const { id, size } = record;
    const place = `/uploads/${id}`;
    const total = Math.ceil(size / this.chunkBytes);
    const look = async () => {
      const found = readUpload(await http.get(place));
      if (found.total !== total) badAnswer(`an upload of ${found.total} chunks, where ${total} are sent`);
      return new Set(found.missing);
    };
    let missing = await look().catch(async (error: unknown) => {
      if (!hasStatus(error, NOT_STARTED)) throw error;
      const begin = goJson({ raw_size: size, chunk_size: this.chunkBytes });
      await http.post(place, begin).catch((begun: unknown) => {
        if (!hasStatus(begun, THERE)) throw begun;
      });
      return look();
    });
    let least = missing.size;
    for (let pass = 0; missing.size > 0; ) {
      let number = 0;
      for await (const chunk of this.chunksOf(record, signal)) {
        if (!missing.has(++number)) continue;
        await http.put(`${place}/${number}`, chunk).catch((error: unknown) => {
          if (!hasStatus(error, THERE)) throw error;
        });
        onProgress?.(number, total);
      }
      const left = await look();
      pass = left.size < least ? 0 : pass + 1;
      least = Math.min(least, left.size);
      if (pass >= MAX_PASSES) badAnswer(`${left.size} chunks that were sent ${MAX_PASSES} times are missing`);
      missing = left;
    }
    await this.finalize(http, `/uploads/finalize/${id}`, record);
  }

  /** A deal's data in chunks, the last one shorter; one is in memory at a time. */
  private async *chunksOf({ root, form, size }: Mk20Record, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const store = await this.options.data.store();
    let chunk = new Uint8Array(Math.min(this.chunkBytes, size));
    let [at, left] = [0, size];
    for await (const part of pieceBytes(store, parseCid(root), form, signal))
      for (let from = 0; from < part.length; ) {
        const taken = part.subarray(from, from + chunk.length - at);
        chunk.set(taken, at);
        from += taken.length;
        at += taken.length;
        if (at < chunk.length) continue;
        yield chunk;
        left -= at;
        chunk = new Uint8Array(Math.min(this.chunkBytes, left));
        at = 0;
        if (chunk.length === 0) return;
      }
    throw new Mk20Error(
      { code: "BAD_ARGUMENT", field: "data", limit: `${size} bytes`, offered: `${size - left + at}` },
      "the data is shorter than the deal's",
    );
  }

  private get chunkBytes(): number {
    return this.options.chunkBytes ?? CHUNK_BYTES;
  }

  private async http(url: string, wallet: Address, signal: AbortSignal): Promise<Mk20Http> {
    const { messages, now, againMs } = this.options;
    const address = await messages.keyOf(wallet);
    if (!messages.hasKey(address)) badArgument("wallet", "an address whose key this node has", `${wallet}`);
    const signer = { address, sign: (bytes: Uint8Array) => messages.sign(address, bytes) };
    return new Mk20Http(url, { signer, now, signal, ...(againMs === undefined ? {} : { againMs }) });
  }

  /** Deals, in the order in which they were made. */
  async list(): Promise<readonly Mk20Record[]> {
    return (await this.options.blocks.metadataWith(PREFIX)).map(
      ([, bytes]) => JSON.parse(fromUtf8(bytes)) as Mk20Record,
    );
  }

  /** Throws `Mk20Error` UNKNOWN_DEAL. */
  async get(id: string): Promise<Mk20Record> {
    const bytes = await this.options.blocks.metadata(PREFIX + id);
    if (bytes === undefined) throw new Mk20Error({ code: "UNKNOWN_DEAL", deal: id }, `there is no deal ${id} of MK20`);
    return JSON.parse(fromUtf8(bytes)) as Mk20Record;
  }

  private add(record: Mk20Record): Promise<Mk20Record> {
    return this.turns.run(async () => {
      if ((await this.list()).length >= MAX_DEALS) badArgument("deals", `${MAX_DEALS} at most`, "one more");
      return this.put(record);
    });
  }

  private async put(record: Mk20Record): Promise<Mk20Record> {
    await this.options.blocks.write({ metadata: [[PREFIX + record.id, utf8(JSON.stringify(record))]] }, { sync: true });
    return record;
  }

  private async forget(id: string): Promise<void> {
    await this.options.blocks.write({ metadata: [[PREFIX + id, null]] }, { sync: true });
  }
}
