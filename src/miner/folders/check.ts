/**
 * Whether a sector's files are what its commitments say: nothing is written, and what is wrong is named file by file.
 *
 * `quick` reads lengths, hashes the two commitments that stand beside the replica, and opens some leaves of it at random
 * places, as a proof of spacetime does. `full` hashes the whole replica, and the unsealed copy if there is one.
 */
import { equal } from "../../base/bytes.ts";
import { describeError, isFilError } from "../../base/errors.ts";
import type { Proofs } from "../../core/proofs.ts";
import { type SealProof, sectorParams } from "../../sector/params.ts";
import { provePoSt } from "../../sector/post/post-proof.ts";
import { buildTreeD, buildTreeRLast, commROf } from "../../sector/seal/seal.ts";
import { P_AUX_FILE, SEALED_FILE, type SectorStore, treeFile, UNSEALED_FILE } from "../../sector/store.ts";
import { baseRows, baseTrees, rowOffset, treeRLastShape } from "../../sector/tree.ts";

export type Finding = {
  /** MISSING: no such file. KIND: a folder, a pipe or a device in its place. LENGTH: cut off, or too long. CHANGED: other contents than the commitments say. */
  readonly code: "MISSING" | "KIND" | "LENGTH" | "CHANGED";
  readonly file: string;
  readonly text: string;
};

export type CheckedSector = {
  readonly number: number;
  readonly proof: SealProof;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
};

export type CheckDepth = "quick" | "full";

/** What is wrong with a sealed sector's files; nothing if they are sound. `random`: 32 bytes, other ones each time. */
export async function checkFiles(
  proofs: Proofs,
  store: SectorStore,
  sector: CheckedSector,
  depth: CheckDepth,
  random: Uint8Array,
): Promise<readonly Finding[]> {
  const params = sectorParams(sector.proof.sectorBytes);
  const findings: Finding[] = [];
  const add = (code: Finding["code"], file: string, text: string): void => void findings.push({ code, file, text });
  const length = async (file: string, bytes: number, isOptional = false): Promise<void> => {
    const size = await store.size(file).catch((error: unknown) => {
      if (isFilError(error, "NOT_A_FILE")) return error.message;
      throw error;
    });
    if (typeof size === "string") add("KIND", file, size);
    else if (size === null && !isOptional) add("MISSING", file, `${file} is missing`);
    else if (size !== null && size !== bytes) add("LENGTH", file, `${file} has ${size} bytes of ${bytes}`);
  };
  await length(SEALED_FILE, params.sectorBytes);
  await length(P_AUX_FILE, 64);
  const shape = treeRLastShape(params);
  const trees = baseTrees(shape);
  for (let tree = 0; tree < trees; tree++) {
    await length(treeFile("r-last", tree, trees), rowOffset(shape, baseRows(shape)));
  }
  await length(UNSEALED_FILE, params.sectorBytes, true);
  if (findings.length > 0) return findings;

  const aux = (await store.read(P_AUX_FILE, 0, 64)).slice();
  const [commC, commRLast] = [aux.subarray(0, 32), aux.subarray(32)];
  if (!equal(commROf(proofs, commC, commRLast), sector.commR)) {
    add(
      "CHANGED",
      P_AUX_FILE,
      `${P_AUX_FILE} does not have the sector's CommR: it belongs to another sector, or was changed`,
    );
    return findings;
  }
  try {
    const sectors = [{ sectorNumber: sector.number, commR: sector.commR, store }];
    await provePoSt(proofs, { params, kind: "window", randomness: random, sectors });
  } catch (error) {
    add("CHANGED", SEALED_FILE, `${SEALED_FILE} or its tree was changed: ${describeError(error)}`);
    return findings;
  }
  if (depth === "quick") return findings;
  const scratch = withoutWriting(store);
  if (!equal(await buildTreeRLast(proofs, scratch, params), commRLast))
    add("CHANGED", SEALED_FILE, `${SEALED_FILE} does not have the sector's CommRLast`);
  if ((await store.size(UNSEALED_FILE)) !== null && !equal(await buildTreeD(proofs, scratch, params), sector.commD))
    add("CHANGED", UNSEALED_FILE, `${UNSEALED_FILE} does not have the sector's CommD`);
  return findings;
}

/** The same files, of which none changes: trees are built for their roots alone. */
function withoutWriting(store: SectorStore): SectorStore {
  return { ...store, read: store.read.bind(store), size: store.size.bind(store), write: nothing, remove: nothing };
}
const nothing = async (): Promise<void> => undefined;
