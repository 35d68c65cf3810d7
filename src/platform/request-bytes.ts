/**
 * Bytes of requests that a server holds at once: of those that are arriving, and of those that are not answered yet.
 *
 * One client holds no more than `one`. When all together come to hold more than `all`, the client with the most is cut
 * off, so that a few who send much and never finish take nothing from the others.
 */

/** A connection, as far as it can be ended. */
export type Cuttable = { destroy(): void };

export type Hold = {
  /** Holds so many bytes from now on; false if the client may not: then nothing is held. */
  set(bytes: number): boolean;
  release(): void;
};

export class RequestBytes {
  private readonly one: number;
  private readonly all: number;
  private readonly held = new Map<Cuttable, number>();
  private readonly cut = new WeakSet<Cuttable>();
  private total = 0;

  constructor(one: number, all: number) {
    this.one = one;
    this.all = all;
  }

  /** Bytes that are held now. */
  get size(): number {
    return this.total;
  }

  /** What one request of a client will hold. */
  open(client: Cuttable): Hold {
    let own = 0;
    return {
      set: (bytes) => {
        const isRefused = bytes > own && (this.cut.has(client) || this.of(client) + bytes - own > this.one);
        this.change(client, (isRefused ? 0 : bytes) - own);
        own = isRefused ? 0 : bytes;
        if (this.total > this.all) this.cutHeaviest();
        return !isRefused && !this.cut.has(client);
      },
      release: () => {
        this.change(client, -own);
        own = 0;
      },
    };
  }

  private of(client: Cuttable): number {
    return this.held.get(client) ?? 0;
  }

  private change(client: Cuttable, by: number): void {
    // What was held by one that was cut off is counted no more.
    if (by === 0 || this.cut.has(client)) return;
    const now = this.of(client) + by;
    if (now === 0) this.held.delete(client);
    else this.held.set(client, now);
    this.total += by;
  }

  private cutHeaviest(): void {
    let most: Cuttable | null = null;
    for (const [client, bytes] of this.held) if (most === null || bytes > this.of(most)) most = client;
    if (most === null) return;
    this.total -= this.of(most);
    this.held.delete(most);
    this.cut.add(most);
    most.destroy();
  }
}
