/** Chance from a seed: every part of a simulation draws from a stream of its own, so that one part's draws move no other's. */
import { utf8 } from "../base/bytes.ts";
import { blake2b } from "../base/digests.ts";

/** A stream of random numbers that its name decides (sfc32). */
export class Random {
  private readonly name: string;
  private readonly words: Uint32Array;

  constructor(name: string) {
    this.name = name;
    const digest = blake2b(utf8(`filigree/sim/${name}`), 16);
    const view = new DataView(digest.buffer, digest.byteOffset);
    this.words = Uint32Array.from({ length: 4 }, (_, i) => view.getUint32(4 * i));
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Another stream, whatever was drawn from this one. */
  stream(name: string): Random {
    return new Random(`${this.name}/${name}`);
  }

  /** 0 to 1, without 1. */
  next(): number {
    const words = this.words as unknown as [number, number, number, number];
    const sum = (words[0] + words[1] + words[3]) >>> 0;
    words[3] = (words[3] + 1) >>> 0;
    words[0] = words[1] ^ (words[1] >>> 9);
    words[1] = (words[2] + (words[2] << 3)) >>> 0;
    words[2] = ((words[2] << 21) | (words[2] >>> 11)) + sum;
    return sum / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)] as T;
  }

  /** The same members in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.between(0, i);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
