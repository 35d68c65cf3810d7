/**
 * Room for the memories of WebAssembly modules: addresses, of which engines set aside several GiB for each, and which all threads of a process
 * share. A memory that nobody has any more keeps its addresses until its own thread collects garbage; another thread that finds none left
 * cannot make it do so.
 */
import { isFilError } from "../base/errors.ts";

/** Whether an engine says that there is no room for a memory. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof RangeError && /out of memory|allocate/i.test(error.message);
}

/** Has this thread let go of memories that it does not have any more: where there is no room left, V8 collects before it refuses one. */
function collectMemories(): void {
  try {
    new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  } catch (error) {
    // They are all in use.
    if (!(error instanceof RangeError)) throw error;
  }
}

/** Does what a worker does; once more, after this thread has made room, if that found none for a memory (`EngineFault` HOST_MEMORY). */
export async function retryWithRoom<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (!isFilError(error, "HOST_MEMORY")) throw error;
    collectMemories();
    return attempt();
  }
}
