/** Reading of the parameters of RPC calls; each violation names the parameter. */
import { fromBase64 } from "../base/bytes.ts";
import { Address } from "../types/address.ts";
import { type CID, parseCid } from "../types/cid.ts";
import type { Params } from "./dispatcher.ts";
import { badParams } from "./errors.ts";

/** Tipset keys of more CIDs than this are refused. */
const MAX_KEY = 100;

export function addressAt(params: Params, at: number, name: string): Address {
  const value = params[at];
  if (typeof value !== "string" || value === "") return badParams(`${name}: address expected`);
  try {
    return Address.parse(value);
  } catch (error) {
    return badParams(`${name}: ${(error as Error).message}`);
  }
}

export function cidFrom(value: unknown, name: string): CID {
  const text = typeof value === "object" && value !== null ? (value as Record<string, unknown>)["/"] : undefined;
  if (typeof text !== "string") return badParams(`${name}: {"/": "<CID>"} expected`);
  try {
    return parseCid(text);
  } catch (error) {
    return badParams(`${name}: ${(error as Error).message}`);
  }
}

export function cidAt(params: Params, at: number, name: string): CID {
  return cidFrom(params[at], name);
}

/** A tipset key: a list of CIDs; null or empty means the head. */
export function keyAt(params: Params, at: number): readonly CID[] {
  const value = params[at] ?? [];
  if (!Array.isArray(value)) return badParams("tipset key: list of CIDs expected");
  if (value.length > MAX_KEY) return badParams(`tipset key of ${value.length} CIDs`);
  return value.map((item) => cidFrom(item, "tipset key"));
}

export function integerAt(params: Params, at: number, name: string, fallback?: bigint): bigint {
  const value = params[at] ?? fallback;
  if (typeof value === "bigint") return value;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return badParams(`${name}: integer expected`);
  return BigInt(value);
}

/** An epoch, or a count of epochs. */
export function epochAt(params: Params, at: number, name: string, fallback?: number): number {
  const value = params[at] ?? fallback;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : badParams(`${name}: integer expected`);
}

export function textAt(params: Params, at: number, name: string): string {
  const value = params[at];
  return typeof value === "string" ? value : badParams(`${name}: text expected`);
}

export function booleanAt(params: Params, at: number, fallback: boolean): boolean {
  const value = params[at] ?? fallback;
  return typeof value === "boolean" ? value : badParams(`parameter ${at + 1}: boolean expected`);
}

export function bytesAt(params: Params, at: number, name: string): Uint8Array {
  const value = params[at] ?? "";
  if (typeof value !== "string") return badParams(`${name}: base64 text expected`);
  try {
    return fromBase64(value);
  } catch {
    return badParams(`${name}: base64 text expected`);
  }
}
