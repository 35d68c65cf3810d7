/** Of answers that race, that to the last question counts. */
export class Latest {
  /** Counts what was asked and what was changed: an answer to what is not the last is nobody's any more. */
  private asked = 0;

  /** Nobody waits any more for what is under way. */
  forget(): void {
    this.asked++;
  }

  /** Tells what `run` comes to, unless something else was asked, or changed, meanwhile. */
  async ask<T>(run: () => Promise<T>, took: (value: T) => void, failed: (error: unknown) => void): Promise<void> {
    const own = ++this.asked;
    const [value, error] = await run().then(
      (found) => [found, null] as const,
      (thrown: unknown) => [null, { thrown }] as const,
    );
    if (own !== this.asked) return;
    if (error === null) took(value as T);
    else failed(error.thrown);
  }
}
