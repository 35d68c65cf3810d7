/**
 * What a message's calls were, for whoever asks: each with what it was given, whom it reached and how it ended, in order. Written as
 * a row of arrays (`src/exec/trace.ts` reads them):
 *
 *   [3, from, to, value, method, params, codec of params, gas limit, read-only, gas of the message so far]   a call begins
 *   [5, id, code, head, nonce, balance, delegated address or null]                its receiver, as the call finds it
 *   [4, exit code, return, gas of the message so far, why, codec of return]       the innermost call ends
 *
 * Source: ref-fvm v4 fvm/src/call_manager/default.rs (ExecutionEvent).
 */
import { Big } from "../base/big";
import { Bytes, EMPTY, utf8 } from "../base/bytes";
import { CborWriter } from "../ipld/cbor-writer";
import { Address, writeAddress } from "../types/address";
import { Actor } from "./actor";
import { Block } from "./blocks";

const BEGIN: u64 = 3;
const END: u64 = 4;
const RECEIVER: u64 = 5;
/** Bytes that the trace of one message may have. */
const MAX_BYTES: i32 = 64 << 20;

@final
export class Trace {
  private parts: Array<Bytes> = [];
  private length: i32 = 0;
  /** There was more than a trace may have: it is not one. */
  isFull: bool = false;

  begin(from: u64, to: Address, value: Big, method: u64, params: Block | null, limit: u64, readOnly: bool, gas: u64): void {
    const w = new CborWriter(2, 128 + (params === null ? 0 : params.data.length));
    w.array(10).u64(BEGIN);
    writeAddress(w, Address.id(from));
    writeAddress(w, to);
    w.big(value).u64(method).bytes(params === null ? EMPTY : params.data);
    w.u64(params === null ? 0 : params.codec).u64(limit).bool(readOnly).u64(gas);
    this.add(w.finish());
  }

  receiver(id: u64, actor: Actor): void {
    const w = new CborWriter(2, 160);
    w.array(7).u64(RECEIVER).u64(id).cid(actor.code).cid(actor.head).u64(actor.nonce).big(actor.balance);
    const delegated = actor.delegated;
    if (delegated === null) w.nil();
    else writeAddress(w, delegated);
    this.add(w.finish());
  }

  end(exit: u32, returned: Block | null, gas: u64, why: string): void {
    const w = new CborWriter(2, 64 + (returned === null ? 0 : returned.data.length));
    w.array(6).u64(END).u64(exit).bytes(returned === null ? EMPTY : returned.data).u64(gas).text(utf8(why));
    w.u64(returned === null ? 0 : returned.codec);
    this.add(w.finish());
  }

  private add(part: Bytes): void {
    this.length += part.length;
    this.isFull = this.isFull || this.length > MAX_BYTES;
    if (this.isFull) this.parts = [];
    else this.parts.push(part);
  }

  /** All of it, and begins anew. */
  take(): Bytes {
    const all = new CborWriter(2, this.isFull ? 0 : this.length);
    for (let i = 0; i < this.parts.length; i++) all.raw(this.parts[i]);
    this.parts = [];
    this.length = 0;
    this.isFull = false;
    return all.finish();
  }
}
