/**
 * Messages of the retrieval market: queries, the vouchers of a deal that data transfer carries, and what transports a node
 * serves. Source: go-fil-markets v1.28.3, retrievalmarket/types.go and types.ipldsch; names of statuses: dealstatus.go.
 */
import { equal } from "../../base/bytes.ts";
import { CBOR_NULL, CborReader } from "../../network/wire/cbor.ts";
import { listOf, readCid } from "../../network/wire/common.ts";
import { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { decodeVoucher, encodeVoucher, type SignedVoucher } from "../../types/voucher.ts";
import { TRANSFER_LIMITS, type TypedVoucher } from "../transfer/message.ts";
import {
  badFrame,
  cborAmount,
  cborBytes,
  cborLink,
  cborMap,
  cborText,
  cborUnsigned,
  orNull,
  readAmount,
  readLink,
  readMap,
} from "../wire/cbor-map.ts";

export const QUERY_PROTOCOL = "/fil/retrieval/qry/1.0.0";
export const TRANSPORTS_PROTOCOL = "/fil/retrieval/transports/1.0.0";
export const VOUCHER_TYPE = {
  proposal: "RetrievalDealProposal/1",
  response: "RetrievalDealResponse/1",
  payment: "RetrievalDealPayment/1",
} as const;

/** Those of the 35 statuses of a deal that a provider says to a client. */
export const DEAL_STATUS = {
  new: 0,
  accepted: 6,
  fundsNeededUnseal: 7,
  rejected: 9,
  fundsNeeded: 10,
  ongoing: 13,
  fundsNeededLastPayment: 14,
  completed: 15,
  notFound: 16,
  errored: 17,
} as const;

/** Bytes of a query and its answer, of a list of transports, and of a message for people. */
export const MAX_QUERY = 4096;
export const MAX_TRANSPORTS = 64 << 10;
const MAX_TEXT = 2048;
const MAX_ADDRESS = 64;

export type Query = { readonly payload: CID; readonly piece: CID | null };

export type QueryResponse = {
  readonly status: "available" | "unavailable" | "error";
  readonly pieceFound: "available" | "unavailable" | "unknown";
  /** bytes */
  readonly size: number;
  readonly paymentAddress: Address | null;
  /** attoFIL */
  readonly pricePerByte: bigint;
  readonly unsealPrice: bigint;
  /** bytes */
  readonly paymentInterval: number;
  readonly paymentIntervalIncrease: number;
  readonly message: string;
};

/** Price and pace of a deal. Amounts in attoFIL, intervals in bytes. */
export type Terms = {
  readonly pricePerByte: bigint;
  readonly paymentInterval: number;
  readonly paymentIntervalIncrease: number;
  readonly unsealPrice: bigint;
};

export type Proposal = {
  readonly payload: CID;
  readonly id: bigint;
  /** CBOR; null: the whole DAG. */
  readonly selector: Uint8Array | null;
  readonly piece: CID | null;
  readonly terms: Terms;
};

export type DealResponse = {
  readonly status: number;
  readonly id: bigint;
  /** attoFIL */
  readonly owed: bigint;
  readonly message: string;
};

export type Payment = { readonly id: bigint; readonly channel: Address; readonly voucher: SignedVoucher };

const STATUSES = ["available", "unavailable", "error"] as const;
const ITEM_STATUSES = ["available", "unavailable", "unknown"] as const;

type Builder<Value> = { -readonly [Name in keyof Value]?: Value[Name] };

export function encodeQuery({ payload, piece }: Query): Uint8Array {
  return cborMap({ PayloadCID: cborLink(payload), QueryParams: cborMap({ PieceCID: cborLink(piece) }) });
}

/** All decoders throw `WireError` that names the field. */
export function decodeQuery(bytes: Uint8Array): Query {
  const found: Builder<Query> = {};
  whole(bytes, "query", (reader, what) =>
    readMap(reader, what, {
      PayloadCID: (from, name) => {
        found.payload = readLink(from, name);
      },
      QueryParams: (from, name) =>
        void readMap(from, name, {
          PieceCID: (inner, field) => {
            found.piece = orNull(readCid)(inner, field);
          },
        }),
    }),
  );
  return found as Query;
}

export function encodeQueryResponse(response: QueryResponse): Uint8Array {
  const { paymentAddress } = response;
  return cborMap({
    Status: cborUnsigned(STATUSES.indexOf(response.status)),
    PieceCIDFound: cborUnsigned(ITEM_STATUSES.indexOf(response.pieceFound)),
    Size: cborUnsigned(response.size),
    PaymentAddress: cborBytes(paymentAddress?.bytes ?? new Uint8Array(0)),
    MinPricePerByte: cborAmount(response.pricePerByte),
    MaxPaymentInterval: cborUnsigned(response.paymentInterval),
    MaxPaymentIntervalIncrease: cborUnsigned(response.paymentIntervalIncrease),
    Message: cborText(response.message),
    UnsealPrice: cborAmount(response.unsealPrice),
  });
}

export function decodeQueryResponse(bytes: Uint8Array): QueryResponse {
  const found: Builder<QueryResponse> = {};
  whole(bytes, "answer", (reader, what) =>
    readMap(reader, what, {
      Status: (from, name) => {
        found.status = STATUSES[from.unsigned(name)] ?? badFrame(`${name}: no such status`);
      },
      PieceCIDFound: (from, name) => {
        found.pieceFound = ITEM_STATUSES[from.unsigned(name)] ?? badFrame(`${name}: no such status`);
      },
      Size: (from, name) => {
        found.size = from.unsigned(name);
      },
      PaymentAddress: (from, name) => {
        const address = from.byteString(MAX_ADDRESS, name);
        found.paymentAddress = address.length === 0 ? null : Address.fromBytes(new Uint8Array(address));
      },
      MinPricePerByte: (from, name) => {
        found.pricePerByte = readAmount(from, name);
      },
      MaxPaymentInterval: (from, name) => {
        found.paymentInterval = from.unsigned(name);
      },
      MaxPaymentIntervalIncrease: (from, name) => {
        found.paymentIntervalIncrease = from.unsigned(name);
      },
      Message: (from, name) => {
        found.message = from.text(MAX_TEXT, name);
      },
      UnsealPrice: (from, name) => {
        found.unsealPrice = readAmount(from, name);
      },
    }),
  );
  return found as QueryResponse;
}

export function proposalVoucher({ payload, id, selector, piece, terms }: Proposal): TypedVoucher {
  const params = cborMap({
    Selector: selector ?? CBOR_NULL,
    PieceCID: cborLink(piece),
    PricePerByte: cborAmount(terms.pricePerByte),
    PaymentInterval: cborUnsigned(terms.paymentInterval),
    PaymentIntervalIncrease: cborUnsigned(terms.paymentIntervalIncrease),
    UnsealPrice: cborAmount(terms.unsealPrice),
  });
  const bytes = cborMap({ PayloadCID: cborLink(payload), ID: cborUnsigned(id), Params: params });
  return { type: VOUCHER_TYPE.proposal, bytes };
}

export function readProposal(voucher: TypedVoucher): Proposal {
  const found: Builder<Proposal> = {};
  const terms: Builder<Terms> = {};
  whole(typed(voucher, VOUCHER_TYPE.proposal), "proposal", (reader, what) =>
    readMap(reader, what, {
      PayloadCID: (from, name) => {
        found.payload = readLink(from, name);
      },
      ID: (from, name) => {
        found.id = from.unsignedBig(name);
      },
      Params: (from, name) =>
        void readMap(from, name, {
          Selector: (inner, field) => {
            const item = inner.item(field, TRANSFER_LIMITS.depth);
            found.selector = equal(item, CBOR_NULL) ? null : new Uint8Array(item);
          },
          PieceCID: (inner, field) => {
            found.piece = orNull(readCid)(inner, field);
          },
          PricePerByte: (inner, field) => {
            terms.pricePerByte = readAmount(inner, field);
          },
          PaymentInterval: (inner, field) => {
            terms.paymentInterval = inner.unsigned(field);
          },
          PaymentIntervalIncrease: (inner, field) => {
            terms.paymentIntervalIncrease = inner.unsigned(field);
          },
          UnsealPrice: (inner, field) => {
            terms.unsealPrice = readAmount(inner, field);
          },
        }),
    }),
  );
  return { ...(found as Proposal), terms: terms as Terms };
}

export function responseVoucher({ status, id, owed, message }: DealResponse): TypedVoucher {
  const fields = { Status: cborUnsigned(status), ID: cborUnsigned(id) };
  const bytes = cborMap({ ...fields, PaymentOwed: cborAmount(owed), Message: cborText(message) });
  return { type: VOUCHER_TYPE.response, bytes };
}

export function readResponse(voucher: TypedVoucher): DealResponse {
  const found: Builder<DealResponse> = {};
  whole(typed(voucher, VOUCHER_TYPE.response), "response", (reader, what) =>
    readMap(reader, what, {
      Status: (from, name) => {
        found.status = from.unsigned(name);
      },
      ID: (from, name) => {
        found.id = from.unsignedBig(name);
      },
      PaymentOwed: (from, name) => {
        found.owed = readAmount(from, name);
      },
      Message: (from, name) => {
        found.message = from.text(MAX_TEXT, name);
      },
    }),
  );
  return found as DealResponse;
}

export function paymentVoucher({ id, channel, voucher }: Payment): TypedVoucher {
  const fields = { ID: cborUnsigned(id), PaymentChannel: cborBytes(channel.bytes) };
  return { type: VOUCHER_TYPE.payment, bytes: cborMap({ ...fields, PaymentVoucher: encodeVoucher(voucher) }) };
}

/** Also throws `VoucherError` for a voucher that is none. */
export function readPayment(voucher: TypedVoucher): Payment {
  const found: Builder<Payment> = {};
  whole(typed(voucher, VOUCHER_TYPE.payment), "payment", (reader, what) =>
    readMap(reader, what, {
      ID: (from, name) => {
        found.id = from.unsignedBig(name);
      },
      PaymentChannel: (from, name) => {
        found.channel = Address.fromBytes(new Uint8Array(from.byteString(MAX_ADDRESS, name)));
      },
      PaymentVoucher: (from, name) => {
        found.voucher = decodeVoucher(new Uint8Array(from.item(name)));
      },
    }),
  );
  return found as Payment;
}

/** A way to fetch: its name ("http", "libp2p", "bitswap") and where, as binary multiaddrs. */
export type Transport = { readonly name: string; readonly addresses: readonly Uint8Array[] };

export function encodeTransports(transports: readonly Transport[]): Uint8Array {
  const list = transports.map(({ name, addresses }) =>
    cborMap({ Name: cborText(name), Addresses: listOf(addresses.map(cborBytes)) }),
  );
  return cborMap({ Protocols: listOf(list) });
}

export function decodeTransports(bytes: Uint8Array): readonly Transport[] {
  const found: Transport[] = [];
  whole(bytes, "transports", (reader, what) =>
    readMap(reader, what, {
      Protocols: (from, name) => {
        for (let left = from.array(64, name); left > 0; left--) {
          const one: Builder<Transport> = {};
          readMap(from, name, {
            Name: (inner, field) => {
              one.name = inner.text(64, field);
            },
            Addresses: (inner, field) => {
              const count = inner.array(64, field);
              one.addresses = Array.from({ length: count }, () => new Uint8Array(inner.byteString(1024, field)));
            },
          });
          found.push(one as Transport);
        }
      },
    }),
  );
  return found;
}

function typed({ type, bytes }: TypedVoucher, wanted: string): Uint8Array {
  return type === wanted ? bytes : badFrame(`a voucher "${type.slice(0, 64)}" where "${wanted}" is expected`);
}

function whole(bytes: Uint8Array, what: string, read: (reader: CborReader, what: string) => void): void {
  const reader = new CborReader(bytes);
  read(reader, what);
  reader.end(what);
}
