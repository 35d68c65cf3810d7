/**
 * Data of deals that clients push: which pushes a provider takes, where their blocks go, and what the deal hears of them. A
 * client that breaks off may begin again; it is asked to where it does not, also after this node was away.
 * Source of the voucher: go-fil-markets v1.28.3 storagemarket/impl/requestvalidation.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { equal } from "../../base/bytes.ts";
import { unpaddedBytesOf } from "../../sector/piece/cid.ts";
import { CID, parseCid } from "../../types/cid.ts";
import { WHOLE_DAG } from "../graphsync/selector.ts";
import type { TypedVoucher } from "../transfer/message.ts";
import type { ChannelTerms, PushTaker, TakenPush } from "../transfer/push.ts";
import { CarIntake } from "./car-intake.ts";
import { DealError } from "./errors.ts";
import { type ProviderDeal, proposalOfDeal } from "./provider-record.ts";
import type { PayloadFiles } from "./pull.ts";

const STORAGE_VOUCHER = "StorageDataTransferVoucher";

/** `signed`: CID of the proposal with its signature. */
export const storageVoucher = (signed: CID): TypedVoucher => ({
  type: STORAGE_VOUCHER,
  bytes: dagCbor.encode([signed]),
});

/** The CID that a voucher names; null for what is none. */
export function readStorageVoucher({ bytes }: TypedVoucher): CID | null {
  try {
    const value = dagCbor.decode(bytes);
    return Array.isArray(value) && value.length === 1 ? CID.asCID(value[0]) : null;
  } catch {
    return null;
  }
}

/** Milliseconds until a client that broke off is asked to go on; and until it is asked again, at first and at most. */
const ASK_FIRST_MS = 5000;
const ASK_MOST_MS = 5 * 60_000;

export type PushIntakeParts = {
  readonly files: PayloadFiles;
  /** A deal by the CID of its signed proposal. */
  readonly dealOf: (signed: CID) => ProviderDeal | null;
  /** Asks a peer to begin a push again. */
  readonly restart: (peer: string, channel: bigint) => Promise<void>;
  readonly onReceived: (deal: string, bytes: number) => void;
  readonly askMs?: number;
};

/** What a deal's data has come to: a channel that was opened, or all of it. */
export type Pushed = { readonly channel: string } | { readonly size: number };

type Entry = {
  car: Promise<CarIntake> | null;
  /** Links, the first ones, whose blocks are here. */
  links: number;
  channel: string | null;
  running: AbortController | null;
  size: number | null;
  failure: unknown;
  wake: () => void;
};

export class PushIntake implements PushTaker {
  readonly voucherType = STORAGE_VOUCHER;
  private readonly parts: PushIntakeParts;
  private readonly entries = new Map<string, Entry>();

  constructor(parts: PushIntakeParts) {
    this.parts = parts;
  }

  private entryOf(deal: string): Entry {
    const nothing = { car: null, links: 0, channel: null, running: null, size: null, failure: null };
    const entry = this.entries.get(deal) ?? { ...nothing, wake: () => undefined };
    this.entries.set(deal, entry);
    return entry;
  }

  /** A deal waits for no data any more. */
  forget(deal: string): void {
    const entry = this.entries.get(deal);
    this.entries.delete(deal);
    entry?.running?.abort(new DealError({ code: "WRONG_STATE", deal, state: "" }, `deal ${deal} waits for no data`));
  }

  /** What has come so far, once for all who ask. */
  private open(deal: ProviderDeal, entry: Entry): Promise<CarIntake> {
    entry.car ??= this.openOnce(deal, entry).catch((error: unknown) => {
      entry.car = null;
      throw error;
    });
    return entry.car;
  }

  private async openOnce(deal: ProviderDeal, entry: Entry): Promise<CarIntake> {
    const root = parseCid(deal.root as string);
    const room = unpaddedBytesOf(Number(proposalOfDeal(deal).pieceSize));
    const car = await CarIntake.open(this.parts.files, deal.id, root, room);
    const { count, isWhole } = await car.links(root, WHOLE_DAG);
    entry.links = count;
    if (isWhole) {
      await car.flush();
      entry.size = car.size;
    }
    return car;
  }

  async take({ peer, id, root, selector, voucher }: ChannelTerms): Promise<TakenPush | null> {
    const named = readStorageVoucher(voucher);
    const deal = named === null ? null : this.parts.dealOf(named);
    const isWanted = deal !== null && isWaiting(deal, peer) && deal.root === `${root}` && equal(selector, WHOLE_DAG);
    if (!isWanted) return null;
    const entry = this.entryOf(deal.id);
    entry.running?.abort(new DealError({ code: "TRANSFER", reason: "UNREACHABLE" }, "the client has begun again"));
    const abort = new AbortController();
    entry.running = abort;
    const car = await this.open(deal, entry);
    if (this.entries.get(deal.id) !== entry || entry.running !== abort) return null;
    entry.channel = `${id}`;
    entry.wake();
    return {
      store: car,
      skip: entry.links,
      signal: abort.signal,
      onLink: (number) => {
        entry.links = Math.max(entry.links, number);
        this.parts.onReceived(deal.id, car.size);
      },
      done: async () => {
        await car.flush();
        abort.signal.throwIfAborted();
        entry.size = car.size;
        this.ended(entry, abort);
      },
      broke: (error) => {
        const isHopeless =
          error instanceof DealError && error.data.code === "TRANSFER" && error.data.reason === "TOO_LONG";
        if (isHopeless) entry.failure = error;
        this.ended(entry, abort);
        return isHopeless;
      },
    };
  }

  private ended(entry: Entry, abort: AbortController): void {
    if (entry.running === abort) entry.running = null;
    entry.wake();
  }

  /** What comes next of a deal's data. Throws what ends it for good, and the signal's reason. */
  async next(deal: ProviderDeal, signal: AbortSignal): Promise<Pushed> {
    const entry = this.entryOf(deal.id);
    const { push = null } = deal;
    let pause = this.parts.askMs ?? ASK_FIRST_MS;
    for (let isFirst = true; ; isFirst = false) {
      signal.throwIfAborted();
      if (entry.failure !== null) throw entry.failure;
      if (isFirst && push !== null) await this.open(deal, entry);
      if (entry.size !== null) return { size: entry.size };
      if (entry.channel !== null && entry.channel !== push) return { channel: entry.channel };
      if (!isFirst && entry.running === null && push !== null && deal.peer !== null) {
        // One that is away comes back by itself, or is asked again.
        await this.parts.restart(deal.peer, BigInt(push)).catch(() => undefined);
        pause = Math.min(2 * pause, ASK_MOST_MS);
      }
      await this.wait(entry, pause, signal);
    }
  }

  private wait(entry: Entry, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        entry.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      entry.wake = done;
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });
  }
}

/** Whether a deal's data is to come from a peer by a push. */
function isWaiting({ state, source, peer }: ProviderDeal, from: string): boolean {
  return state === "Transferring" && source.kind === "graphsync" && peer === from;
}
