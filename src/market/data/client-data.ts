/**
 * A client's data as a part of a node: imports of files, folders and CAR files, what they are as pieces, and the way back.
 * The store is opened when it is first asked for.
 */
import { platform } from "#platform";
import { loadProofs } from "../../core/proofs.ts";
import { commitPayload } from "../../proving/commit.ts";
import { ProvingPool } from "../../proving/pool.ts";
import type { PieceCommitment } from "../../sector/piece/cid.ts";
import type { BlockHashes } from "../../storage/check-block.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { CID } from "../../types/cid.ts";
import { carOf } from "./car-out.ts";
import { ClientStore, type Import, type Lent } from "./client-store.ts";
import { type CommittedCar, commitCar, type PieceForm } from "./commit-car.ts";
import { DataError } from "./errors.ts";
import { checkPlace, entriesOf, newFile, sizeOf, sourceOf, writeEntries, writeParts } from "./files.ts";
import { MAX_BLOCK, walk } from "./links.ts";
import { exportUnixfs } from "./unixfs.ts";

export type ClientDataOptions = {
  readonly open: () => Promise<BlockStore>;
  readonly hashes: BlockHashes;
};

/** Workers that commit to a piece. */
const MAX_WORKERS = 4;

export class ClientData {
  readonly name = "client";
  private readonly options: ClientDataOptions;
  private lent: Lent | null = null;
  private opened: Promise<ClientStore> | null = null;
  private closed = false;
  /** Ends what is under way when the node stops. */
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<unknown>>();

  constructor(options: ClientDataOptions) {
    this.options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.closed = true;
    this.stopping.abort(new DataError({ code: "CLOSED" }, "the node is stopping"));
    await Promise.allSettled(this.running);
    await (await this.opened?.catch(() => null))?.close();
  }

  /** Work on files that ends when its caller goes or the node stops; the store stays open until it has. */
  private async working<Result>(
    signal: AbortSignal | undefined,
    work: (ending: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { signal: stopping } = this.stopping;
    // What begins now would not be waited for.
    stopping.throwIfAborted();
    const run = work(signal === undefined ? stopping : AbortSignal.any([signal, stopping]));
    this.running.add(run);
    try {
      return await run;
    } finally {
      this.running.delete(run);
    }
  }

  health(): { readonly status: "ok" | "stopped" } {
    return { status: this.closed ? "stopped" : "ok" };
  }

  /** From now on the store gives what somebody else keeps, too. */
  lend(lent: Lent): void {
    this.lent = lent;
  }

  /** The store of blocks. */
  store(): Promise<ClientStore> {
    if (this.closed) return Promise.reject(new DataError({ code: "CLOSED" }, "the node is stopping"));
    this.opened ??= this.options
      .open()
      .then((store) => new ClientStore(store, this.options.hashes, () => this.lent))
      .catch((error: unknown) => {
        this.opened = null;
        throw error;
      });
    return this.opened;
  }

  /** Imports a file or folder as UnixFS, or a CAR file as the DAG that it holds. */
  async import(path: string, isCar: boolean, signal?: AbortSignal): Promise<Import> {
    const store = await this.store();
    return this.working(signal, async (ending) => {
      if (isCar) return store.importCar(path, await sourceOf(path), "car", ending);
      // What cannot be imported is found before anything is written.
      for await (const _ of entriesOf(path, ending));
      return store.importFiles(path, entriesOf(path, ending), ending);
    });
  }

  /** Imports a file of JSON as one block of DAG-JSON. */
  async importDagJson(path: string, signal?: AbortSignal): Promise<Import> {
    const store = await this.store();
    return this.working(signal, async (ending) => {
      const file = await sourceOf(path);
      if (file.size > MAX_BLOCK)
        throw new DataError({ code: "LIMIT" }, `${path} has ${file.size} bytes; a block holds at most ${MAX_BLOCK}`);
      return store.importDagJson(path, await file.read(0, file.size), ending);
    });
  }

  async imports(): Promise<readonly Import[]> {
    return (await this.store()).imports();
  }

  async remove(id: number): Promise<void> {
    await (await this.store()).remove(id);
  }

  /** Whether the whole DAG below a root is here. */
  async has(root: CID, signal?: AbortSignal): Promise<boolean> {
    const store = await this.store();
    try {
      for await (const _ of walk(store, root, signal === undefined ? {} : { signal }));
      return true;
    } catch (error) {
      if (error instanceof DataError && error.code === "MISSING_BLOCK") return false;
      throw error;
    }
  }

  /** Bytes of a DAG's CAR file. */
  async carSize(root: CID, signal?: AbortSignal): Promise<number> {
    let size = 0;
    for await (const part of carOf(await this.store(), root, signal === undefined ? {} : { signal }))
      size += part.length;
    return size;
  }

  /** The piece that a DAG's CAR file is, or, raw, its file; with a path its bytes are written there in the same pass. */
  async commit(root: CID, path: string | null, signal?: AbortSignal, form: PieceForm = "car"): Promise<CommittedCar> {
    const store = await this.store();
    // A node that stops waits for what is under way: the file's beginning and its removal, too.
    return this.working(signal, async (ending) => {
      const file = path === null ? null : await newFile(path);
      try {
        const committed = await withPool(async (pool) =>
          commitCar(store, root, {
            ...{ module: await loadProofs(), pool, form, signal: ending },
            ...(file === null ? {} : { write: (bytes: Uint8Array) => file.append(bytes) }),
          }),
        );
        await store.notePiece(committed.piece.commP, { root, size: committed.carSize, form });
        return committed;
      } catch (error) {
        await file?.discard();
        throw error;
      }
    });
  }

  /** The piece that a file's bytes are. */
  async commitFile(path: string, signal?: AbortSignal): Promise<PieceCommitment> {
    const size = await sizeOf(path);
    if (size === 0) throw new DataError({ code: "BAD_INPUT" }, `${path} is empty; a piece holds at least one byte`);
    const limits = signal === undefined ? {} : { signal };
    return withPool(async (pool) => commitPayload(await loadProofs(), pool, { file: path, size }, limits));
  }

  /** Writes the CAR file of a file or folder that is not imported, or of a CAR file: the same DAG, depth first. */
  async carOfFile(path: string, isCar: boolean, out: string, signal?: AbortSignal): Promise<CID> {
    const { root, id } = await this.import(path, isCar, signal);
    try {
      const store = await this.store();
      await this.working(signal, (ending) => writeParts(out, carOf(store, root, { signal: ending })));
    } finally {
      await this.remove(id);
    }
    return root;
  }

  /** Refuses a path that `export` could not write to, before what is to be written there is paid for. */
  checkPlace(path: string): Promise<void> {
    return checkPlace(path);
  }

  /** Writes a DAG as the files that it holds, or as a CAR file. */
  async export(root: CID, path: string, isCar: boolean, signal?: AbortSignal): Promise<void> {
    const store = await this.store();
    await this.working(signal, (ending) =>
      isCar
        ? writeParts(path, carOf(store, root, { signal: ending }))
        : writeEntries(path, exportUnixfs(store, root, ending)),
    );
  }
}

async function withPool<Result>(work: (pool: ProvingPool) => Promise<Result>): Promise<Result> {
  const pool = ProvingPool.open(Math.min(platform.cores, MAX_WORKERS));
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}
