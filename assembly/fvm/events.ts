/**
 * Events that actors emit during a message, and the array of them that its receipt names.
 *
 * An event is [emitter, [[flags, key, codec, value] ...]]. Those of a call that fails are forgotten. The array is never stored:
 * only its root is known.
 * Source: ref-fvm fvm/src/call_manager/default.rs (EventsAccumulator).
 */
import { Bytes } from "../base/bytes";
import { Amt } from "../ipld/amt";
import { Cid, cidOf } from "../ipld/cid";
import { BlockStore } from "../ipld/store";

/** Bits of index per level. */
const EVENTS_WIDTH: i32 = 5;
/** Form of the array. */
const FORM: i32 = 3;

/** Names blocks and keeps none. */
@final
class DiscardStore extends BlockStore {
  get(_cid: Cid): Bytes {
    unreachable();
    return new StaticArray<u8>(0);
  }

  put(block: Bytes): Cid {
    return cidOf(block);
  }

  fail(_why: string): void {
    unreachable();
  }
}

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

  /** Root of the array, or null without events. */
  root(): Cid | null {
    if (this.events.length == 0) return null;
    const array = Amt.empty(new DiscardStore(), FORM, EVENTS_WIDTH);
    for (let i = 0; i < this.events.length; i++) array.set(<u64>i, this.events[i]);
    return array.flush();
  }
}
