/**
 * Where a node executes: in its own thread, or in workers, one for tipsets and one for calls that leave nothing, so that
 * an estimate of gas need not wait for a long tipset.
 */
import { NO_RANDOMNESS } from "../chain/randomness.ts";
import type { VmOptions } from "../core/vm.ts";
import { Executor, type ExecutorParts } from "../exec/executor.ts";
import type { Execution } from "../exec/types.ts";
import { WorkerExecutor } from "../exec/worker-executor.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { Health, Startable } from "./startable.ts";

export type MachinePlace = "thread" | "worker";

export type MachinesOptions = { readonly place: MachinePlace; readonly vm: VmOptions; readonly blocks: BlockSource };

export class Machines implements Startable {
  readonly name = "machines";
  readonly tipsets: Execution;
  /** Simulations; in a thread the same machine. Its worker starts with the first of them. */
  readonly calls: Execution;
  private closed = false;

  constructor({ place, vm, blocks }: MachinesOptions) {
    const parts: ExecutorParts = {
      blocks,
      randomness: NO_RANDOMNESS,
      proofs: { verifyPoSt: () => false, verifySeal: () => false },
    };
    const open = (): Execution => (place === "thread" ? new Executor(vm, parts) : new WorkerExecutor(vm, parts));
    this.tipsets = open();
    this.calls = place === "thread" ? this.tipsets : open();
  }

  async start(): Promise<void> {
    if (this.tipsets instanceof WorkerExecutor) this.tipsets.start();
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.closed = true;
    await Promise.all([this.tipsets.close(), this.calls.close()]);
  }

  health(): Health {
    return { status: this.closed ? "stopped" : "ok" };
  }
}
