/**
 * A set of CIDs in 24 to 48 bytes each, for walks over millions of blocks.
 *
 * Of a CID it holds 128 bits: the last 16 bytes, which are half of a digest, mixed with what stands before them. Two CIDs
 * that agree there count as one; who makes such a pair on purpose has to search some 2^64 digests.
 */

const FIRST_SLOTS = 1 << 10;
const WORDS = 4;

export class CidSet {
  /** Open addressing, at most two thirds full; a slot of zeros is empty. */
  private slots = new Uint32Array(WORDS * FIRST_SLOTS);
  private readonly print = new Uint32Array(WORDS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  has(cid: Uint8Array): boolean {
    this.read(cid);
    return this.find(this.slots) < 0;
  }

  /** Adds a CID; tells whether it was not there. */
  add(cid: Uint8Array): boolean {
    this.read(cid);
    const free = this.find(this.slots);
    if (free < 0) return false;
    this.slots.set(this.print, free);
    this.count++;
    if (3 * WORDS * this.count > 2 * this.slots.length) this.grow();
    return true;
  }

  private read(cid: Uint8Array): void {
    const { print } = this;
    const tail = Math.max(0, cid.length - 4 * WORDS);
    let mix = 0x811c9dc5 ^ cid.length;
    for (let i = 0; i < tail; i++) mix = Math.imul(mix ^ (cid[i] as number), 0x01000193);
    print.fill(0);
    for (let i = tail; i < cid.length; i++) {
      const word = (i - tail) >> 2;
      print[word] = ((print[word] as number) << 8) | (cid[i] as number);
    }
    print[0] = (print[0] as number) ^ mix;
    if ((print[0] as number) === 0 && print[1] === 0 && print[2] === 0 && print[3] === 0) print[3] = 1;
  }

  /** Where the print could be put, or -1 if it is there. */
  private find(slots: Uint32Array): number {
    const { print } = this;
    const [a, b, c, d] = [print[0], print[1], print[2], print[3] as number];
    const mask = slots.length - 1;
    for (let at = (d * WORDS) & mask; ; at = (at + WORDS) & mask) {
      const [p, q, r, s] = [slots[at], slots[at + 1], slots[at + 2], slots[at + 3]];
      if (p === a && q === b && r === c && s === d) return -1;
      if (p === 0 && q === 0 && r === 0 && s === 0) return at;
    }
  }

  private grow(): void {
    const old = this.slots;
    const slots = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += WORDS) {
      this.print.set(old.subarray(at, at + WORDS));
      if (this.print.some((word) => word !== 0)) slots.set(this.print, this.find(slots));
    }
    this.slots = slots;
  }
}
