/**
 * The virtual machine alone: execute messages and tipsets on a state, without a node.
 *
 * @example
 * import { Executor, MemoryStore } from "filigree/vm";
 */

export { OptionError } from "./base/options.ts";
export { EngineFault } from "./core/errors.ts";
export { useWasm, type WasmPlace, type WasmSource } from "./core/load.ts";
export { type ApplyRet, type GenesisSupply, type MachineContext, Vm, type VmHost, type VmOptions } from "./core/vm.ts";
export { type Bundle, BundleError, carsOf, readBundle } from "./exec/bundle.ts";
export { type BundleFile, Bundles } from "./exec/bundles.ts";
export { ExecError } from "./exec/errors.ts";
export { Executor, type ExecutorParts } from "./exec/executor.ts";
export {
  circuitKey,
  keyedVerifier,
  type MissingKeyPolicy,
  type ProofCircuit,
  type VerifierOptions,
} from "./exec/keyed-verifier.ts";
export type { Migration, UpgradeBlocks } from "./exec/migration.ts";
export { ExecutionPool, type PoolClient, type PoolSettings } from "./exec/pool.ts";
export { decodeTrace, type TraceCall } from "./exec/trace.ts";
export type {
  AppliedMessage,
  BlockInput,
  Execution,
  ExecutionResult,
  ExecutionRules,
  MessageInput,
  ProofVerifier,
  RandomnessSource,
  TipsetInput,
} from "./exec/types.ts";
export { MIGRATIONS, type UpgradeName } from "./exec/upgrades.ts";
export { decodeMethodData, encodeMethodParams, StateView } from "./state/state-view.ts";
export { readCar } from "./storage/car.ts";
export type { Batch, Block, BlockSource, BlockStore } from "./storage/contract.ts";
export { MemoryStore } from "./storage/memory.ts";
export { TableStore } from "./storage/table-store.ts";
