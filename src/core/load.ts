/**
 * Compiling the WebAssembly modules: once each, however many instances follow.
 *
 * A module comes from the platform's assets, or from the caller as bytes or as a compiled module (which a worker can be
 * sent). Compiled assets are kept by name; they are immutable, so sharing them shares no state.
 */
import { platform } from "#platform";
import { checkNames } from "../base/options.ts";
import type { Asset } from "../platform/platform.ts";
import { builtFile } from "../platform/web.ts";
import { EngineFault } from "./errors.ts";

/** Bytes of a module, or the module compiled. */
export type WasmSource = Uint8Array | WebAssembly.Module;

/**
 * Where this program's WASM comes from in place of the package's own files: a folder that holds them under their names, or
 * the files themselves.
 */
export type WasmPlace = {
  readonly base?: string | URL;
  readonly files?: Readonly<Record<string, WasmSource>>;
};

const compiled = new Map<string, Promise<WebAssembly.Module>>();
let place: WasmPlace = {};

/** Sets where WASM comes from, for this thread and the workers that it starts from now on; before anything is loaded. */
export function useWasm(given: WasmPlace): void {
  checkNames<WasmPlace>("useWasm", given, { base: true, files: true });
  place = given;
  compiled.clear();
}

/** Whether `useWasm` was given this file itself. */
export const isGivenFile = (name: string): boolean => place.files?.[name] !== undefined;

/** What `useWasm` was given, as it can be sent to a worker. */
export function wasmPlace(): WasmPlace {
  const { base, files } = place;
  return { ...(base === undefined ? {} : { base: String(base) }), ...(files === undefined ? {} : { files }) };
}

/**
 * The compiled module of an asset, or of `source` when it is given. A name alone stands for a file of the package that
 * bundlers need not find: those of tests.
 * Faults: `ASSET_MISSING`, `COMPILE_FAILED`; a failure is not kept, the next call tries again.
 */
export function compileModule(named: Asset | string, source?: WasmSource): Promise<WebAssembly.Module> {
  const asset = typeof named === "string" ? builtAsset(named) : named;
  const { name } = asset;
  const given = source ?? place.files?.[name];
  if (given instanceof WebAssembly.Module) return Promise.resolve(given);
  if (given !== undefined) return compileBytes(name, given);
  let module = compiled.get(name);
  if (module === undefined) {
    module = readAsset(asset).then((bytes) => compileBytes(name, bytes));
    compiled.set(name, module);
    module.catch(() => compiled.delete(name));
  }
  return module;
}

function builtAsset(name: string): Asset {
  return { name, url: () => builtFile(`wasm/${name}`) };
}

async function readAsset({ name, url }: Asset): Promise<Uint8Array> {
  const from = place.base === undefined ? url() : new URL(name, folder(place.base));
  try {
    return await platform.readAsset(from);
  } catch (cause) {
    const advice = "was it built, or do bundles need useWasm({ base })?";
    throw new EngineFault({ code: "ASSET_MISSING", asset: name }, `cannot read ${name} at ${from}; ${advice}`, {
      cause,
    });
  }
}

function folder(base: string | URL): string {
  const text = String(base);
  return text.endsWith("/") ? text : `${text}/`;
}

async function compileBytes(name: string, bytes: Uint8Array): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw new EngineFault({ code: "COMPILE_FAILED", asset: name }, `cannot compile ${name}`, { cause });
  }
}
