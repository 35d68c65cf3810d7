/**
 * Verdicts on proofs while the corpus runs without the proving system's keys.
 *
 * Every proof in the corpus is a window PoSt of 32 GiB sectors. The reference verified them with the network's keys: it
 * accepted all but those of six files. Here the verdict is declared per file, and reported with the result: "reject" for
 * those six, "accept" for all others. Evidence for the six: they ask for the challenge, pay for the verification and
 * then end with exit code 16, which no later step of that version can give (legacy corpus, folder
 * SubmitWindowedPoSt/16; the other files there fail before the verification).
 */

const REJECTED_FOLDER = "extracted/0001-initial-extraction/fil_1_storageminer/SubmitWindowedPoSt/16/";
/** Numbers of the files in that folder whose proof the reference rejected. */
const REJECTED: readonly number[] = [3, 4, 5, 7, 8, 9];

/**
 * Of the FVM's vectors one asks for a proof that the network found bad: a dispute that succeeds because the proof in dispute does
 * not hold. (Upstream's runner leaves it out.)
 */
const REJECTED_DISPUTE = "fil_10_storageminer/DisputeWindowedPoSt/Ok/";

export type DeclaredVerdict = "accept" | "reject";

/** Declared verdict on the proofs of a file, by its path. */
export function proofVerdict(path: string): DeclaredVerdict {
  const plain = path.replaceAll("\\", "/");
  if (plain.includes(REJECTED_DISPUTE)) return "reject";
  const at = plain.lastIndexOf(REJECTED_FOLDER);
  if (at < 0) return "accept";
  const number = /(\d+)\.json$/.exec(plain)?.[1];
  return number !== undefined && REJECTED.includes(Number(number)) ? "reject" : "accept";
}
