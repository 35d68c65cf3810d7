/**
 * Sectors of a local network's genesis that take long to seal (8 MiB: most of a minute of a core). Workers seal each once in a folder
 * of this machine, in a directory that is named by what the sector is made of; every network with the same seed finds it there. Files
 * are read from there and never written to: faults that a network plays are its own matter.
 */
import { platform } from "#platform";
import { toHex, utf8 } from "../base/bytes.ts";
import { blake2b256 } from "../base/digests.ts";
import { FilError, isFilError } from "../base/errors.ts";
import { sleepFor } from "../base/sleep.ts";
import type { Proofs } from "../core/proofs.ts";
import { type GenesisSeal, genesisIdentity } from "../miner/genesis-seal.ts";
import type { OwnSector } from "../miner/own-sectors.ts";
import { finalizeSector } from "../miner/sealing/work.ts";
import { directoryStore } from "../proving/directory-store.ts";
import type { Scheduler } from "../proving/scheduler.ts";
import { sealDirectory } from "../proving/seal.ts";
import { sectorParams } from "../sector/params.ts";
import { sealedCid } from "../sector/piece/cid.ts";
import { proveSectorPoSt } from "../sector/post/post-proof.ts";
import { commROf } from "../sector/seal/seal.ts";
import { P_AUX_FILE, SEALED_FILE, type SectorStore, treeFile, UNSEALED_FILE } from "../sector/store.ts";

export class PresealError extends FilError<{ readonly code: "READ_ONLY" }> {}

/** What is being done to one sector: done of total, in units of the phase. */
export type SealProgress = { readonly phase: string; readonly done: number; readonly total: number };

export type Presealing = {
  /** Folder of all sectors that were sealed so. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (sector: GenesisSeal, progress: SealProgress) => void;
};

/** Changes with the way in which these sectors are made. */
const FORM = "filigree/presealed/1";
/** Milliseconds until a sector that another process seals is looked at again. */
const LOCKED_MS = 500;
/** Leaves that are opened before a sector that was found is trusted. */
const TRIED = 10;

/** Finds a sector in the folder, or seals it there. Throws what sealing throws, and the signal's reason. */
export async function presealedSector(
  proofs: Proofs,
  jobs: () => Scheduler,
  spec: GenesisSeal,
  { folder, signal, onProgress }: Presealing,
): Promise<OwnSector> {
  const { folders } = platform;
  if (folders === null) throw new TypeError("a page has no folders");
  const { seed, miner, number, proof } = spec;
  const name = toHex(blake2b256(utf8(JSON.stringify([FORM, seed, `${miner}`, number, proof]))).subarray(0, 20));
  const directory = `${folder}/${name}`;
  await folders.make(directory);
  let unlock: (() => Promise<void>) | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const found = await sealedSector(proofs, spec, directory);
    if (found !== null) return found;
    unlock = await folders.lock(directory);
    if (unlock !== null) break;
    await sleepFor(LOCKED_MS, signal ?? new AbortController().signal);
  }
  try {
    // Between the look and the lock another process may have ended.
    const ended = await sealedSector(proofs, spec, directory);
    if (ended !== null) return ended;
    const { number, commR, sealedCid } = await sealInDirectory(proofs, jobs(), directory, spec, {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return { number, commR, sealedCid, store: readOnly(directoryStore(directory)), directory: async () => directory };
  } finally {
    await unlock();
  }
}

/** Seals a sector of the genesis in a directory of its own by jobs, and lets go of what only sealing needed. */
export async function sealInDirectory(
  proofs: Proofs,
  jobs: Scheduler,
  directory: string,
  spec: GenesisSeal,
  { signal, onProgress }: Omit<Presealing, "folder">,
): Promise<OwnSector> {
  const identity = genesisIdentity(spec);
  const store = directoryStore(directory);
  const { sectorBytes } = identity.proof;
  // The first is written last: a sector that has it is sealed. Files are made, not written over: a name may be a link to another.
  for (const old of [P_AUX_FILE, SEALED_FILE, treeFile("r-last", 0, 1)]) await store.remove(old);
  await finalizeSector(store, sectorBytes);
  await store.write(UNSEALED_FILE, 0, new Uint8Array(sectorBytes));
  const { commR } = await sealDirectory(proofs, jobs, directory, identity, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onProgress?.(spec, progress),
  });
  await finalizeSector(store, sectorBytes);
  return { number: spec.number, commR, sealedCid: sealedCid(commR), store };
}

/** The sector of a directory, if some of its leaves prove what it says that it is; else null: it is sealed anew. */
async function sealedSector(
  proofs: Proofs,
  { number, proof }: GenesisSeal,
  directory: string,
): Promise<OwnSector | null> {
  const { sectorBytes } = genesisIdentity({ seed: "", miner: 0n, number, proof }).proof;
  const params = sectorParams(sectorBytes);
  const store = readOnly(directoryStore(directory));
  if ((await store.size(P_AUX_FILE)) !== 64) return null;
  const aux = await store.read(P_AUX_FILE, 0, 64);
  const leaves = Array.from({ length: TRIED }, () => {
    const [a = 0, b = 0, c = 0] = platform.randomBytes(3);
    return (a | (b << 8) | (c << 16)) % params.nodes;
  });
  try {
    const commR = commROf(proofs, aux.slice(0, 32), aux.slice(32));
    await proveSectorPoSt(proofs, params, { sectorNumber: number, commR, store }, leaves);
    return { number, commR, sealedCid: sealedCid(commR), store, directory: async () => directory };
  } catch (error) {
    // Also what is no commitment at all.
    if (!isFilError(error)) throw error;
    return null;
  }
}

function readOnly({ read, size }: SectorStore): SectorStore {
  const refuse = (): Promise<never> =>
    Promise.reject(new PresealError({ code: "READ_ONLY" }, "sectors of the genesis are shared, and only read"));
  return { read, size, write: refuse, remove: refuse };
}
