/**
 * How Ethereum's interface spells values: quantities as "0x" and hexadecimal digits without leading zeros, bytes as "0x" and two digits
 * each. Source: Ethereum execution APIs (JSON-RPC specification).
 */
import { fromHex, toHex } from "../../base/bytes.ts";
import type { LogWish } from "../../chain/eth-logs.ts";
import { Address } from "../../types/address.ts";
import { type Codec, expected, nullable, within } from "../codec/codec.ts";

/** Bytes of input at the most: a message has no more. */
const MAX_DATA = 1 << 20;

export function quantity(bits = 256): Codec<bigint, string> {
  return {
    schema: { title: "Quantity", type: "string", pattern: "^0x(0|[1-9a-f][0-9a-f]*)$" },
    decode: (json, path) => {
      const isText = typeof json === "string" && /^0x[0-9a-fA-F]{1,64}$/.test(json);
      const value = isText
        ? BigInt(json)
        : typeof json === "number" && Number.isSafeInteger(json) && json >= 0
          ? BigInt(json)
          : null;
      return value !== null && value < 1n << BigInt(bits) ? value : expected(path, "quantity such as 0x1f", json);
    },
    encode: (value) => `0x${value.toString(16)}`,
  };
}

/** Bytes; exactly `size` of them, if that is given. */
export function data(size?: number): Codec<Uint8Array, string> {
  const digits = size === undefined ? "([0-9a-f]{2})*" : `[0-9a-f]{${2 * size}}`;
  return {
    schema: { title: "Data", type: "string", pattern: `^0x${digits}$` },
    decode: (json, path) => {
      const wanted =
        size === undefined ? "bytes such as 0x00ff" : `${size} bytes such as 0x${"00".repeat(Math.min(size, 4))}…`;
      // No group: of that the engine's stack bounds how often it may stand.
      if (typeof json !== "string" || !/^0x[0-9a-fA-F]*$/.test(json) || json.length % 2 !== 0)
        return expected(path, wanted, json);
      const bytes = fromHex(json.slice(2).toLowerCase());
      const fits = size === undefined ? bytes.length <= MAX_DATA : bytes.length === size;
      return fits ? bytes : expected(path, wanted, json);
    },
    encode: (value) => `0x${toHex(value)}`,
  };
}

export const hash = data(32);

/** 20 bytes; in programs an address of the chain. */
export const ethAddress: Codec<Address, string> = {
  schema: data(20).schema,
  decode: (json, path) => {
    const bytes = data(20).decode(json, path);
    // One that stands for an id may stand for one that there is not.
    return within(path, () => Address.fromEthereum(bytes));
  },
  encode: (value) => `0x${toHex(value.ethereum ?? new Uint8Array(20))}`,
};

const TAGS = ["latest", "earliest", "pending", "safe", "finalized"] as const;
export type BlockTag = (typeof TAGS)[number];
/** A block by name, epoch or hash. */
export type BlockRef = BlockTag | { readonly epoch: bigint } | { readonly hash: Uint8Array };

/** A block by name or epoch; where a hash may be given, also as `{ blockNumber }` or `{ blockHash }`. Default: the latest. */
export function blockRef(withHash = true): Codec<BlockRef, unknown> {
  const forms = withHash ? [{ type: "object" }] : [];
  return {
    schema: { title: "Block", anyOf: [{ enum: TAGS }, quantity(63).schema, ...forms] },
    nullable: true,
    decode: (json, path) => {
      if (json === undefined || json === null || json === "") return "latest";
      if (typeof json === "string" && (TAGS as readonly string[]).includes(json)) return json as BlockTag;
      if (withHash && typeof json === "string" && json.length === 66) return { hash: hash.decode(json, path) };
      if (withHash && typeof json === "object" && !Array.isArray(json)) {
        const { blockNumber, blockHash } = json as Record<string, unknown>;
        if (blockHash != null) return { hash: hash.decode(blockHash, `${path}.blockHash`) };
        return { epoch: quantity(63).decode(blockNumber, `${path}.blockNumber`) };
      }
      return { epoch: quantity(63).decode(json, path) };
    },
    encode: (value) => value,
  };
}

/** Logs of an answer at the most. Source: lotus node/config/def.go (MaxFilterResults). */
export const MAX_LOGS = 10_000;

/** Which logs are looked for, and where. */
export type LogFilter = LogWish & {
  readonly from: BlockRef;
  readonly to: BlockRef;
  /** 32 bytes of one block, in place of a range. */
  readonly block: Uint8Array | null;
};

/** What is called: absent fields are nothing. */
export type CallRequest = {
  readonly from: Address | null;
  readonly to: Address | null;
  readonly gas: bigint | null;
  readonly value: bigint;
  readonly input: Uint8Array;
};

const maybe = { address: nullable(ethAddress), quantity: nullable(quantity()), data: nullable(data()) };

/** Fees are not looked at: calls cost nothing. */
export const callRequest: Codec<CallRequest, unknown> = {
  schema: {
    title: "Call",
    type: "object",
    properties: {
      ...{ from: ethAddress.schema, to: ethAddress.schema, gas: quantity(63).schema, value: quantity().schema },
      ...{ input: data().schema, data: data().schema },
    },
  },
  decode: (json, path) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return expected(path, "Call", json);
    const given = json as Record<string, unknown>;
    const input = given["input"] ?? given["data"];
    return {
      from: maybe.address.decode(given["from"] ?? null, `${path}.from`),
      to: maybe.address.decode(given["to"] ?? null, `${path}.to`),
      gas: nullable(quantity(63)).decode(given["gas"] ?? null, `${path}.gas`),
      value: maybe.quantity.decode(given["value"] ?? null, `${path}.value`) ?? 0n,
      input: maybe.data.decode(input ?? null, `${path}.input`) ?? new Uint8Array(0),
    };
  },
  encode: (value) => value,
};
