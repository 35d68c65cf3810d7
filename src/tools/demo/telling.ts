/** Tells a demonstration step by step, for people or as JSON, and keeps what differs from what was expected. */
export class Telling {
  readonly wrong: string[] = [];
  private readonly began = Date.now();
  private readonly isJson: boolean;

  constructor(isJson: boolean) {
    this.isJson = isJson;
  }

  get seconds(): number {
    return (Date.now() - this.began) / 1000;
  }

  tell(step: string, facts: Readonly<Record<string, string | number | boolean>> = {}): void {
    const { seconds } = this;
    if (this.isJson) {
      process.stdout.write(`${JSON.stringify({ step, seconds, ...facts })}\n`);
      return;
    }
    const lines = Object.entries(facts).map(([name, value]) => `          ${name}: ${value}\n`);
    process.stdout.write(`${seconds.toFixed(1).padStart(7)}s  ${step}\n${lines.join("")}`);
  }

  check(what: string, found: unknown, expected: unknown): void {
    if (`${found}` !== `${expected}`) this.wrong.push(`${what}: ${expected} expected, ${found} found`);
  }
}
