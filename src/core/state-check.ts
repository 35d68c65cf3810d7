/**
 * Checks the invariants of a whole state (`check.wasm`, `assembly/actors/check-state.ts`).
 *
 * Every block of the state is read. The core asks for blocks and must have them at once: one that the store can give
 * only later is fetched and the check begins again, with the blocks fetched so far kept. Stores on disk and CAR files
 * answer at once.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { type ProfileName, profileNumber } from "../schema/profiles.ts";
import { type CID, cidFromBytes, cidKey } from "../types/cid.ts";
import { CHECK_WASM } from "./assets/check.ts";
import { CborItems } from "./cbor-items.ts";
import { EngineFault } from "./errors.ts";
import { Instance, PAGE_BYTES } from "./instance.ts";
import { compileModule, type WasmSource } from "./load.ts";

type CheckExports = {
  alloc(size: number): number;
  free(at: number): void;
  resultPtr(): number;
  collect(): void;
  checkOpen(at: number, length: number): number;
  checkStep(): number;
  checkFinish(): number;
};

const EXPORTS: readonly (keyof CheckExports)[] = [
  "alloc",
  "free",
  "resultPtr",
  "collect",
  "checkOpen",
  "checkStep",
  "checkFinish",
];

/** The state's blocks by binary CID: those at hand answer `peek`. */
type StateBlocks = {
  peek(cid: Uint8Array): Uint8Array | undefined;
  get(cid: Uint8Array): Promise<Uint8Array | undefined>;
};

export type StateReport = {
  /** What does not hold, in the order found; empty for a sound state. */
  readonly complaints: readonly string[];
  readonly actors: number;
  /** attoFIL held by all actors together. */
  readonly total: bigint;
  /** Miners without a claim: their power was taken from them. */
  readonly minersWithoutClaim: number;
};

export type StateCheckOptions = {
  /** The module's bytes, or the module compiled, in place of the platform's asset. */
  readonly source?: WasmSource;
  /** Network whose parameters hold. Default: the main network. */
  readonly profile?: ProfileName;
  readonly onProgress?: (actors: number) => void;
};

/** Memory in use above which garbage is collected after each actor, not only now and then. */
const COLLECT_ABOVE_PAGES = 1024;
const COLLECT_EVERY = 256;
/** Pages of the memory at the start. */
const FIRST_PAGES = 16;
const MAX_PAGES = 32768;
const MALFORMED = -2;

/**
 * Checks the state under `root`, which is the result of the tipset at `epoch`.
 * Faults: `BLOCK_MISSING` if the store lacks a block, `RUN_VOID` for a malformed node or root.
 */
export async function checkState(
  root: CID,
  epoch: number,
  blocks: StateBlocks,
  options: StateCheckOptions = {},
): Promise<StateReport> {
  const module = await compileModule(CHECK_WASM, options.source);
  const fetched = new Map<string, Uint8Array>();
  const peek = (cid: Uint8Array): Uint8Array | undefined => blocks.peek(cid) ?? fetched.get(cidKey(cid));
  for (;;) {
    try {
      return await runOnce(module, root, epoch, peek, options);
    } catch (error) {
      if (!(error instanceof EngineFault) || error.data.code !== "BLOCK_MISSING") throw error;
      const { cid } = error.data;
      const block = fetched.has(cidKey(cid)) ? undefined : await blocks.get(cid);
      if (block === undefined) throw error;
      fetched.set(cidKey(cid), block);
    }
  }
}

async function runOnce(
  module: WebAssembly.Module,
  root: CID,
  epoch: number,
  peek: (cid: Uint8Array) => Uint8Array | undefined,
  options: StateCheckOptions,
): Promise<StateReport> {
  const holder: { core?: Instance<CheckExports> } = {};
  let found = new Uint8Array(0) as Uint8Array;
  const core = (): Instance<CheckExports> => {
    if (holder.core === undefined) throw new EngineFault({ code: "NOT_OPEN" }, "the core asked before it was ready");
    return holder.core;
  };
  const imports = {
    chain: {
      block_length: (at: number, length: number): number => {
        const cid = core().read(at, length);
        const block = peek(cid);
        if (block === undefined)
          throw new EngineFault({ code: "BLOCK_MISSING", cid }, `block ${cidFromBytes(cid)} is not at hand`);
        found = block;
        return block.length;
      },
      block_copy: (to: number): void => core().write(to, found),
      block_put: (): void => undefined,
    },
    engine: {
      fault: (why: number, length: number): never => {
        const text = new TextDecoder().decode(core().read(why, length));
        throw new EngineFault({ code: "RUN_VOID", why: text }, `the state cannot be read: ${text}`);
      },
    },
  };
  const instance = await Instance.create<CheckExports>(
    module,
    { name: "check.wasm", maxPages: MAX_PAGES, initialPages: FIRST_PAGES, imports },
    EXPORTS,
  );
  holder.core = instance;
  return walk(instance, root, epoch, options);
}

function walk(instance: Instance<CheckExports>, root: CID, epoch: number, options: StateCheckOptions): StateReport {
  const { exports } = instance;
  const argument = dagCbor.encode([root, epoch, profileNumber(options.profile)]);
  const at = exports.alloc(argument.length);
  instance.write(at, argument);
  if (guard(instance, () => exports.checkOpen(at, argument.length)) === MALFORMED)
    throw new EngineFault(
      { code: "RUN_VOID", why: "unknown version" },
      "the state root has an unknown version: invariants are known of network versions 0 to 5",
    );
  let actors = 0;
  while (guard(instance, () => exports.checkStep()) === 1) {
    actors++;
    const large = instance.memoryBytes / PAGE_BYTES > COLLECT_ABOVE_PAGES;
    if (large || actors % COLLECT_EVERY === 0) exports.collect();
    if (actors % COLLECT_EVERY === 0) options.onProgress?.(actors);
  }
  const length = guard(instance, () => exports.checkFinish());
  const items = new CborItems(instance.read(exports.resultPtr(), length));
  items.array();
  const complaints: string[] = [];
  for (let i = items.array(); i > 0; i--) complaints.push(items.text());
  return { complaints, actors: items.int(), total: items.big(), minersWithoutClaim: items.int() };
}

function guard<T>(instance: Instance<CheckExports>, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw instance.faultOf(error);
  }
}
