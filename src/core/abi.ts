/**
 * The ABI of `vm.wasm`: the whole list of its imports and exports. Twin of `assembly/abi/host.ts` (imports) and
 * `assembly/entry/machine.ts` (exports); a test compares both with the compiled module.
 *
 * Conventions of the ABI:
 *
 * 1. Bytes cross as (address, length), both 32 bits. Structured things are DAG-CBOR, scalars themselves. Epochs, method
 *    numbers and tags are 64 bits wide, so they are `bigint` here and nowhere else.
 * 2. The host writes arguments into memory that it asked for with `alloc`. A call that answers with bytes returns their
 *    length; they lie at `resultPtr()` until the next call and the host copies them at once.
 * 3. An export returns i32: 0 or more is a length or a plain answer, below 0 is one of `REFUSAL`. Exit codes do not
 *    travel here, they are inside receipts; the one exception is the answer of `call_actor`.
 * 4. An import answers at once or throws. What it throws unwinds the core: the run is void and the instance is used up.
 *    A missing block is such a fault; the host fetches the block and runs again from the same root.
 * 5. Nothing re-enters the core except `call_actor`, which calls the export `runActor` and turns what `exit_actor` threw
 *    into an exit code.
 */

/** Version of the ABI; a module with another one is refused. */
export const ABI_VERSION = 2;

/** What exports return in place of a length. */
export const REFUSAL = {
  /** Nothing is there: no such actor, no such address. */
  notFound: -1,
  /** The bytes given are malformed. */
  malformed: -2,
  /** The message may not be applied at all: its gas limit is not positive, or a fee is negative. */
  notApplicable: -3,
  /** No machine is open. */
  notOpen: -4,
  /** The core does not execute that network version. */
  unknownVersion: -5,
} as const;

// ---- imports: chain, engine

export type VmImports = {
  readonly chain: {
    block_length(cid: number, cidLength: number): number;
    block_copy(to: number): void;
    block_put(cid: number, cidLength: number, block: number, length: number): void;
    ticket_randomness(tag: bigint, epoch: bigint, entropy: number, entropyLength: number, to: number): void;
    beacon_randomness(tag: bigint, epoch: bigint, entropy: number, entropyLength: number, to: number): void;
  };
  readonly engine: {
    call_actor(frame: number): number;
    exit_actor(code: number): void;
    fault(why: number, length: number): void;
    verify_post(info: number, length: number): number;
    verify_seal(info: number, length: number): number;
  };
};

// ---- exports

export type VmExports = {
  abiVersion(): number;
  alloc(size: number): number;
  free(at: number): void;
  collect(): void;
  blockTraffic(): number;
  resultPtr(): number;
  upgradeActorsV2(at: number, length: number): number;
  genesisTree(at: number, length: number): number;
  machineOpen(at: number, length: number): number;
  machineAdvance(at: number, length: number): number;
  machineApply(at: number, length: number, chainLength: number): number;
  machineApplyImplicit(at: number, length: number): number;
  machineTrace(): number;
  machineReceipts(): number;
  machineFlush(): number;
  machineClose(): void;
  stateActor(at: number, length: number): number;
  stateResolve(at: number, length: number): number;
  stateSupply(): number;
  runActor(frame: number): void;
};

/** Names of all imports, by module. */
export const IMPORT_NAMES: { readonly [M in keyof VmImports]: readonly (keyof VmImports[M])[] } = {
  chain: ["block_length", "block_copy", "block_put", "ticket_randomness", "beacon_randomness"],
  engine: ["call_actor", "exit_actor", "fault", "verify_post", "verify_seal"],
};

/** Names of all exports. */
export const EXPORT_NAMES: readonly (keyof VmExports)[] = [
  "abiVersion",
  "alloc",
  "free",
  "collect",
  "blockTraffic",
  "resultPtr",
  "upgradeActorsV2",
  "genesisTree",
  "machineOpen",
  "machineAdvance",
  "machineApply",
  "machineApplyImplicit",
  "machineTrace",
  "machineReceipts",
  "machineFlush",
  "machineClose",
  "stateActor",
  "stateResolve",
  "stateSupply",
  "runActor",
];
