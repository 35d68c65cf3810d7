/** The life cycle of a node's parts: they start in order and stop in the opposite order. */
import type { Pausable, Rewind, Rewindable } from "../base/rewind.ts";
import { nodeStopped } from "../stmgr/errors.ts";

export type Health = {
  readonly status: "ok" | "failing" | "stopped";
  /** Why, if it is not well; for people. */
  readonly reason?: string;
};

export type Startable = Partial<Rewindable & Pausable> & {
  /** One word, unique within a node. */
  readonly name: string;
  start(): Promise<void>;
  /** Lets what is under way end. Called at most once, also for a part that never started. */
  stop(): Promise<void>;
  health(): Health;
};

export class Parts {
  private readonly parts: Startable[] = [];
  private readonly started = new Set<Startable>();
  private stopping: Promise<void> | null = null;

  /** Adds a part; it is started when the others are, or by `startOne`. */
  add(part: Startable): void {
    this.parts.push(part);
  }

  /** Starts all parts that have not been started. If one fails, all are stopped and its error is thrown. Once stopped, none starts any more. */
  async start(): Promise<void> {
    if (this.stopping !== null) throw nodeStopped();
    for (const part of this.parts) await this.startOne(part);
  }

  private async startOne(part: Startable): Promise<void> {
    if (this.started.has(part)) return;
    this.started.add(part);
    try {
      await part.start();
    } catch (error) {
      await this.stop().catch(() => undefined);
      throw error;
    }
  }

  /** Stops all parts, the last added first, each even if another fails; then throws the first failure. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const part of [...this.parts].reverse()) await part.stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** Lets all parts stop that work by themselves; the function that is given lets them go on. */
  async pause(): Promise<Rewind> {
    const resumes: Rewind[] = [];
    for (const part of this.parts) {
      const resume = await part.pause?.();
      if (resume !== undefined) resumes.push(resume);
    }
    return inTurn(resumes);
  }

  /** What all parts have in memory beside the store. */
  remember(): Rewind {
    return inTurn(this.parts.flatMap((part) => part.remember?.() ?? []));
  }

  /** The health of each part by its name. */
  health(): Readonly<Record<string, Health>> {
    return Object.fromEntries(this.parts.map((part) => [part.name, part.health()]));
  }
}

function inTurn(rewinds: readonly Rewind[]): Rewind {
  return async (changed) => {
    for (const rewind of rewinds) await rewind(changed);
  };
}
