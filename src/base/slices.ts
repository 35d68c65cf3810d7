/** Long work of a thread in slices, so that others have their turn: a page's tasks must stay below 50 ms, a node answers meanwhile. */

/** Milliseconds of a slice: a slow machine's tasks stay short, and turns are few enough to cost nothing. */
const SLICE_MS = 8;

export class Slices {
  private began = performance.now();

  /** Resolves at once while the slice lasts; after it, in a task of its own, and the next slice begins. */
  async pause(): Promise<void> {
    if (performance.now() - this.began < SLICE_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.began = performance.now();
  }
}
