/** Reading `test/fixtures/proofs` and making its inputs again; the formats stand in its README. */

/** The files by path; read when asked for, by the bundler that also runs these tests in a browser. */
const files = import.meta.glob<unknown>("../../fixtures/proofs/*.json", { import: "default" });

/** A fixture, parsed. */
export async function fixture<T>(name: string): Promise<T> {
  const read = files[`../../fixtures/proofs/${name}`];
  if (read === undefined) throw new Error(`no fixture ${name}`);
  return (await read()) as T;
}

/** `prng(seed, n)` of the fixtures: xorshift32, four little-endian bytes a step. */
export function prng(seed: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let x = seed >>> 0;
  for (let i = 0; i < length; i += 4) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    for (let k = 0; k < 4 && i + k < length; k++) out[i + k] = x >>> (8 * k);
  }
  return out;
}

/** `prngFr(seed)`: 32 bytes below 2^254. */
export function prngFr(seed: number): Uint8Array {
  const out = prng(seed, 32);
  out[31] = (out[31] as number) & 0x3f;
  return out;
}
