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
