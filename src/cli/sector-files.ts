/** Files of sectors, looked at by the process that has them. */
import { interruptible } from "./interrupt.ts";
import type { Remote } from "./remote.ts";

/** Sectors that one call checks; where all of their files is read, which takes hours of the largest ones, one. */
const BATCH = 20;

export type FileCheck = {
  /** Actor id of the miner. */
  readonly miner: number;
  readonly sectors: readonly number[];
  /** Whether all of the files is read, not samples. */
  readonly slow?: boolean;
  readonly onProgress?: (checked: number) => void;
};

/** Which of these sectors cannot be proved, by number, and why. It takes as long as the disks do; Ctrl-C ends it. */
export async function badSectors(remote: Remote, check: FileCheck): Promise<Readonly<Record<number, string>>> {
  const { miner, sectors, slow = false, onProgress } = check;
  const bad: Record<number, string> = {};
  const batch = slow ? 1 : BATCH;
  await interruptible(async (signal) => {
    for (let at = 0; at < sectors.length; at += batch) {
      onProgress?.(at);
      const refs = sectors
        .slice(at, at + batch)
        .map((number) => ({ ID: { Miner: miner, Number: number }, ProofType: 0 }));
      Object.assign(bad, await remote.wait<Record<string, string>>("CheckProvable", [0, refs, slow], signal));
    }
  });
  return bad;
}
