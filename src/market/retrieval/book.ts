/**
 * What is kept of retrieval deals, on both sides, and the ask. Every change is on the disk before anybody acts upon it.
 * Records: `retrieval/ask`, `retrieval/given/<peer>/<id>`, `retrieval/taken/<id>`.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from "../../base/bytes.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { parseCid } from "../../types/cid.ts";
import type { Note } from "../paych/book.ts";
import type { GivenChannel, Mark } from "../transfer/manager.ts";
import type { Terms } from "./messages.ts";

export type DealState = "ongoing" | "completed" | "failed";

/** A deal of a provider: the transfer's channel, and what was paid. */
export type GivenDeal = {
  readonly channel: GivenChannel;
  /** Where the peer came from, unless that is not counted. */
  readonly host: string | null;
  readonly terms: Terms;
  /** attoFIL */
  readonly received: bigint;
  /** Payments that were worth nothing. */
  readonly worthless: number;
  readonly state: DealState;
  readonly message: string;
  /** Milliseconds since 1970 of the last change. */
  readonly at: number;
};

/** A deal of a client. */
export type TakenDeal = {
  readonly id: bigint;
  readonly peer: string;
  readonly root: string;
  readonly terms: Terms;
  /** Bytes of blocks that came and were verified, links that were followed, attoFIL that vouchers were given for. */
  readonly bytes: number;
  readonly links: number;
  readonly paid: bigint;
  /** attoFIL set aside in the channel, those paid among them; and an amount on its way there. */
  readonly reserved: bigint;
  readonly pending: { readonly message: string; readonly amount: bigint } | null;
  readonly channel: string | null;
  readonly lane: string | null;
  readonly state: DealState;
  readonly message: string;
  readonly at: number;
};

/** Deals that are kept, of each side: those that ended first are forgotten first, then those that went on longest ago. */
const MAX_DEALS = 10_000;
const NOTHING = new Uint8Array(0);
const ASK = "retrieval/ask";
const GIVEN = "retrieval/given/";
const TAKEN = "retrieval/taken/";
const givenKey = ({ peer, id }: Pick<GivenChannel, "peer" | "id">): string => `${GIVEN}${peer}/${id}`;

/** Asks of nothing until it is set, as providers of today do; intervals are the reference's. */
export const DEFAULT_ASK: Terms = {
  pricePerByte: 0n,
  paymentInterval: 1 << 20,
  paymentIntervalIncrease: 1 << 20,
  unsealPrice: 0n,
};

export class RetrievalBook {
  private readonly blocks: BlockStore;
  private readonly givenByKey = new Map<string, GivenDeal>();
  private readonly takenById = new Map<string, TakenDeal>();
  private terms: Terms;

  private constructor(blocks: BlockStore, terms: Terms) {
    this.blocks = blocks;
    this.terms = terms;
  }

  static async open(blocks: BlockStore): Promise<RetrievalBook> {
    const kept = await blocks.metadata(ASK);
    const ask = kept === undefined ? DEFAULT_ASK : readTerms(JSON.parse(fromUtf8(kept)) as StoredTerms);
    const book = new RetrievalBook(blocks, ask);
    const given = (await blocks.metadataWith(GIVEN)).map(([, value]) =>
      readGiven(JSON.parse(fromUtf8(value)) as StoredGiven),
    );
    for (const deal of given.sort(byAge)) book.givenByKey.set(givenKey(deal.channel), deal);
    const taken = (await blocks.metadataWith(TAKEN)).map(([, value]) =>
      readTaken(JSON.parse(fromUtf8(value)) as StoredTaken),
    );
    for (const deal of taken.sort(byAge))
      book.takenById.set(
        `${deal.id}`,
        // Only who began one goes on with it.
        deal.state === "ongoing" ? { ...deal, state: "failed", message: "the node stopped meanwhile" } : deal,
      );
    return book;
  }

  get ask(): Terms {
    return this.terms;
  }

  async setAsk(terms: Terms): Promise<void> {
    await this.blocks.write({ metadata: [[ASK, json(writeTerms(terms))]] }, { sync: true });
    this.terms = terms;
  }

  given(): readonly GivenDeal[] {
    return [...this.givenByKey.values()];
  }

  givenOf(channel: Pick<GivenChannel, "peer" | "id">): GivenDeal | undefined {
    return this.givenByKey.get(givenKey(channel));
  }

  taken(): readonly TakenDeal[] {
    return [...this.takenById.values()];
  }

  takenOf(id: bigint): TakenDeal | undefined {
    return this.takenById.get(`${id}`);
  }

  putGiven(given: GivenDeal): Promise<void> {
    return this.keep(this.noteGiven(given));
  }

  putTaken(deal: TakenDeal): Promise<void> {
    return this.keep(this.noteTaken(deal));
  }

  private async keep({ records, done }: Note): Promise<void> {
    await this.blocks.write({ metadata: [...records] }, { sync: true });
    done();
  }

  /** A deal's record, for a batch of somebody else's over the same store. */
  noteGiven(given: GivenDeal): Note {
    const deal = { ...given, channel: plain(given) };
    const key = givenKey(deal.channel);
    return noteOf(this.givenByKey, key, deal, (name) => name, json(writeGiven(deal)));
  }

  noteTaken(deal: TakenDeal): Note {
    return noteOf(this.takenById, `${deal.id}`, deal, (name) => `${TAKEN}${name}`, json(writeTaken(deal)));
  }
}

function noteOf<Deal extends { readonly state: DealState }>(
  deals: Map<string, Deal>,
  key: string,
  deal: Deal,
  nameOf: (key: string) => string,
  bytes: Uint8Array,
): Note {
  const gone = forgotten(deals, key);
  return {
    records: [[nameOf(key), bytes], ...gone.map((one): [string, null] => [nameOf(one), null])],
    done() {
      for (const one of gone) deals.delete(one);
      deals.delete(key);
      deals.set(key, deal);
    },
  };
}

/** A copy: a transfer goes on changing what it gives out. Of one that has ended only what is told of it is kept. */
function plain({ channel, state }: GivenDeal): GivenChannel {
  const { peer, id, root, selector, voucher, links, sent, marks } = channel;
  const rest =
    state === "ongoing"
      ? { selector, voucher, marks: [...marks] }
      : { selector: NOTHING, voucher: { type: voucher.type, bytes: NOTHING }, marks: [] };
  return { peer, id, root, links, sent, state: channel.state, ...rest };
}

/** Which one makes room for one more. The map has those first that changed longest ago. */
function forgotten(deals: ReadonlyMap<string, { readonly state: DealState }>, key: string): string[] {
  if (deals.size < MAX_DEALS || deals.has(key)) return [];
  for (const [name, { state }] of deals) if (state !== "ongoing") return [name];
  return [...deals.keys()].slice(0, 1);
}

const byAge = (a: { readonly at: number }, b: { readonly at: number }): number => a.at - b.at;

type StoredTerms = { readonly [Name in keyof Terms]: Terms[Name] extends bigint ? string : number };
type StoredGiven = {
  readonly peer: string;
  readonly id: string;
  readonly root: string;
  readonly selector: string;
  readonly voucher: { readonly type: string; readonly bytes: string };
  readonly links: number;
  readonly sent: number;
  readonly marks: readonly Mark[];
  readonly channelState: GivenChannel["state"];
  readonly terms: StoredTerms;
  readonly received: string;
  readonly host?: string | null;
} & Pick<GivenDeal, "worthless" | "state" | "message" | "at">;
type StoredTaken = Omit<TakenDeal, "id" | "terms" | "paid" | "reserved" | "pending"> & {
  readonly id: string;
  readonly terms: StoredTerms;
  readonly paid: string;
  /** Records of before have neither. */
  readonly reserved?: string;
  readonly pending?: { readonly message: string; readonly amount: string } | null;
};

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

function writeTerms(terms: Terms): StoredTerms {
  return { ...terms, pricePerByte: `${terms.pricePerByte}`, unsealPrice: `${terms.unsealPrice}` };
}

function readTerms(stored: StoredTerms): Terms {
  return { ...stored, pricePerByte: BigInt(stored.pricePerByte), unsealPrice: BigInt(stored.unsealPrice) };
}

function writeGiven({ channel, terms, received, ...rest }: GivenDeal): StoredGiven {
  const { peer, id, root, selector, voucher, links, sent, marks } = channel;
  return {
    ...{ ...rest, peer, id: `${id}`, root: `${root}`, selector: toBase64(selector), links, sent, marks },
    voucher: { type: voucher.type, bytes: toBase64(voucher.bytes) },
    ...{ channelState: channel.state, terms: writeTerms(terms), received: `${received}` },
  };
}

function readGiven(stored: StoredGiven): GivenDeal {
  const { peer, id, root, selector, voucher, links, sent, marks, channelState, terms, received, host, ...rest } =
    stored;
  return {
    ...{ ...rest, host: host ?? null },
    channel: {
      ...{ peer, id: BigInt(id), root: parseCid(root), selector: fromBase64(selector), links, sent, marks },
      ...{ voucher: { type: voucher.type, bytes: fromBase64(voucher.bytes) }, state: channelState },
    },
    ...{ terms: readTerms(terms), received: BigInt(received) },
  };
}

function writeTaken({ id, terms, paid, reserved, pending, ...rest }: TakenDeal): StoredTaken {
  return {
    ...{ ...rest, id: `${id}`, terms: writeTerms(terms), paid: `${paid}`, reserved: `${reserved}` },
    pending: pending === null ? null : { message: pending.message, amount: `${pending.amount}` },
  };
}

function readTaken({ id, terms, paid, reserved = paid, pending = null, ...rest }: StoredTaken): TakenDeal {
  return {
    ...{ ...rest, id: BigInt(id), terms: readTerms(terms), paid: BigInt(paid), reserved: BigInt(reserved) },
    pending: pending === null ? null : { message: pending.message, amount: BigInt(pending.amount) },
  };
}
