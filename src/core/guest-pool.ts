/**
 * Instances of guests that wait to be used again, since engines take longer to make one than most calls run.
 *
 * A guest that gets one sees a new instance: bytes of the memory, mutable globals and the size that it is told are those of the start. The
 * memory itself cannot shrink, so that what lies behind the told size does not trap: only codes are reused that never reach there, as
 * the published actors (safe Rust), and none that changes its table or its segments, for which they have no instructions.
 */
import { type Guest, PAGE } from "./fvm-run.ts";

/** Most pages of a memory that is kept, and bytes of all that are. */
const KEPT_PAGES = 64;
const KEPT_BYTES = 32 << 20;

/** What a module's memory holds at first: `bytes` from `at` on, else zeros. */
type Image = { readonly at: number; readonly bytes: Uint8Array };
type Idle = { readonly module: WebAssembly.Module; readonly imports: WebAssembly.Imports; readonly guest: Guest };

export class GuestPool {
  private readonly images = new WeakMap<WebAssembly.Module, Image>();
  private readonly idle: Idle[] = [];
  private bytes = 0;

  /** Remembers what a new instance holds, so that it can be put back. */
  learn(module: WebAssembly.Module, guest: Guest): void {
    if (!this.images.has(module)) this.images.set(module, imageOf(guest.view));
  }

  /** An instance as it was at first, or null if none waits. */
  take(module: WebAssembly.Module, imports: WebAssembly.Imports): Guest | null {
    const at = this.idle.findLastIndex((one) => one.module === module && one.imports === imports);
    const image = this.images.get(module);
    if (at < 0 || image === undefined) return null;
    const [{ guest }] = this.idle.splice(at, 1) as [Idle];
    this.bytes -= guest.memory.buffer.byteLength;
    if (guest.view.length === 0) guest.view = new Uint8Array(guest.memory.buffer);
    guest.view.fill(0);
    guest.view.set(image.bytes, image.at);
    guest.stack.value = 0;
    guest.size.value = guest.firstPages;
    for (const { global, value } of guest.own) global.value = value;
    return guest;
  }

  /** Keeps an instance whose run has ended; those that waited longest give way. One without a global of its own is not known well enough. */
  put(module: WebAssembly.Module, imports: WebAssembly.Imports, guest: Guest): void {
    const size = guest.memory.buffer.byteLength;
    if (size > KEPT_PAGES * PAGE || guest.own.length === 0 || !this.images.has(module)) return;
    this.idle.push({ module, imports, guest });
    this.bytes += size;
    while (this.bytes > KEPT_BYTES) this.bytes -= (this.idle.shift() as Idle).guest.memory.buffer.byteLength;
  }
}

/** Of whole pages: looked through by words. */
function imageOf(memory: Uint8Array): Image {
  const words = new Uint32Array(memory.buffer);
  let at = 0;
  let end = words.length;
  while (at < end && words[at] === 0) at++;
  while (end > at && words[end - 1] === 0) end--;
  return { at: 4 * at, bytes: memory.slice(4 * at, 4 * end) };
}
