/**
 * Where proving keeps vectors that memory has no room for: files of a store, gone when the proof is made or has failed.
 *
 * In a folder each proof has a folder of its own, which the system unlocks when its process ends, however that ends: what
 * a killed one left behind is removed when the next proof begins there.
 */
import { platform } from "#platform";
import { toHex } from "../../base/bytes.ts";
import type { Folders } from "../../platform/folders.ts";
import type { SectorStore } from "../../sector/store.ts";
import { directoryStore } from "../directory-store.ts";
import { SnarkError } from "./kernel.ts";

/** A folder's path, or a store: a page, which has no folders, gives one over what it has. */
export type Scratch = string | SectorStore;

export type OpenScratch = {
  readonly store: SectorStore;
  /** Removes all that was written. */
  close(): Promise<void>;
};

const PREFIX = "proof-";
/** What a proof's folder is called; others of the scratch folder are somebody else's, and stay. */
const OWN_NAME = /^proof-[0-9a-f]{16}$/;
/** How long one waits for others that begin a proof in the same folder. */
const WAIT_MS = 50;
const MOST_WAITS = 600;

const failed = (what: string, cause: unknown): SnarkError =>
  new SnarkError(
    { code: "SCRATCH_FAILED", what },
    `scratch space for proving failed (${what}): ${cause instanceof Error ? cause.message : String(cause)}; is the disk full?`,
    { cause },
  );

/** The store, its errors as `SCRATCH_FAILED`, its files remembered. */
function guarded(store: SectorStore, written: Set<string>): SectorStore {
  const guard = <T>(what: string, work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw failed(what, cause);
    });
  return {
    read: async (name, from, length) => {
      const bytes = await guard(`reading ${name}`, store.read(name, from, length));
      if (bytes.length === length) return bytes;
      throw failed(`reading ${name}`, new Error(`${bytes.length} bytes of ${length}`));
    },
    write: (name, from, bytes) => {
      written.add(name);
      return guard(`writing ${name}`, store.write(name, from, bytes));
    },
    size: (name) => store.size(name),
    remove: (name) => guard(`removing ${name}`, store.remove(name)),
  };
}

/**
 * Opens scratch space of `bytes`. Errors: `SCRATCH_SPACE` if the folder's disk has less, `SCRATCH_FAILED`, and on a page,
 * for a folder, `NO_FILES`.
 */
export async function openScratch(scratch: Scratch, bytes: number): Promise<OpenScratch> {
  const written = new Set<string>();
  if (typeof scratch !== "string") {
    const close = async (): Promise<void> => {
      for (const name of written) await scratch.remove(name);
    };
    return { store: guarded(scratch, written), close };
  }
  const { folders } = platform;
  // Rejects where there are no files.
  if (folders === null) await platform.fileSize(scratch);
  if (folders === null) throw failed(scratch, new Error("there are no folders here"));
  const release = await enter(folders, scratch).catch((cause: unknown) => {
    throw failed(scratch, cause);
  });
  const own = `${scratch}/${PREFIX}${toHex(platform.randomBytes(8))}`;
  try {
    await removeAbandoned(folders, scratch);
    const free = await folders.freeBytes(scratch);
    if (free < bytes)
      throw new SnarkError(
        { code: "SCRATCH_SPACE", needed: bytes, free },
        `proving takes ${mib(bytes)} MiB of scratch space, ${scratch} has ${mib(free)} MiB free`,
      );
    await folders.make(own);
    const unlock = await folders.lock(own);
    const close = async (): Promise<void> => {
      await unlock?.();
      await folders.remove(own);
    };
    return { store: guarded(directoryStore(own), written), close };
  } catch (cause) {
    await folders.remove(own).catch(() => undefined);
    throw cause instanceof SnarkError ? cause : failed(scratch, cause);
  } finally {
    await release();
  }
}

const mib = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

/** Makes the folder and takes it, so that nobody else removes what is being begun in it; waits for who has it. */
async function enter(folders: Folders, scratch: string): Promise<() => Promise<void>> {
  await folders.make(scratch);
  for (let waits = 0; waits < MOST_WAITS; waits++) {
    const release = await folders.lock(scratch);
    if (release !== null) return release;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
  throw new Error("another process begins a proof there and does not come to an end");
}

/** Folders of proofs whose process has ended. */
async function removeAbandoned(folders: Folders, scratch: string): Promise<void> {
  for (const name of (await folders.list(scratch)) ?? []) {
    if (!OWN_NAME.test(name)) continue;
    const folder = `${scratch}/${name}`;
    const unlock = await folders.lock(folder);
    if (unlock === null) continue;
    await unlock();
    await folders.remove(folder);
  }
}
