/**
 * `proofs.wasm` and `proofs-simd.wasm`: the proof mathematics for workers, compiled twice from this entry; the host
 * takes the SIMD build where the engine validates it.
 *
 * Kernels work on addresses that the host owns. It takes memory with `allocate` and gives it back in reverse order with
 * `release`; nothing is collected. Sector sizes pass the 4 GiB of an instance, so big work comes in windows.
 */
export * from "./proofs-pieces";
export * from "./proofs-poseidon";
export * from "./proofs-verify";
export * from "./proofs-seal";
export * from "./proofs-prove";
export * from "./proofs-circuit";

/** Takes `bytes` of memory, 16-aligned, zeroed only if it was never used; at most 1 GiB at once. Traps if none is left. */
export function allocate(bytes: usize): usize {
  return heap.alloc(bytes);
}

/** Gives back the memory taken last. */
export function release(address: usize): void {
  heap.free(address);
}
