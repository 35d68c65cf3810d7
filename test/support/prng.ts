/** The generator that the inputs of `test/fixtures/proofs` are made with; see its README. */

const CHUNK_BYTES = 1 << 20;

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

/** The bytes of `prng(seed, length)` in chunks of 1 MiB, for data that should not be in memory whole. */
export function* prngChunks(seed: number, length: number): Generator<Uint8Array> {
  let x = seed >>> 0;
  for (let done = 0; done < length; done += CHUNK_BYTES) {
    const words = new Uint32Array(CHUNK_BYTES / 4);
    for (let i = 0; i < words.length; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      words[i] = x;
    }
    yield new Uint8Array(words.buffer, 0, Math.min(CHUNK_BYTES, length - done));
  }
}
