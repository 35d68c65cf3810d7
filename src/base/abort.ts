/** Waiting that a signal ends, however long what is awaited takes. */

/**
 * What `source` yields, until `signal` is aborted: then it throws the signal's reason at once, also while the source is
 * silent, and tells the source to end without waiting for it.
 */
export async function* untilAborted<Item>(
  source: AsyncIterable<Item> | Iterable<Item>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let cut = (_: unknown): void => undefined;
  const stop = (): void => cut(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      // Not `Promise.race` with one promise for all items: that would keep every item until the end.
      const next = await new Promise<IteratorResult<Item>>((resolve, reject) => {
        cut = reject;
        Promise.resolve(iterator.next()).then(resolve, reject);
      });
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    // A source that threw is over; one that was cut off is not.
    ended ||= !signal.aborted;
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
