/** Faults of the engine: the run is void and there is no receipt; never an exit code (see docs/architecture.md). */
import { FilError } from "../base/errors.ts";

export type EngineFaultData =
  /** A wasm file could not be read. */
  | { readonly code: "ASSET_MISSING"; readonly asset: string }
  /** Bytes that are no WebAssembly module, or use what this engine lacks. */
  | { readonly code: "COMPILE_FAILED"; readonly asset: string }
  /** The module asks for imports that were not given, lacks an export, or its memory could not be made. */
  | { readonly code: "LINK_FAILED"; readonly asset: string }
  /** An assertion of the core failed: a bug, or arguments out of their documented range. */
  | { readonly code: "CORE_ABORT"; readonly asset: string; readonly where: string }
  /** The core trapped: unreachable code, a bad address, memory or stack exhausted. */
  | { readonly code: "CORE_TRAP"; readonly asset: string }
  /** The module's memory grew past the limit that the instance was given. */
  | { readonly code: "MEMORY_LIMIT"; readonly asset: string; readonly pages: number; readonly maxPages: number };

export type EngineFaultCode = EngineFaultData["code"];

export class EngineFault extends FilError<EngineFaultData> {}
