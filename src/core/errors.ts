/** Faults of the engine: the run is void and there is no receipt; never an exit code (see docs/architecture.md). */
import { FilError } from "../base/errors.ts";

export type EngineFaultData =
  /** A wasm file could not be read. */
  | { readonly code: "ASSET_MISSING"; readonly asset: string }
  /** Bytes that are no WebAssembly module, or use what this engine lacks. */
  | { readonly code: "COMPILE_FAILED"; readonly asset: string }
  /** The module asks for imports that were not given, or lacks an export. */
  | { readonly code: "LINK_FAILED"; readonly asset: string }
  /** An assertion of the core failed: a bug, or arguments out of their documented range. */
  | { readonly code: "CORE_ABORT"; readonly asset: string; readonly where: string }
  /** The core trapped: unreachable code, a bad address, memory or stack exhausted. */
  | { readonly code: "CORE_TRAP"; readonly asset: string }
  /** The module's memory grew past the limit that the instance was given. */
  | { readonly code: "MEMORY_LIMIT"; readonly asset: string; readonly pages: number; readonly maxPages: number }
  /** The module was built for another ABI than this host's. */
  | { readonly code: "ABI_MISMATCH"; readonly asset: string; readonly version: number }
  /** The core asked for a block that is not at hand: fetch it and run again. `cid` is binary. */
  | { readonly code: "BLOCK_MISSING"; readonly cid: Uint8Array }
  /** The verdict on a proof is not known yet: wait for it and run again. */
  | { readonly code: "ANSWER_PENDING" }
  /** The state or the message allows no receipt: the reference node gives up here, too. */
  | { readonly code: "RUN_VOID"; readonly why: string }
  /** A message that no block may hold: malformed, or its gas limit is not positive or a fee is negative. */
  | { readonly code: "MESSAGE_REFUSED"; readonly reason: "MALFORMED" | "NOT_APPLICABLE" }
  /** Calls between actors are nested deeper than this host's stack: run it where there is more. */
  | { readonly code: "HOST_STACK" }
  /** The host has no addresses left for the memory of a module or a guest: others have them, or calls are nested deeper than it has room for. */
  | { readonly code: "HOST_MEMORY" }
  /** A call to an instance whose last run was void. */
  | { readonly code: "INSTANCE_SPENT"; readonly asset: string }
  /** A network version whose rules or actors this machine does not have. */
  | { readonly code: "UNKNOWN_NETWORK_VERSION"; readonly networkVersion: number }
  /** A call that needs an open machine. */
  | { readonly code: "NOT_OPEN" };

export class EngineFault extends FilError<EngineFaultData> {}
