/**
 * Compiling the WebAssembly modules: once each, however many instances follow.
 *
 * A module comes from the platform's assets, or from the caller as bytes or as a compiled module (which a worker can be
 * sent). Compiled assets are kept by name; they are immutable, so sharing them shares no state.
 */
import { platform } from "#platform";
import { EngineFault } from "./errors.ts";

/** Bytes of a module, or the module compiled. */
export type WasmSource = Uint8Array | WebAssembly.Module;

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * The compiled module of the asset `name` ("crypto.wasm"), or of `source` when it is given.
 * Faults: `ASSET_MISSING`, `COMPILE_FAILED`; a failure is not kept, the next call tries again.
 */
export function compileModule(name: string, source?: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return Promise.resolve(source);
  if (source !== undefined) return compileBytes(name, source);
  let module = compiled.get(name);
  if (module === undefined) {
    module = readAsset(name).then((bytes) => compileBytes(name, bytes));
    compiled.set(name, module);
    module.catch(() => compiled.delete(name));
  }
  return module;
}

async function readAsset(name: string): Promise<Uint8Array> {
  try {
    return await platform.readAsset(name);
  } catch (cause) {
    throw new EngineFault({ code: "ASSET_MISSING", asset: name }, `cannot read ${name}; was it built?`, { cause });
  }
}

async function compileBytes(name: string, bytes: Uint8Array): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw new EngineFault({ code: "COMPILE_FAILED", asset: name }, `cannot compile ${name}`, { cause });
  }
}
