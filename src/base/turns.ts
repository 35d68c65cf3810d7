/** Work that must not overlap: each piece begins when the one before it has ended, well or badly. */

export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when everything that was given before has ended. */
  async idle(): Promise<void> {
    await this.last;
  }
}

/** Turns for each of many: what has one key does not overlap, what has others goes on. */
export class KeyedTurns {
  private readonly lines = new Map<string, { readonly turns: Turns; users: number }>();

  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const line = this.lines.get(key) ?? { turns: new Turns(), users: 0 };
    this.lines.set(key, line);
    line.users++;
    try {
      return await line.turns.run(work);
    } finally {
      if (--line.users === 0) this.lines.delete(key);
    }
  }
}
