/** What a machine answers about a message: the items that the native machine and the FVM have in common. */
import type { CborItems } from "./cbor-items.ts";

/** What became of a message. */
export type ApplyRet = {
  readonly exitCode: number;
  readonly return: Uint8Array;
  /** gas; 0 for implicit messages */
  readonly gasUsed: bigint;
  // attoFIL, all of them
  readonly minerPenalty: bigint;
  readonly minerTip: bigint;
  readonly baseFeeBurn: bigint;
  readonly overestimationBurn: bigint;
  readonly refund: bigint;
  /** gas */
  readonly gasBurned: bigint;
  /** Why it failed, for people; empty if it did not. */
  readonly why: string;
};

/** The ten items of `Applied.encode` and of the FVM's `Machine.encode`, behind the head of their array. */
export function readApplied(items: CborItems): ApplyRet {
  return {
    exitCode: items.int(),
    return: items.bytes(),
    gasUsed: items.bigint(),
    minerPenalty: items.big(),
    minerTip: items.big(),
    baseFeeBurn: items.big(),
    overestimationBurn: items.big(),
    refund: items.big(),
    gasBurned: items.bigint(),
    why: items.text(),
  };
}
