/** Exports of the proof targets for pieces: Fr32, node hashing, piece and data commitments. */
export { hashLevel, hashNode } from "../crypto/hash/sha256-node";
export { dataCommitment } from "../proofs/comm-d";
export { fr32Pad, fr32Unpad } from "../proofs/fr32";
export { MERKLE_STACK_BYTES, stackAlign, stackInit, stackLevel, stackPush, stackRoot } from "../proofs/merkle-stack";
export {
  PIECE_CONTEXT_BYTES,
  pieceAbsorb,
  pieceAbsorbAt,
  pieceFinish,
  pieceInit,
  pieceInput,
  WINDOW_BYTES,
  WINDOW_LEVEL,
} from "../proofs/piece";
export { zeroNode } from "../proofs/zero-nodes";
