/** SHA-256 compression as FIPS 180-4, section 6.2.2 writes it: the reference of the unrolled kernel, used by tests. */
import { SHA256_ROUND_CONSTANTS } from "./sha256-kernel.gen";

/** Same contract as `sha256Blocks`. */
export function sha256BlocksPlain(state: usize, input: usize, blocks: usize): void {
  const w = memory.data(64 * 4, 4);
  const v = memory.data(8 * 4, 4); // a … h
  for (; blocks > 0; blocks--, input += 64) {
    for (let i: usize = 0; i < 16; i++) store<u32>(w + 4 * i, bswap<u32>(load<u32>(input + 4 * i)));
    for (let i: usize = 16; i < 64; i++) {
      const near = load<u32>(w + 4 * (i - 2));
      const far = load<u32>(w + 4 * (i - 15));
      const s1 = rotr<u32>(near, 17) ^ rotr<u32>(near, 19) ^ (near >>> 10);
      const s0 = rotr<u32>(far, 7) ^ rotr<u32>(far, 18) ^ (far >>> 3);
      store<u32>(w + 4 * i, s1 + load<u32>(w + 4 * (i - 7)) + s0 + load<u32>(w + 4 * (i - 16)));
    }
    memory.copy(v, state, 32);
    for (let i: usize = 0; i < 64; i++) {
      const a = load<u32>(v);
      const b = load<u32>(v, 4);
      const c = load<u32>(v, 8);
      const e = load<u32>(v, 16);
      const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
      const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
      const choice = (e & load<u32>(v, 20)) ^ (~e & load<u32>(v, 24));
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const t1 = load<u32>(v, 28) + s1 + choice + unchecked(SHA256_ROUND_CONSTANTS[<i32>i]) + load<u32>(w + 4 * i);
      memory.copy(v + 4, v, 28);
      store<u32>(v, load<u32>(v, 16) + t1, 16);
      store<u32>(v, t1 + s0 + majority);
    }
    for (let i: usize = 0; i < 32; i += 4) store<u32>(state + i, load<u32>(state + i) + load<u32>(v + i));
  }
}
