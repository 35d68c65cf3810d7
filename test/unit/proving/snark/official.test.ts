/** Keys and proofs of window PoSt circuits of 2 KiB sectors. */
import { describeProofs } from "./official.ts";

describeProofs("window-2048");
