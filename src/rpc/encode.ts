/** Spelling of results: long lists in slices, so that others are served meanwhile. */
import type { NetworkPrefix } from "../types/address.ts";
import type { Codec } from "./codec/codec.ts";
import { breathe } from "./limits.ts";

/** Elements of a list that are spelt before others have a turn. */
const SLICE = 128;

export async function encodeResult(
  codec: Codec<unknown>,
  value: unknown,
  prefix: NetworkPrefix,
  signal: AbortSignal,
): Promise<unknown> {
  if (!Array.isArray(value) || value.length <= SLICE) return codec.encode(value, prefix);
  const out: unknown[] = [];
  for (let at = 0; at < value.length; at += SLICE) {
    if (at > 0) await breathe(signal);
    const part = codec.encode(value.slice(at, at + SLICE), prefix);
    // Codecs whose JSON is no list have nothing to be sliced.
    if (!Array.isArray(part)) return codec.encode(value, prefix);
    out.push(...part);
  }
  return out;
}
