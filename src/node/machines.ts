/**
 * Where a node executes: in its own thread, or in workers, one for tipsets and one for calls that leave nothing, so that
 * an estimate of gas need not wait for a long tipset.
 */
import type { VmOptions } from "../core/vm.ts";
import { Executor, type ExecutorParts } from "../exec/executor.ts";
import type { Execution } from "../exec/types.ts";
import { WorkerExecutor } from "../exec/worker-executor.ts";

export type MachinePlace = "thread" | "worker";

export type Machines = {
  readonly tipsets: Execution;
  /** Simulations; in a thread the same machine. Its worker starts with the first of them. */
  readonly calls: Execution;
  /** Lets what is under way end. */
  close(): Promise<void>;
};

export function openMachines(place: MachinePlace, options: VmOptions, parts: ExecutorParts): Machines {
  if (place === "thread") {
    const executor = new Executor(options, parts);
    return { tipsets: executor, calls: executor, close: () => executor.close() };
  }
  const tipsets = new WorkerExecutor(options, parts);
  const calls = new WorkerExecutor(options, parts);
  tipsets.start();
  return {
    tipsets,
    calls,
    close: async () => {
      await Promise.all([tipsets.close(), calls.close()]);
    },
  };
}
