/**
 * Proofs of spacetime: for each sector CommR is the hash of CommC and CommRLast, and leaves of its replica are included under
 * CommRLast. A winning PoSt of one sector is 66 "sectors" of one leaf. A step is a sector.
 *
 * Inputs: per sector CommR, then the leaves' indexes.
 * Witness of a step: CommRLast, CommC, CommR; then for each challenge the leaf and its path (`inclusion.ts`).
 *
 * Source: rust-fil-proofs storage-proofs-post src/fallback/circuit.rs.
 */
import { include } from "./inclusion";
import { equal, inputize, NUMBER_BYTES, numberAt, read } from "./number";
import { AT_CHALLENGE, AT_COMM_R, AT_EQUAL, AT_SECTOR, enter, leave } from "./path";
import { hashNodes } from "./poseidon";
import { challenges, sectors, setReplicaRows } from "./shape";

const COMM_R_LAST: usize = memory.data(48, 8);
const COMM_R: usize = memory.data(48, 8);
/** CommC and CommRLast, as they are hashed. */
const PARTS: usize = memory.data(96, 8);
const HASH: usize = memory.data(48, 8);
const LEAF: usize = memory.data(48, 8);

export function postSteps(): u32 {
  return sectors;
}

export function postStep(sector: u32): void {
  enter(AT_SECTOR, sector);
  read(COMM_R_LAST);
  read(PARTS);
  read(COMM_R);
  inputize(COMM_R);
  memory.copy(numberAt(PARTS, 1), COMM_R_LAST, NUMBER_BYTES);
  enter(AT_COMM_R, 0);
  hashNodes(HASH, 2, PARTS);
  enter(AT_EQUAL, 0);
  equal(COMM_R, HASH);
  leave();
  leave();
  setReplicaRows();
  for (let i: u32 = 0; i < challenges; i++) {
    enter(AT_CHALLENGE, i);
    read(LEAF);
    include(LEAF, COMM_R_LAST, false);
    leave();
  }
  leave();
}
