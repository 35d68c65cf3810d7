/**
 * Events that actors emit during a message, and the array of them that its receipt names.
 *
 * An event is [emitter, [[flags, key, codec, value] ...]]. Those of a call that fails are forgotten. The array is
 * stored without charge, for whoever reads receipts.
 * Source: ref-fvm fvm/src/call_manager/default.rs (EventsAccumulator).
 */
import { Bytes } from "../base/bytes";
import { Amt } from "../ipld/amt";
import { Cid } from "../ipld/cid";
import { BlockStore } from "../ipld/store";

/** Bits of index per level. */
const EVENTS_WIDTH: i32 = 5;
/** Form of the array. */
const FORM: i32 = 3;

@final
export class EventLog {
  /** CBOR of stamped events. */
  private readonly events: Array<Bytes> = [];

  start(): void {
    this.events.length = 0;
  }

  add(event: Bytes): void {
    this.events.push(event);
  }

  mark(): i32 {
    return this.events.length;
  }

  rollBack(mark: i32): void {
    this.events.length = mark;
  }

  /** Writes the array; its root, or null without events. */
  root(store: BlockStore): Cid | null {
    if (this.events.length == 0) return null;
    const array = Amt.empty(store, FORM, EVENTS_WIDTH);
    for (let i = 0; i < this.events.length; i++) array.set(<u64>i, this.events[i]);
    return array.flush();
  }
}
