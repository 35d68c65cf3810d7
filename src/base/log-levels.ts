/** What a node prints about itself: each part has a name and the least serious kind of line that is printed. */

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export class LogLevels {
  private readonly levels: Map<string, LogLevel>;

  /** Names of the parts; all begin with "debug": everything is printed. */
  constructor(names: readonly string[]) {
    this.levels = new Map(names.map((name) => [name, "debug"]));
  }

  get names(): readonly string[] {
    return [...this.levels.keys()];
  }

  /** Sets the level of a part, or ("*") of all; false if there is no such part. */
  set(name: string, level: LogLevel): boolean {
    if (name !== "*" && !this.levels.has(name)) return false;
    for (const one of name === "*" ? this.names : [name]) this.levels.set(one, level);
    return true;
  }

  /** Whether a part prints a line of this kind. */
  prints(name: string, kind: LogLevel): boolean {
    const level = this.levels.get(name);
    return level !== undefined && LOG_LEVELS.indexOf(kind) >= LOG_LEVELS.indexOf(level);
  }
}
