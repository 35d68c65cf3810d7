/**
 * What a node knows of its payment channels, kept in its store: channels, vouchers, and messages under way.
 *
 * Every change is one batch that is on the disk before it is seen or acted upon. Records lie under `paych/`:
 * `channel/<id>`, `voucher/<id>/<number>` in the order in which they came, `message/<cid>`.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from "../../base/bytes.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import { parseVoucherText, type SignedVoucher, voucherText } from "../../types/voucher.ts";

export type Direction = "inbound" | "outbound";

export type Channel = {
  /** Names the record; never changes. */
  readonly id: string;
  /** Null until it is made on chain. */
  readonly address: Address | null;
  /** Key addresses of the payer and of the payee. */
  readonly from: Address;
  readonly to: Address;
  /** "outbound": this node pays. */
  readonly direction: Direction;
  readonly nextLane: bigint;
  /** attoFIL that this node has put in; what of it nobody has reserved; and the same of the message under way. */
  readonly amount: bigint;
  readonly available: bigint;
  readonly pending: bigint;
  readonly pendingAvailable: bigint;
  /** CIDs of the message that makes the channel, or adds to it, while it is under way. */
  readonly createMessage: string | null;
  readonly fundMessage: string | null;
  readonly settling: boolean;
};

export type KeptVoucher = {
  readonly number: number;
  readonly voucher: SignedVoucher;
  /** What opens its lock, if anybody told. */
  readonly secret: Uint8Array | null;
  /** CID of the message that submitted it, or one that replaces it. */
  readonly submitted: string | null;
};

export type Errand = "create" | "fund" | "submit" | "settle" | "collect";
export type KeptMessage = {
  readonly cid: string;
  readonly channel: string;
  readonly errand: Errand;
  /** The signed message: it is sent again if the process ended before the pool had it. */
  readonly bytes: Uint8Array;
  readonly state: "sent" | "done" | "failed";
  readonly error: string;
};

/** A change of the book. */
export type Change = {
  readonly channel?: Channel;
  readonly removedChannel?: string;
  /** Vouchers of `channel`. */
  readonly vouchers?: readonly KeptVoucher[];
  readonly message?: KeptMessage;
  readonly removedMessage?: string;
  /** Of who uses the channels, in the same batch. */
  readonly notes?: readonly Note[];
};

/** A record of the store's, by its name; null removes it. */
export type MetadataEntry = readonly [name: string, value: Uint8Array | null];

/** What somebody notes in the batch of a change: its records, and what is done once they are on the disk. */
export type Note = { readonly records: readonly MetadataEntry[]; done(): void };

const PREFIX = "paych/";
const channelKey = (id: string): string => `${PREFIX}channel/${id}`;
const voucherKey = (id: string, number: number): string =>
  `${PREFIX}voucher/${id}/${number.toString(16).padStart(8, "0")}`;
const messageKey = (cid: string): string => `${PREFIX}message/${cid}`;

export class PaychBook {
  private readonly blocks: BlockStore;
  private readonly channelsById = new Map<string, Channel>();
  private readonly vouchersById = new Map<string, KeptVoucher[]>();
  private readonly messagesByCid = new Map<string, KeptMessage>();

  private constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  static async open(blocks: BlockStore): Promise<PaychBook> {
    const book = new PaychBook(blocks);
    for (const [name, value] of await blocks.metadataWith(PREFIX)) {
      const json: unknown = JSON.parse(fromUtf8(value));
      const [, kind, key = "", number = ""] = name.split("/");
      if (kind === "channel") book.channelsById.set(key, readChannel(key, json as StoredChannel));
      else if (kind === "message") book.messagesByCid.set(key, readMessage(key, json as StoredMessage));
      else book.vouchersOf(key).push(readVoucher(Number.parseInt(number, 16), json as StoredVoucher));
    }
    return book;
  }

  channels(): readonly Channel[] {
    return [...this.channelsById.values()];
  }

  channel(id: string): Channel | undefined {
    return this.channelsById.get(id);
  }

  /** Vouchers of a channel in the order in which they came. */
  vouchers(id: string): readonly KeptVoucher[] {
    return this.vouchersById.get(id) ?? [];
  }

  messages(): readonly KeptMessage[] {
    return [...this.messagesByCid.values()];
  }

  message(cid: string): KeptMessage | undefined {
    return this.messagesByCid.get(cid);
  }

  /** Makes a change; it is on the disk when this resolves, and seen from then on. */
  async write(change: Change): Promise<void> {
    const { channel, vouchers = [], message, notes = [] } = change;
    const metadata: [string, Uint8Array | null][] = notes.flatMap(({ records }) =>
      records.map(([name, value]): [string, Uint8Array | null] => [name, value]),
    );
    const put = (key: string, json: unknown): void => void metadata.push([key, utf8(JSON.stringify(json))]);
    if (change.removedChannel !== undefined) metadata.push([channelKey(change.removedChannel), null]);
    if (change.removedMessage !== undefined) metadata.push([messageKey(change.removedMessage), null]);
    if (channel !== undefined) {
      put(channelKey(channel.id), writeChannel(channel));
      for (const one of vouchers) put(voucherKey(channel.id, one.number), writeVoucher(one));
    }
    if (message !== undefined) put(messageKey(message.cid), writeMessage(message));
    await this.blocks.write({ metadata }, { sync: true });
    for (const note of notes) note.done();
    if (change.removedChannel !== undefined) this.channelsById.delete(change.removedChannel);
    if (change.removedMessage !== undefined) this.messagesByCid.delete(change.removedMessage);
    if (message !== undefined) this.messagesByCid.set(message.cid, message);
    if (channel === undefined) return;
    this.channelsById.set(channel.id, channel);
    const kept = this.vouchersOf(channel.id);
    for (const one of vouchers) kept[one.number] = one;
  }

  private vouchersOf(id: string): KeptVoucher[] {
    const kept = this.vouchersById.get(id) ?? [];
    this.vouchersById.set(id, kept);
    return kept;
  }
}

type StoredChannel = Record<
  "from" | "to" | "nextLane" | "amount" | "available" | "pending" | "pendingAvailable",
  string
> & {
  readonly address: string | null;
  readonly direction: Direction;
  readonly createMessage: string | null;
  readonly fundMessage: string | null;
  readonly settling: boolean;
};
type StoredVoucher = { readonly voucher: string; readonly secret: string | null; readonly submitted: string | null };
type StoredMessage = Omit<KeptMessage, "cid" | "bytes"> & { readonly bytes: string };

function writeChannel({ id: _, ...channel }: Channel): StoredChannel {
  const { address, from, to, nextLane, amount, available, pending, pendingAvailable, ...plain } = channel;
  return {
    ...plain,
    address: address === null ? null : `${address}`,
    ...{ from: `${from}`, to: `${to}`, nextLane: `${nextLane}`, amount: `${amount}`, available: `${available}` },
    ...{ pending: `${pending}`, pendingAvailable: `${pendingAvailable}` },
  };
}

function readChannel(id: string, stored: StoredChannel): Channel {
  const { address, from, to, nextLane, amount, available, pending, pendingAvailable, ...plain } = stored;
  return {
    ...{ ...plain, id, from: Address.parse(from), to: Address.parse(to) },
    address: address === null ? null : Address.parse(address),
    ...{ nextLane: BigInt(nextLane), amount: BigInt(amount), available: BigInt(available) },
    ...{ pending: BigInt(pending), pendingAvailable: BigInt(pendingAvailable) },
  };
}

function writeVoucher({ voucher, secret, submitted }: KeptVoucher): StoredVoucher {
  return { voucher: voucherText(voucher), secret: secret === null ? null : toBase64(secret), submitted };
}

function readVoucher(number: number, { voucher, secret, submitted }: StoredVoucher): KeptVoucher {
  const opens = secret === null ? null : fromBase64(secret);
  return { number, voucher: parseVoucherText(voucher), secret: opens, submitted };
}

function writeMessage({ cid: _, bytes, ...message }: KeptMessage): StoredMessage {
  return { ...message, bytes: toBase64(bytes) };
}

function readMessage(cid: string, { bytes, ...message }: StoredMessage): KeptMessage {
  return { ...message, cid, bytes: fromBase64(bytes) };
}
