/**
 * Which actors and addresses a message has touched, so that each is charged for once (from the third generation on). A
 * transaction that fails forgets what it touched: it is charged again.
 * Source: ref-fvm fvm/src/call_manager/state_access_tracker.rs; FIP-0055 for the actors that are free.
 */

const READ: u8 = 1;
const UPDATED: u8 = 2;

@final
export class AccessTracker {
  private readonly actors: Map<u64, u8> = new Map<u64, u8>();
  private readonly order: Array<u64> = [];
  private readonly before: Array<u8> = [];

  /** Starts a message: ids 0 to 7, 10 and 99 are free. */
  start(): void {
    this.actors.clear();
    this.order.length = 0;
    this.before.length = 0;
    for (let id: u64 = 0; id < 8; id++) this.actors.set(id, UPDATED);
    this.actors.set(10, UPDATED);
    this.actors.set(99, UPDATED);
  }

  private level(id: u64): u8 {
    return this.actors.has(id) ? this.actors.get(id) : 0;
  }

  isRead(id: u64): bool {
    return this.level(id) >= READ;
  }

  isUpdated(id: u64): bool {
    return this.level(id) >= UPDATED;
  }

  read(id: u64): void {
    if (this.level(id) == 0) this.set(id, READ);
  }

  update(id: u64): void {
    if (this.level(id) != UPDATED) this.set(id, UPDATED);
  }

  private set(id: u64, level: u8): void {
    this.order.push(id);
    this.before.push(this.level(id));
    this.actors.set(id, level);
  }

  mark(): i32 {
    return this.order.length;
  }

  rollBack(mark: i32): void {
    while (this.order.length > mark) {
      const id = this.order.pop();
      const level = this.before.pop();
      if (level == 0) this.actors.delete(id);
      else this.actors.set(id, level);
    }
  }
}
