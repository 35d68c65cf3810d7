/** The pool of this process: it begins with the first node that wants it and ends with the last. */
import { ExecutionPool } from "./pool.ts";

let shared: ExecutionPool | null = null;
let leases = 0;

export type PoolLease = {
  readonly pool: ExecutionPool;
  /** Gives the pool back, once; the last one ends its workers. */
  release(): Promise<void>;
};

/** The pool, if any node of this process executes in it now. */
export function poolAtHand(): ExecutionPool | null {
  return shared;
}

export function leasePool(): PoolLease {
  shared ??= new ExecutionPool();
  const pool = shared;
  leases++;
  let held = true;
  return {
    pool,
    release: async () => {
      if (!held) return;
      held = false;
      leases--;
      if (leases > 0) return;
      shared = null;
      await pool.close();
    },
  };
}
