/** Keys and proofs of winning PoSt circuits of 2 KiB sectors; in Node, as they take half a minute. */
import { describeProofs } from "./official.ts";

describeProofs("winning-2048");
