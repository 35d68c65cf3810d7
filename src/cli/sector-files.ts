/** Files of sectors, looked at by the process that has them. */
import type { Remote } from "./remote.ts";

/** Sectors that one call checks. */
const BATCH = 100;

export type FileCheck = {
  /** Actor id of the miner. */
  readonly miner: number;
  readonly sectors: readonly number[];
  /** Whether all of the files is read, not samples. */
  readonly slow?: boolean;
  readonly onProgress?: (checked: number) => void;
};

/** Which of these sectors cannot be proved, by number, and why. */
export async function badSectors(remote: Remote, check: FileCheck): Promise<Readonly<Record<number, string>>> {
  const { miner, sectors, slow = false, onProgress } = check;
  const bad: Record<number, string> = {};
  for (let at = 0; at < sectors.length; at += BATCH) {
    onProgress?.(at);
    const refs = sectors
      .slice(at, at + BATCH)
      .map((number) => ({ ID: { Miner: miner, Number: number }, ProofType: 0 }));
    Object.assign(bad, await remote.call<Record<string, string>>("CheckProvable", 0, refs, slow));
  }
  return bad;
}
