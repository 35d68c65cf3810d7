/** Exports of the proof targets for sealing, unsealing, sector updates and their challenges. */
export { blake2bFinal, blake2bInit, blake2bInitKeyed, blake2bUpdate } from "../crypto/hash/blake2b";
export { sha256 } from "../crypto/hash/sha256";
export {
  addElements,
  columnRange,
  elementsCanonical,
  revertElements,
  subtractElements,
  updateElements,
} from "../proofs/encode";
export { graphBytes, graphInit, graphParents } from "../proofs/graph";
export { labelRange } from "../proofs/label";
export { countEdges, placeBase, placeExpander, scatterEdges, sortEdges, windowParents } from "../proofs/paging";
export { scatterExpander } from "../proofs/paging-expander";
