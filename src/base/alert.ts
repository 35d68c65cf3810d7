/** Something that an operator should know of for as long as it lasts: when it began last, and when it ended last. */

export type AlertEvent = {
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly time: number;
};

export class Alert {
  readonly system: string;
  readonly subsystem: string;
  private active = false;
  private begun: AlertEvent | null = null;
  private ended: AlertEvent | null = null;

  constructor(system: string, subsystem: string) {
    this.system = system;
    this.subsystem = subsystem;
  }

  get isActive(): boolean {
    return this.active;
  }

  get lastActive(): AlertEvent | null {
    return this.begun;
  }

  get lastResolved(): AlertEvent | null {
    return this.ended;
  }

  raise(message: string): void {
    this.active = true;
    this.begun = { message, time: Date.now() };
  }

  /** Ends the alert, if it is active. */
  resolve(message: string): void {
    if (!this.active) return;
    this.active = false;
    this.ended = { message, time: Date.now() };
  }
}
