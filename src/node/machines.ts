/**
 * Where a node executes: in its own thread, or in the workers of the process, which it shares with every other node.
 */
import { NO_RANDOMNESS } from "../chain/randomness.ts";
import type { VmOptions } from "../core/vm.ts";
import { Executor, type ExecutorParts } from "../exec/executor.ts";
import { leasePool, type PoolLease } from "../exec/shared-pool.ts";
import type { Execution, ProofVerifier } from "../exec/types.ts";
import type { BlockSource } from "../storage/contract.ts";
import { cidKey } from "../types/cid.ts";
import type { Health, Startable } from "./startable.ts";

export type MachinePlace = "thread" | "worker";

export type MachinesOptions = {
  readonly place: MachinePlace;
  readonly vm: VmOptions;
  readonly blocks: BlockSource;
  /** Who verifies proofs that are submitted to actors. Default: none is good. */
  readonly proofs?: ProofVerifier;
  /** Blocks by their keys that are in no store yet: actors of versions to come. */
  readonly later?: ReadonlyMap<string, Uint8Array>;
};

export class Machines implements Startable {
  readonly name = "machines";
  readonly tipsets: Execution;
  /** Simulations, which have a worker to go to while tipsets are executed; in a thread the same machine. */
  readonly calls: Execution;
  private readonly lease: PoolLease | null;
  private closed = false;

  constructor({ place, vm, blocks, proofs, later }: MachinesOptions) {
    const parts: ExecutorParts = {
      blocks: later === undefined || later.size === 0 ? blocks : withBlocks(blocks, later),
      randomness: NO_RANDOMNESS,
      proofs: proofs ?? { verifyPoSt: () => false, verifySeal: () => false },
    };
    this.lease = place === "thread" ? null : leasePool();
    this.tipsets = this.lease === null ? new Executor(vm, parts) : this.lease.pool.client(vm, parts);
    this.calls = this.tipsets;
  }

  async start(): Promise<void> {
    this.lease?.pool.start();
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.closed = true;
    await this.tipsets.close();
    await this.lease?.release();
  }

  health(): Health {
    return { status: this.closed ? "stopped" : "ok" };
  }
}

function withBlocks(blocks: BlockSource, later: ReadonlyMap<string, Uint8Array>): BlockSource {
  return {
    peek: (cid) => later.get(cidKey(cid)) ?? blocks.peek(cid),
    get: async (cid) => later.get(cidKey(cid)) ?? blocks.get(cid),
  };
}
