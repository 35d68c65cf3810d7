/**
 * A file of the conformance corpus: parsed, checked, and its state unpacked.
 * Format: filecoin-project/test-vectors, schema; see docs/conformance.md.
 */
import { fromBase64, toBase64 } from "../base/bytes.ts";
import { describeValue, FilError } from "../base/errors.ts";
import { readCar } from "../storage/car.ts";
import { MemoryStore } from "../storage/memory.ts";
import { Address } from "../types/address.ts";
import { type CID, parseCid } from "../types/cid.ts";
import { gunzip } from "./inflate.ts";

export type VectorErrorData =
  /** It says that it is a vector, and is a bad one. */
  | { readonly code: "BAD_VECTOR" }
  /** It is JSON, but no vector, or one of a class that is not understood. */
  | { readonly code: "NO_VECTOR" };
/** A file that cannot be run as a vector. */
export class VectorError extends FilError<VectorErrorData> {}

export type Variant = { readonly id: string; readonly epoch: number; readonly networkVersion: number };

export type VectorMessage = { readonly bytes: Uint8Array; readonly epochOffset: number };

export type VectorBlock = {
  readonly miner: Address;
  readonly winCount: bigint;
  readonly messages: readonly Uint8Array[];
};

export type VectorTipset = {
  readonly epochOffset: number;
  readonly baseFee: bigint;
  readonly blocks: readonly VectorBlock[];
};

export type ExpectedReceipt = { readonly exitCode: number; readonly return: Uint8Array; readonly gasUsed: number };

export type Vector = {
  readonly kind: "message" | "tipset";
  readonly id: string;
  readonly needsChaos: boolean;
  readonly variants: readonly Variant[];
  readonly preRoot: CID;
  readonly postRoot: CID;
  readonly baseFee: bigint;
  readonly circulatingSupply: bigint;
  readonly randomness: readonly {
    readonly kind: "chain" | "beacon";
    readonly epoch: number;
    readonly ret: Uint8Array;
  }[];
  readonly messages: readonly VectorMessage[];
  readonly tipsets: readonly VectorTipset[];
  readonly receipts: readonly ExpectedReceipt[];
  readonly receiptsRoots: readonly CID[];
  /** Gzipped trace of the reference, if the file has one. */
  readonly diagnostics: Uint8Array | null;
  readonly car: Uint8Array;
};

const DEFAULT_BASE_FEE = 100n;
/** attoFIL */
const DEFAULT_SUPPLY = 2_000_000_000n * 10n ** 18n;
/** Most bytes of an unpacked state. */
const MAX_CAR_BYTES = 256 << 20;

function bad(why: string): never {
  throw new VectorError({ code: "BAD_VECTOR" }, `not a conformance vector: ${why}`);
}

type Fields = Record<string, unknown>;

function object(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return bad(`${name} is no object`);
  return value as Fields;
}

function list(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as unknown[]) : bad(`${name} is no list`);
}

function integer(value: unknown, name: string): number {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : bad(`${name} is no integer`);
}

function bytes(value: unknown, name: string): Uint8Array {
  if (value === null || value === undefined) return new Uint8Array(0);
  return typeof value === "string" ? fromBase64(value) : bad(`${name} is no base64 text`);
}

function amount(value: unknown, otherwise: bigint, name: string): bigint {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === "string" && /^\d{1,60}$/.test(value)) return BigInt(value);
  return BigInt(integer(value, name));
}

function link(value: unknown, name: string): CID {
  const text = object(value, name)["/"];
  return typeof text === "string" ? parseCid(text) : bad(`${name} is no link`);
}

/** Parses the text of a vector file. Throws `VectorError`. */
export function parseVector(text: string): Vector {
  // Amounts exceed what JSON numbers hold: they become texts first.
  const quoted = text.replace(/("(?:basefee|circ_supply)"\s*:\s*)(\d+)/g, '$1"$2"');
  let json: unknown;
  try {
    json = JSON.parse(quoted);
  } catch (cause) {
    throw new VectorError({ code: "BAD_VECTOR" }, "not a conformance vector: not JSON", { cause });
  }
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
  if (!isObject) throw new VectorError({ code: "NO_VECTOR" }, "no conformance vector: not an object");
  const file = json as Fields;
  const kind = file["class"];
  if (kind !== "message" && kind !== "tipset") {
    const why = kind === undefined ? "it names no class" : `class ${describeValue(kind)} is neither message nor tipset`;
    throw new VectorError({ code: "NO_VECTOR" }, `no conformance vector: ${why}`);
  }
  const pre = object(file["preconditions"], "preconditions");
  const post = object(file["postconditions"], "postconditions");
  const selector = file["selector"] === undefined ? {} : object(file["selector"] ?? {}, "selector");
  const meta = file["_meta"] === undefined ? {} : object(file["_meta"], "_meta");
  return {
    kind,
    id: typeof meta["id"] === "string" ? meta["id"] : "",
    needsChaos: selector["chaos_actor"] === "true",
    variants: list(pre["variants"], "variants").map(variant),
    preRoot: link(object(pre["state_tree"], "state_tree")["root_cid"], "pre root"),
    postRoot: link(object(post["state_tree"], "state_tree")["root_cid"], "post root"),
    baseFee: amount(pre["basefee"], DEFAULT_BASE_FEE, "basefee"),
    circulatingSupply: amount(pre["circ_supply"], DEFAULT_SUPPLY, "circ_supply"),
    randomness: list(file["randomness"], "randomness").map(randomnessEntry),
    messages: list(file["apply_messages"], "apply_messages").map(message),
    tipsets: list(file["apply_tipsets"], "apply_tipsets").map(tipset),
    receipts: list(post["receipts"], "receipts").map(receipt),
    receiptsRoots: list(post["receipts_roots"], "receipts_roots").map((root) => link(root, "receipts root")),
    diagnostics: diagnostics(file["diagnostics"]),
    car: bytes(file["car"], "car"),
  };
}

function variant(value: unknown): Variant {
  const v = object(value, "variant");
  return { id: String(v["id"]), epoch: integer(v["epoch"], "epoch"), networkVersion: integer(v["nv"], "nv") };
}

function randomnessEntry(value: unknown): Vector["randomness"][number] {
  const entry = object(value, "randomness");
  const [kind, epoch] = list(entry["on"], "on");
  if (kind !== "chain" && kind !== "beacon") return bad("randomness is neither of the chain nor of the beacon");
  return { kind, epoch: integer(epoch, "epoch"), ret: bytes(entry["ret"], "ret") };
}

function message(value: unknown): VectorMessage {
  const m = object(value, "message");
  return { bytes: bytes(m["bytes"], "bytes"), epochOffset: integer(m["epoch_offset"] ?? 0, "epoch_offset") };
}

function tipset(value: unknown): VectorTipset {
  const t = object(value, "tipset");
  const blocks = list(t["blocks"], "blocks").map((each): VectorBlock => {
    const b = object(each, "block");
    return {
      miner: Address.parse(String(b["miner_addr"])),
      winCount: BigInt(integer(b["win_count"], "win_count")),
      messages: list(b["messages"], "messages").map((m) => bytes(m, "message")),
    };
  });
  const epochOffset = integer(t["epoch_offset"], "epoch_offset");
  return { epochOffset, baseFee: amount(t["basefee"], DEFAULT_BASE_FEE, "basefee"), blocks };
}

function receipt(value: unknown): ExpectedReceipt {
  const r = object(value, "receipt");
  return {
    exitCode: integer(r["exit_code"], "exit_code"),
    return: bytes(r["return"], "return"),
    gasUsed: integer(r["gas_used"], "gas_used"),
  };
}

function diagnostics(value: unknown): Uint8Array | null {
  if (value === undefined || value === null) return null;
  const data = object(value, "diagnostics")["data"];
  if (typeof data !== "string" || data === "") return null;
  // Base64 of a base64 text.
  return fromBase64(new TextDecoder().decode(fromBase64(data)));
}

/** The blocks of a vector, in a store of their own. */
export async function loadState(vector: Vector): Promise<MemoryStore> {
  const store = new MemoryStore();
  store.writeNow({ blocks: readCar(await gunzip(vector.car, MAX_CAR_BYTES)).blocks });
  return store;
}

/** One line for people about a returned byte string. */
export function shown(value: Uint8Array): string {
  return value.length === 0 ? "(nothing)" : toBase64(value);
}
