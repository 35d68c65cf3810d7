/** Making SNARKs: what `proofs.ts` exports of `assembly/proofs/prove`. */
export { fftPass } from "../proofs/prove/fft";
export { firstUnsatisfied, packElements, quotientEnd, quotientJoin, quotientRows, unpackElements } from "../proofs/prove/quotient";
