/**
 * What happened inside a message: calls and gas charges, as a CBOR sequence that the host decodes.
 *
 *   call    [0, from, to, value, method, params]
 *   charge  [1, name, gas, compute gas, storage units]
 *   end     [2, exit code, return, gas used so far, why]
 *
 * Kept only while tracing is on; a charge of nothing is not written. Never part of consensus.
 */
import { Big } from "../base/big";
import { Bytes, EMPTY, utf8 } from "../base/bytes";
import { CborWriter } from "../ipld/cbor-writer";
import { Address } from "../types/address";

@final
export class Trace {
  on: bool = false;
  private w: CborWriter = new CborWriter();

  /** Forgets everything. */
  clear(): void {
    if (this.on) this.w = new CborWriter(2, 4096);
  }

  take(): Bytes {
    if (!this.on) return EMPTY;
    const bytes = this.w.finish();
    this.clear();
    return bytes;
  }

  call(from: Address, to: Address, value: Big, method: u64, params: Bytes): void {
    this.w.array(6).u64(0).bytes(from.bytes).bytes(to.bytes).big(value).u64(method).bytes(params);
  }

  charge(name: string, gas: i64, compute: i64, storage: i64): void {
    if (gas == 0) return;
    this.w.array(5).u64(1).text(utf8(name)).i64(gas).i64(compute).i64(storage);
  }

  end(code: i32, value: Bytes, gasUsed: i64, why: string): void {
    this.w.array(5).u64(2).i64(code).bytes(value).i64(gasUsed).text(utf8(why));
  }
}
