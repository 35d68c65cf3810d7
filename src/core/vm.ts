/**
 * The typed face of `vm.wasm`: one machine on one state.
 *
 * Everything here is synchronous. What the core asks for (blocks, randomness, verdicts on proofs) comes from a `VmHost`,
 * which answers at once or throws; then the run is void, the instance is used up (`spent`) and there is no receipt.
 * `src/exec` wraps this with fetching and running again.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { checkNames, type OptionNames } from "../base/options.ts";
import { type ProfileName, profileNumber } from "../schema/profiles.ts";
import { findVersion } from "../schema/versions/rows.ts";
import { Address } from "../types/address.ts";
import { bigToBytes } from "../types/amount.ts";
import { type Block, CID, cidFromBytes, cidKey } from "../types/cid.ts";
import { ABI_VERSION, EXPORT_NAMES, REFUSAL, type VmExports, type VmImports } from "./abi.ts";
import { type ApplyRet, readApplied } from "./applied.ts";
import { VM_WASM } from "./assets/vm.ts";
import { CborItems } from "./cbor-items.ts";
import { EngineFault } from "./errors.ts";
import { Instance } from "./instance.ts";
import { compileModule, type WasmSource } from "./load.ts";

/** What the core asks its host for while it runs. */
export type VmHost = {
  /** A block by its binary CID, or undefined if it is not at hand. */
  peek(cid: Uint8Array): Uint8Array | undefined;
  /** 32 bytes drawn from the tickets of the chain: `tag` separates domains. */
  ticketRandomness(tag: number, epoch: number, entropy: Uint8Array): Uint8Array;
  /** 32 bytes drawn from the beacon. */
  beaconRandomness(tag: number, epoch: number, entropy: Uint8Array): Uint8Array;
  /** Whether a window PoSt is valid; `info` is the CBOR WindowPoStVerifyInfo. */
  verifyPoSt(info: Uint8Array): boolean;
  /** Whether a seal is valid; `info` is the CBOR SealVerifyInfo. */
  verifySeal(info: Uint8Array): boolean;
};

/** An amount that unlocks linearly over `duration` epochs from `start`. */
export type Vesting = { readonly amount: bigint; readonly duration: number; readonly start: number };

/** What the circulating supply is computed from, besides the state; see `assembly/vm/circulating-supply.ts`. */
export type GenesisSupply = {
  readonly earlyVestings: readonly Vesting[];
  readonly lateVestings: readonly Vesting[];
  /** Last epoch at which the early vestings count. */
  readonly ignitionEpoch: number;
  /** Last epoch before the second actors. */
  readonly secondActorsEpoch: number;
  readonly genesisPledge: bigint;
  readonly genesisMarketFunds: bigint;
  readonly initialReserve: bigint;
  readonly accounts: readonly { readonly id: bigint; readonly balance: bigint }[];
};

/** What the FVM's actors may know of the chain besides epoch and state; the native machine's know nothing of it. */
export type ChainFacts = {
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** An epoch and its time, seconds since 1970: that of the tipset that is executed. */
  readonly epoch: number;
  readonly timestamp: number;
  /** Time of the genesis, and seconds between epochs: what other epochs' times follow from. */
  readonly genesisTime: number;
  readonly blockDelay: number;
};

/** Where and when a machine works. */
export type MachineContext = {
  readonly stateRoot: CID;
  readonly epoch: number;
  readonly networkVersion: number;
  /** attoFIL per unit of gas */
  readonly baseFee: bigint;
  /** attoFIL, or what it is computed from. */
  readonly circulatingSupply: bigint | GenesisSupply;
  /** Needed from network version 16 on. */
  readonly facts?: ChainFacts;
  readonly tracing?: boolean;
};

export type { ApplyRet };

/** An actor in the state. */
export type ActorView = {
  readonly code: CID;
  /** Root of its state. */
  readonly head: CID;
  readonly nonce: bigint;
  /** attoFIL */
  readonly balance: bigint;
};

/** A singleton actor of a new network. */
export type GenesisActor = {
  readonly id: Address;
  readonly code: CID;
  /** attoFIL */
  readonly balance: bigint;
  /** CBOR of its state; null: the empty list, until its constructor is called. */
  readonly state: Uint8Array | null;
};

export type VmOptions = {
  /** The module's bytes, or the module compiled, in place of the platform's asset. */
  readonly source?: WasmSource;
  /** Name of the asset; `vm-test.wasm` has the test actors too. */
  readonly asset?: "vm.wasm" | "vm-test.wasm";
  /** Parameters of the network (see `src/schema/profiles.ts`). Default: the main network's. */
  readonly profile?: ProfileName;
  /** Most 64 KiB pages the memory may have. Default: 16384 (1 GiB). */
  readonly maxPages?: number;
};

const VM_OPTIONS: OptionNames<VmOptions> = { source: true, asset: true, profile: true, maxPages: true };

/** Throws `OptionError` for an option that there is not, and for a profile that is none. */
export function checkVmOptions(taker: string, options: VmOptions): void {
  checkNames(taker, options, VM_OPTIONS);
  profileNumber(options.profile);
}

const DEFAULT_MAX_PAGES = 16384;
const FIRST_PAGES = 128;
/**
 * Garbage is collected between messages: when about as much of it is there as memory may be wasted on it, and after any
 * message that made the memory grow. How much there is can only be estimated: so much a message, and so much a byte of
 * the blocks that it took apart or put together, as some of which the core counts a message inside of another.
 */
const GARBAGE_PER_MESSAGE = 2 * 1024;
const GARBAGE_PER_BLOCK_BYTE = 8;
/** Of what is asked, and of messages that are refused: as read, and as copied out of that. */
const GARBAGE_PER_ARGUMENT_BYTE = 4;
const GARBAGE_PER_CALL = 256;
/** Tables of a machine that another took the place of. */
const GARBAGE_PER_MACHINE = 64 * 1024;
const MIN_GARBAGE = 4 << 20;
const FIRST_ARGUMENT_BYTES = 4096;

/** Memory above which every implicit message is followed by a collection. */
const HEAVY_BYTES = 64 << 20;

/** What `exit_actor` throws: told apart by identity, without the cost of a stack trace. */
const EXIT = Object.freeze({ exit: true });

export class Vm {
  private readonly instance: Instance<VmExports>;
  /** The host given at creation. */
  readonly host: VmHost;
  private readonly run: RunState;
  /** Number of the profile that machines are opened with. */
  private readonly profile: number;
  private argument = 0;
  private argumentBytes = 0;
  private garbage = 0;
  private collectedAt = 0;
  /** Calls into the core that are under way. */
  private depth = 0;

  private constructor(instance: Instance<VmExports>, host: VmHost, run: RunState, profile: number) {
    this.instance = instance;
    this.host = host;
    this.run = run;
    this.profile = profile;
    run.instance = instance;
  }

  /** Loads the module once and makes an instance. Faults: those of loading, `ABI_MISMATCH`. Throws `OptionError`. */
  static async create(host: VmHost, options: VmOptions = {}): Promise<Vm> {
    checkVmOptions("Vm.create", options);
    const { asset = "vm.wasm", maxPages = DEFAULT_MAX_PAGES } = options;
    const module = await compileModule(asset === "vm.wasm" ? VM_WASM : asset, options.source);
    const run = new RunState(host);
    const instance = await Instance.create<VmExports>(
      module,
      { name: asset, maxPages, initialPages: Math.min(FIRST_PAGES, maxPages), imports: importsOf(run) },
      EXPORT_NAMES,
    );
    const version = instance.exports.abiVersion();
    if (version !== ABI_VERSION)
      throw new EngineFault({ code: "ABI_MISMATCH", asset, version }, `${asset} speaks version ${version} of the ABI`);
    return new Vm(instance, host, run, profileNumber(options.profile));
  }

  /** True once a run was void: the instance takes no more calls. */
  get spent(): boolean {
    return this.run.spent;
  }

  get memoryBytes(): number {
    return this.instance.memoryBytes;
  }

  /** Opens a machine on a state; the one before is forgotten. `made` are blocks not yet in any store. */
  open(context: MachineContext, made: Iterable<Block> = []): void {
    const blocks = [...made];
    this.run.made.clear();
    for (const block of blocks) this.run.made.set(cidKey(block.cid), block);
    const tuple = [
      context.stateRoot,
      context.epoch,
      context.networkVersion,
      bigToBytes(context.baseFee),
      supplyTuple(context.circulatingSupply),
      context.tracing ?? false,
      this.profile,
    ];
    this.garbage += GARBAGE_PER_MACHINE;
    const answer = this.call("machineOpen", dagCbor.encode(tuple), false);
    expectVersion(answer, context.networkVersion);
    this.expect(answer);
    // Not before, when the machine that is replaced would be walked through.
    this.tidy();
  }

  /** Lays out the tree that a new network starts from. `open` takes the blocks together with the root. */
  genesis(networkVersion: number, actors: readonly GenesisActor[]): { root: CID; blocks: readonly Block[] } {
    const tuples = actors.map(({ id, code, balance, state }) => [id.bytes, code, bigToBytes(balance), state]);
    this.run.made.clear();
    const root = this.cid(this.call("genesisTree", dagCbor.encode([networkVersion, tuples])));
    return { root, blocks: [...this.run.made.values()] };
  }

  /**
   * Upgrades a state from actors v0 to v2. `epoch`: the last one under v0. The machine that was open is forgotten;
   * `madeBlocks` has the new blocks. Faults: `BLOCK_MISSING`, and `CORE_FAULT` for state that does not decode.
   */
  upgradeActorsV2(stateRoot: CID, epoch: number): CID {
    this.run.made.clear();
    return this.cid(this.call("upgradeActorsV2", dagCbor.encode([stateRoot, epoch])));
  }

  /** Moves the machine to an epoch. */
  advance(epoch: number, networkVersion: number, baseFee: bigint): void {
    const answer = this.call("machineAdvance", dagCbor.encode([epoch, networkVersion, bigToBytes(baseFee)]));
    expectVersion(answer, networkVersion);
    this.expect(answer);
  }

  /**
   * Applies a message of the chain: its bare CBOR, and the length that it is charged for (with the signature for
   * secp256k1). Faults: `MESSAGE_REFUSED` for one that cannot be in a block; the machine stays as it was.
   */
  apply(message: Uint8Array, chainLength: number): ApplyRet {
    const at = this.put(message);
    return this.applied(this.guard(() => this.instance.exports.machineApply(at, message.length, chainLength)));
  }

  /** Applies an implicit message: no fees, no nonce, no receipt. */
  applyImplicit(message: Uint8Array): ApplyRet {
    const applied = this.applied(this.call("machineApplyImplicit", message));
    // Catching up many null epochs makes garbage that no estimate knows of; a large memory shows that it happens.
    if (this.instance.memoryBytes > HEAVY_BYTES) this.collect();
    return applied;
  }

  /** Trace of the last message as a CBOR sequence; empty when tracing is off. See `src/exec/trace.ts`. */
  trace(): Uint8Array {
    return this.answer(this.guard(() => this.instance.exports.machineTrace()));
  }

  /** Root of the array of receipts of the messages applied since the last call. */
  receiptsRoot(): CID {
    return this.cid(this.guard(() => this.instance.exports.machineReceipts()));
  }

  /** Writes the state; its root. */
  flush(): CID {
    return this.cid(this.guard(() => this.instance.exports.machineFlush()));
  }

  /** Forgets the machine and what it holds. */
  close(): void {
    this.guard(() => this.instance.exports.machineClose());
    this.run.made.clear();
    this.collect();
  }

  /** The actor at an address, or null. */
  actor(address: Address): ActorView | null {
    const length = this.call("stateActor", address.bytes);
    if (length === REFUSAL.notFound) return null;
    const items = new CborItems(this.answer(length));
    items.array();
    return {
      code: cidFromBytes(items.link()),
      head: cidFromBytes(items.link()),
      nonce: items.bigint(),
      balance: items.big(),
    };
  }

  /** The ID address of an address, or null. */
  resolve(address: Address): Address | null {
    const length = this.call("stateResolve", address.bytes);
    return length === REFUSAL.notFound ? null : Address.fromBytes(this.answer(length));
  }

  /** Circulating supply in the present state, attoFIL. */
  circulatingSupply(): bigint {
    return new CborItems(this.answer(this.guard(() => this.instance.exports.stateSupply()))).big();
  }

  /** Blocks that the machine has made since it was opened; not all of them need be part of the state. */
  madeBlocks(): IterableIterator<Block> {
    return this.run.made.values();
  }

  /** A block that the machine made or could read. */
  block(cid: Uint8Array): Uint8Array | undefined {
    return this.run.made.get(cidKey(cid))?.bytes ?? this.host.peek(cid);
  }

  /** Frees memory inside the core. Called as needed; here for tests and for times of rest. */
  collect(): void {
    this.guard(() => this.instance.exports.collect());
    this.garbage = 0;
    this.collectedAt = this.instance.memoryBytes;
  }

  private applied(length: number): ApplyRet {
    const items = new CborItems(this.answer(length));
    items.array();
    const applied = readApplied(items);
    this.garbage += GARBAGE_PER_MESSAGE;
    this.tidy();
    return applied;
  }

  /** Collects garbage if there is much of it, by what is known and estimated. */
  private tidy(): void {
    // Within a run, where a host may read, objects that are being worked on are nobody's yet.
    if (this.depth > 0) return;
    const bytes = this.instance.memoryBytes;
    const garbage = this.garbage + this.instance.exports.blockTraffic() * GARBAGE_PER_BLOCK_BYTE;
    if (bytes > this.collectedAt || garbage > Math.max(MIN_GARBAGE, bytes / 2)) this.collect();
  }

  private put(bytes: Uint8Array, mayTidy = true): number {
    // Here, where nothing runs: reads and refused messages have no end that is always come to.
    this.garbage += GARBAGE_PER_CALL + bytes.length * GARBAGE_PER_ARGUMENT_BYTE;
    if (mayTidy && !this.run.spent) this.tidy();
    if (bytes.length > this.argumentBytes) {
      const { alloc, free } = this.instance.exports;
      if (this.argument !== 0) free(this.argument);
      this.argumentBytes = Math.max(bytes.length, FIRST_ARGUMENT_BYTES);
      this.argument = this.guard(() => alloc(this.argumentBytes));
    }
    this.instance.write(this.argument, bytes);
    return this.argument;
  }

  private call(
    name:
      | "upgradeActorsV2"
      | "genesisTree"
      | "machineOpen"
      | "machineAdvance"
      | "machineApplyImplicit"
      | "stateActor"
      | "stateResolve",
    bytes: Uint8Array,
    mayTidy = true,
  ): number {
    const at = this.put(bytes, mayTidy);
    return this.guard(() => this.instance.exports[name](at, bytes.length));
  }

  /** Runs a call into the core; whatever is thrown out of it makes the instance unusable. */
  private guard<T>(call: () => T): T {
    if (this.run.spent)
      throw new EngineFault({ code: "INSTANCE_SPENT", asset: this.instance.name }, "the run before this was void");
    this.depth++;
    try {
      return call();
    } catch (error) {
      this.run.spent = true;
      throw this.instance.faultOf(error);
    } finally {
      this.depth--;
    }
  }

  private answer(length: number): Uint8Array {
    this.expect(length);
    return this.instance.read(this.instance.exports.resultPtr(), length);
  }

  private cid(length: number): CID {
    return cidFromBytes(this.answer(length));
  }

  private expect(result: number): void {
    if (result >= 0) return;
    if (result === REFUSAL.malformed || result === REFUSAL.notApplicable) {
      const reason = result === REFUSAL.malformed ? "MALFORMED" : "NOT_APPLICABLE";
      throw new EngineFault({ code: "MESSAGE_REFUSED", reason }, `the machine takes no such input (${reason})`);
    }
    throw new EngineFault({ code: "NOT_OPEN" }, "no machine is open");
  }
}

/** Throws if the core refuses a network version. */
function expectVersion(answer: number, networkVersion: number): void {
  if (answer !== REFUSAL.unknownVersion) return;
  const row = findVersion(networkVersion);
  const needs = row === undefined ? "is none" : `needs actors v${row.actors}, which this machine does not have`;
  throw new EngineFault(
    { code: "UNKNOWN_NETWORK_VERSION", networkVersion },
    `cannot execute: network version ${networkVersion} ${needs}`,
  );
}

/** What the imports of one instance work on. */
class RunState {
  readonly host: VmHost;
  /** Blocks made, by the key of their CID. */
  readonly made = new Map<string, Block>();
  instance: Instance<VmExports> | null = null;
  exitCode = 0;
  spent = false;
  /** The block looked up last. */
  found: Uint8Array = new Uint8Array(0);

  constructor(host: VmHost) {
    this.host = host;
  }

  get core(): Instance<VmExports> {
    if (this.instance === null) throw new EngineFault({ code: "NOT_OPEN" }, "the core asked before it was ready");
    return this.instance;
  }
}

function importsOf(run: RunState): WebAssembly.Imports & VmImports {
  const draw = (bytes: Uint8Array, to: number): void => {
    if (bytes.length !== 32)
      throw new EngineFault({ code: "RUN_VOID", why: "randomness" }, `randomness of ${bytes.length} bytes`);
    run.core.write(to, bytes);
  };
  return {
    chain: {
      block_length: (cid, cidLength) => {
        const bytes = run.core.read(cid, cidLength);
        const block = run.made.get(cidKey(bytes))?.bytes ?? run.host.peek(bytes);
        if (block === undefined)
          throw new EngineFault({ code: "BLOCK_MISSING", cid: bytes }, `block ${nameOf(bytes)} is not at hand`);
        run.found = block;
        return block.length;
      },
      block_copy: (to) => run.core.write(to, run.found),
      block_put: (cid, cidLength, block, length) => {
        const key = run.core.read(cid, cidLength);
        run.made.set(cidKey(key), { cid: key, bytes: run.core.read(block, length) });
      },
      ticket_randomness: (tag, epoch, entropy, length, to) =>
        draw(run.host.ticketRandomness(Number(tag), Number(epoch), run.core.read(entropy, length)), to),
      beacon_randomness: (tag, epoch, entropy, length, to) =>
        draw(run.host.beaconRandomness(Number(tag), Number(epoch), run.core.read(entropy, length)), to),
    },
    engine: {
      call_actor: (frame) => {
        try {
          run.core.exports.runActor(frame);
          return 0;
        } catch (error) {
          if (error !== EXIT) throw error;
          return run.exitCode;
        }
      },
      exit_actor: (code) => {
        run.exitCode = code;
        throw EXIT;
      },
      fault: (why, length) => {
        const text = new TextDecoder().decode(run.core.read(why, length));
        throw new EngineFault({ code: "RUN_VOID", why: text }, `no receipt can exist: ${text}`);
      },
      verify_post: (info, length) => (run.host.verifyPoSt(run.core.read(info, length)) ? 1 : 0),
      verify_seal: (info, length) => (run.host.verifySeal(run.core.read(info, length)) ? 1 : 0),
    },
  };
}

function nameOf(cid: Uint8Array): string {
  try {
    return CID.decode(cid).toString();
  } catch {
    return "with a malformed CID";
  }
}

function supplyTuple(supply: bigint | GenesisSupply): unknown[] {
  if (typeof supply === "bigint") return [0, bigToBytes(supply)];
  const vestings = (list: readonly Vesting[]): unknown[] =>
    list.map(({ amount, duration, start }) => [bigToBytes(amount), duration, start]);
  return [
    1,
    vestings(supply.earlyVestings),
    vestings(supply.lateVestings),
    supply.ignitionEpoch,
    supply.secondActorsEpoch,
    bigToBytes(supply.genesisPledge),
    bigToBytes(supply.genesisMarketFunds),
    bigToBytes(supply.initialReserve),
    supply.accounts.map(({ id, balance }) => [id, bigToBytes(balance)]),
  ];
}
