/** Runs of the simulator in tests. */
import { type SimOptions, type SimReport, simulate } from "../../src/sim/simulation.ts";

export const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function simulated(options: Omit<SimOptions, "drain">): Promise<SimReport> {
  return simulate({ ...options, drain });
}
