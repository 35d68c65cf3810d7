/** Parsers of option values that several commands take. */
import { InvalidArgumentError } from "commander";
import { fromHex } from "../base/bytes.ts";
import { DEVNET_BOUNDS } from "../node/devnet-bounds.ts";
import { MAX_WORKERS } from "../platform/platform.ts";

export function parseWorkers(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_WORKERS) return count;
  throw new InvalidArgumentError(`Give a number from 1 to ${MAX_WORKERS}.`);
}

/** A number of MiB. */
export function parseMebibytes(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 2 ** 20) return count;
  throw new InvalidArgumentError("Give MiB, from 1 to 1048576.");
}

/** 32 bytes in hexadecimal. */
export function parseHex32(text: string): Uint8Array {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return fromHex(text.toLowerCase());
  throw new InvalidArgumentError("Give 32 bytes as 64 hexadecimal digits.");
}

/** A miner as its actor id, or its ID address. */
export function parseActorId(text: string): bigint {
  const digits = /^(?:[ft]0)?(\d{1,20})$/.exec(text)?.[1];
  if (digits !== undefined && BigInt(digits) < 1n << 63n) return BigInt(digits);
  throw new InvalidArgumentError("Give an actor id or ID address, such as 1000 or t01000.");
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("Give a whole number, 0 or more.");
}

/** Folder of the local network unless another is named. */
export const DEFAULT_DATA = ".filigree/devnet";
/** Folder of a miner that is a process of its own. */
export const DEFAULT_MINER_DATA = ".filigree/miner";
/** FIL that the owner gives the key of a new miner. */
export const DEFAULT_MINER_FUNDS = "10";

/** Collects the values of a repeatable option. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** Collects multiaddrs, as far as their form tells: a host, and a port of TCP on it. */
export function collectMultiaddr(text: string, before: readonly string[]): readonly string[] {
  if (/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(\/|$)/.test(text)) return [...before, text];
  throw new InvalidArgumentError("Give a multiaddr, such as /ip4/127.0.0.1/tcp/4001.");
}

export const [MIN_RETENTION] = DEVNET_BOUNDS.retention;

/** How many epochs' states a node keeps. */
export function parseRetention(text: string): number | "archive" {
  return text === "archive" ? text : wholeNumberOr("archive", ...DEVNET_BOUNDS.retention)(text);
}

/** What a parser of whole numbers refuses, with the word that is taken besides. */
export function wholeNumberOr(word: string, low: number, high: number) {
  return (text: string): number => {
    try {
      return wholeNumber(low, high)(text);
    } catch {
      throw new InvalidArgumentError(`${word}, or a whole number from ${low} to ${high} is needed.`);
    }
  };
}

/** A parser of whole numbers from `low` to `high`. */
export function wholeNumber(low: number, high: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`a whole number from ${low} to ${high} is needed.`);
    return value;
  };
}
