/**
 * Keys and proofs of winning PoSt circuits of 2 KiB sectors; with FILIGREE_LARGE_PROOFS=1 of PoReps and updates too, which
 * take minutes and 3 GiB.
 */
import { describeProofs } from "./official.ts";

describeProofs("winning-2048");
