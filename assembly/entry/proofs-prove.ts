/** Making SNARKs and their keys: what `proofs.ts` exports of `assembly/proofs/prove`. */
export { assembleProof } from "../proofs/prove/assemble";
export { fftPass } from "../proofs/prove/fft";
export {
  g1FillTable, g1Multiples, g1TableBytes, g2FillTable, g2Multiples, g2TableBytes,
} from "../proofs/prove/fixed-base";
export {
  firstUnsatisfied, packElements, quotientEnd, quotientJoin, quotientRows, unpackElements,
} from "../proofs/prove/quotient";
export {
  addRows, frQuotient, frSetNumber, frVanishing, joinNumbers, lagrangeValues, powerNumbers, rowDensities, rowValues, writeNumbers,
} from "../proofs/prove/rows";
export {
  g1SumPoints, g1SumScratch, g1SumWindow, g2SumPoints, g2SumScratch, g2SumWindow,
} from "../proofs/prove/sums";
