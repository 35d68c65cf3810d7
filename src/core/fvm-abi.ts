/**
 * The border of the FVM, on the host's side: what `fvm.wasm` imports and exports, and which of its exports serves which syscall
 * of a guest. Twin of `assembly/abi/guest.ts` and `assembly/entry/fvm.ts`; a test compares both with the compiled module.
 *
 *   guest (an actor's WebAssembly, instrumented)        kernel (fvm.wasm)
 *   imports, e.g. ipld.block_open(ret, cid)  ------->  ipldBlockOpen(counter, ret, cid): 0, an error number, LEFT, CALLING
 *   its memory                               <-------  guest.size, guest.read, guest.write
 *   filigree:gas, its counter                <-------  counter, after every syscall
 *
 * Guest and kernel have memories of their own; the host copies between them. It never decides anything. The kernel does not call
 * the host to run a guest: it answers that one has to run, so that its stack is empty while guests do, however deep calls are
 * nested; the guests' own stacks grow on the host's. 64-bit numbers are `bigint`.
 */

/** Version of the ABI; a module with another one is refused. */
export { ABI_VERSION } from "./abi.ts";

/** Answers of a syscall that are no error numbers. */
export const LEFT = -1;
export const CALLING = -2;

/** How a guest's run ended (`guestEnded`). */
export const GUEST = { returned: 0, trapped: 1, left: 2, missing: 3 } as const;

export type FvmImports = {
  readonly chain: {
    block_length(cid: number, cidLength: number): number;
    block_copy(to: number): void;
    block_put(cid: number, cidLength: number, block: number, length: number): void;
    ticket_digest(epoch: bigint, to: number): number;
    beacon_digest(epoch: bigint, to: number): number;
    tipset_cid(epoch: bigint, to: number): number;
  };
  readonly guest: {
    size(): number;
    read(from: number, to: number, length: number): void;
    write(to: number, from: number, length: number): void;
  };
  readonly engine: {
    fault(why: number, length: number): void;
    verify_post(info: number, length: number): number;
    verify_seal(info: number, length: number): number;
    verify_aggregate(info: number, length: number): number;
    verify_update(info: number, length: number): number;
    consensus_fault(
      ...args: readonly [
        first: number,
        length: number,
        second: number,
        length: number,
        extra: number,
        length: number,
        to: number,
      ]
    ): number;
  };
};

/** Names of all imports, by module. */
export const FVM_IMPORT_NAMES: { readonly [M in keyof FvmImports]: readonly (keyof FvmImports[M])[] } = {
  chain: ["block_length", "block_copy", "block_put", "ticket_digest", "beacon_digest", "tipset_cid"],
  guest: ["size", "read", "write"],
  engine: ["fault", "verify_post", "verify_seal", "verify_aggregate", "verify_update", "consensus_fault"],
};

type Syscall = (counter: bigint, ...args: (number | bigint)[]) => number;

export type FvmExports = {
  abiVersion(): number;
  alloc(size: number): number;
  free(at: number): void;
  collect(): void;
  resultPtr(): number;
  fvmOpen(at: number, length: number): number;
  fvmClose(): void;
  fvmApply(at: number, length: number, chainLength: number): number;
  fvmEnd(): void;
  fvmAnswer(): number;
  fvmFlush(): number;
  fvmReceipts(): number;
  fvmActor(at: number, length: number): number;
  fvmResolve(at: number, length: number): number;
  fvmSetActor(at: number, length: number): number;
  fvmTracing(on: number): void;
  fvmTrace(): number;
  callNext(): number;
  sendEnded(): number;
  guestCode(): number;
  guestParams(): number;
  guestStart(pages: number, tableEntries: number): number;
  guestEnded(how: number, value: number, left: bigint): void;
  readonly counter: WebAssembly.Global<"i64">;
};

/** Exports that are no syscalls. */
export const FVM_EXPORT_NAMES: readonly Exclude<keyof FvmExports, "counter">[] = [
  "abiVersion",
  "alloc",
  "free",
  "collect",
  "resultPtr",
  "fvmOpen",
  "fvmClose",
  "fvmApply",
  "fvmEnd",
  "fvmAnswer",
  "fvmFlush",
  "fvmReceipts",
  "fvmActor",
  "fvmResolve",
  "fvmSetActor",
  "fvmTracing",
  "fvmTrace",
  "callNext",
  "sendEnded",
  "guestCode",
  "guestParams",
  "guestStart",
  "guestEnded",
];

/** Syscalls of every generation: the import of a guest, and the export of the kernel that serves it. */
const COMMON = {
  "actor.get_actor_code_cid": "actorGetActorCodeCid",
  "actor.get_builtin_actor_type": "actorGetBuiltinActorType",
  "actor.get_code_cid_for_type": "actorGetCodeCidForType",
  "actor.resolve_address": "actorResolveAddress",
  "crypto.batch_verify_seals": "cryptoBatchVerifySeals",
  "crypto.compute_unsealed_sector_cid": "cryptoComputeUnsealedSectorCid",
  "crypto.hash": "cryptoHash",
  "crypto.recover_secp_public_key": "cryptoRecoverSecpPublicKey",
  "crypto.verify_aggregate_seals": "cryptoVerifyAggregateSeals",
  "crypto.verify_consensus_fault": "cryptoVerifyConsensusFault",
  "crypto.verify_post": "cryptoVerifyPost",
  "crypto.verify_replica_update": "cryptoVerifyReplicaUpdate",
  "crypto.verify_signature": "cryptoVerifySignature",
  "debug.enabled": "debugEnabled",
  "debug.log": "debugLog",
  "debug.store_artifact": "debugStoreArtifact",
  "gas.charge": "gasCharge",
  "ipld.block_create": "ipldBlockCreate",
  "ipld.block_link": "ipldBlockLink",
  "ipld.block_open": "ipldBlockOpen",
  "ipld.block_read": "ipldBlockRead",
  "ipld.block_stat": "ipldBlockStat",
  "network.total_fil_circ_supply": "networkTotalFilCircSupply",
  "self.current_balance": "selfCurrentBalance",
  "self.root": "selfRoot",
  "self.set_root": "selfSetRoot",
} as const;

/** Syscalls that the fourth generation has under the same names with other arguments. */
const UP_TO_THIRD = {
  "rand.get_beacon_randomness": "randGetBeaconRandomness",
  "rand.get_chain_randomness": "randGetChainRandomness",
  "self.self_destruct": "selfDestruct",
} as const;

/** Syscalls since the third generation. */
const SINCE_THIRD = {
  "actor.balance_of": "actorBalanceOf",
  "actor.create_actor": "actorCreateActor",
  "actor.lookup_delegated_address": "actorLookupDelegatedAddress",
  "actor.next_actor_address": "actorNextActorAddress",
  "gas.available": "gasAvailable",
  "network.context": "networkContext",
  "network.tipset_cid": "networkTipsetCid",
  "send.send": "sendSend",
  "vm.exit": "vmExit",
  "vm.message_context": "vmMessageContext",
} as const;

/** By generation. A guest that imports anything else is not linked. */
export const SYSCALLS: Readonly<Record<2 | 3 | 4, Readonly<Record<string, string>>>> = {
  2: {
    ...COMMON,
    ...UP_TO_THIRD,
    "actor.create_actor": "actorCreateActor2",
    "actor.new_actor_address": "actorNewActorAddress",
    "crypto.verify_seal": "cryptoVerifySeal",
    "network.base_fee": "networkBaseFee",
    "send.send": "sendSend2",
    "vm.abort": "vmAbort",
    "vm.context": "vmContext",
  },
  3: { ...COMMON, ...UP_TO_THIRD, ...SINCE_THIRD, "event.emit_event": "eventEmitEvent" },
  4: {
    ...COMMON,
    ...SINCE_THIRD,
    "crypto.verify_bls_aggregate": "cryptoVerifyBlsAggregate",
    "event.emit_event": "eventEmitEvent4",
    "rand.get_beacon_randomness": "randGetBeaconRandomness4",
    "rand.get_chain_randomness": "randGetChainRandomness4",
    "self.self_destruct": "selfDestruct4",
  },
};

export type Generation = keyof typeof SYSCALLS;

/**
 * Parameters of the syscalls by what serves them, as guests import them (without the counter): i for i32, l for i64. All give an i32.
 * Source: ref-fvm v2.12.1, v3.14.1, ef0a99370839 fvm/src/syscalls/mod.rs and the functions linked there; the published actors' imports.
 */
export const SIGNATURES: Readonly<Record<string, string>> = {
  actorBalanceOf: "il",
  actorCreateActor: "liii",
  actorCreateActor2: "li",
  actorGetActorCodeCid: "ilii",
  actorGetBuiltinActorType: "ii",
  actorGetCodeCidForType: "iiii",
  actorLookupDelegatedAddress: "ilii",
  actorNewActorAddress: "iii",
  actorNextActorAddress: "iii",
  actorResolveAddress: "iii",
  cryptoBatchVerifySeals: "iii",
  cryptoComputeUnsealedSectorCid: "iliiii",
  cryptoHash: "iliiii",
  cryptoRecoverSecpPublicKey: "iii",
  cryptoVerifyAggregateSeals: "iii",
  cryptoVerifyBlsAggregate: "iiiiii",
  cryptoVerifyConsensusFault: "iiiiiii",
  cryptoVerifyPost: "iii",
  cryptoVerifyReplicaUpdate: "iii",
  cryptoVerifySeal: "iii",
  cryptoVerifySignature: "iiiiiiii",
  debugEnabled: "i",
  debugLog: "ii",
  debugStoreArtifact: "iiii",
  eventEmitEvent: "ii",
  eventEmitEvent4: "iiiiii",
  gasAvailable: "i",
  gasCharge: "iil",
  ipldBlockCreate: "ilii",
  ipldBlockLink: "iiliii",
  ipldBlockOpen: "ii",
  ipldBlockRead: "iiiii",
  ipldBlockStat: "ii",
  networkBaseFee: "i",
  networkContext: "i",
  networkTipsetCid: "ilii",
  networkTotalFilCircSupply: "i",
  randGetBeaconRandomness: "illii",
  randGetBeaconRandomness4: "il",
  randGetChainRandomness: "illii",
  randGetChainRandomness4: "il",
  selfCurrentBalance: "i",
  selfDestruct: "ii",
  selfDestruct4: "i",
  selfRoot: "iii",
  selfSetRoot: "i",
  sendSend: "iiilillll",
  sendSend2: "iiilill",
  vmAbort: "iii",
  vmContext: "i",
  vmExit: "iiii",
  vmMessageContext: "i",
};

/** The kernel's exports that serve syscalls, by name. */
export type SyscallExports = Readonly<Record<string, Syscall>>;
