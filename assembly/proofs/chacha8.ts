/**
 * ChaCha with 8 rounds as a random generator (Rust's `ChaCha8Rng`): 32-byte key, 64-bit block counter, zero stream id.
 *
 * State of 16 words: "expand 32-byte k", key (8), counter (2), stream (2). Eight rounds are four double rounds of four
 * column and four diagonal quarter rounds; the state is added to the result. Reading it as u64s takes the low word first.
 */

// @ts-ignore: decorator
@inline
function quarter(x: usize, a: usize, b: usize, c: usize, d: usize): void {
  let va = load<u32>(x + a);
  let vb = load<u32>(x + b);
  let vc = load<u32>(x + c);
  let vd = load<u32>(x + d);
  va += vb;
  vd = rotl<u32>(vd ^ va, 16);
  vc += vd;
  vb = rotl<u32>(vb ^ vc, 12);
  va += vb;
  vd = rotl<u32>(vd ^ va, 8);
  vc += vd;
  vb = rotl<u32>(vb ^ vc, 7);
  store<u32>(x + a, va);
  store<u32>(x + b, vb);
  store<u32>(x + c, vc);
  store<u32>(x + d, vd);
}

/** Writes block number `counter` of the stream of the 32-byte key at `key`: 64 bytes at `out`. */
export function chacha8Block(key: usize, counter: u64, out: usize): void {
  const state = memory.data(64, 16);
  store<u64>(state, 0x3320646e61707865);
  store<u64>(state, 0x6b20657479622d32, 8);
  memory.copy(state + 16, key, 32);
  store<u64>(state, counter, 48);
  store<u64>(state, 0, 56);
  memory.copy(out, state, 64);
  for (let i = 0; i < 4; i++) {
    quarter(out, 0, 16, 32, 48);
    quarter(out, 4, 20, 36, 52);
    quarter(out, 8, 24, 40, 56);
    quarter(out, 12, 28, 44, 60);
    quarter(out, 0, 20, 40, 60);
    quarter(out, 4, 24, 44, 48);
    quarter(out, 8, 28, 32, 52);
    quarter(out, 12, 16, 36, 56);
  }
  for (let i: usize = 0; i < 64; i += 4) store<u32>(out + i, load<u32>(out + i) + load<u32>(state + i));
}
