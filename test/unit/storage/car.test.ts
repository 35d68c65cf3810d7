import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../src/base/bytes.ts";
import { CarError, readCar, writeCar } from "../../../src/storage/car.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";

const block = fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ cid: cidOfBlock(bytes).bytes, bytes }));
const hexOf = (blocks: readonly { cid: Uint8Array; bytes: Uint8Array }[]): string[] =>
  blocks.map(({ cid, bytes }) => `${toHex(cid)} ${toHex(bytes)}`);

describe("CAR files", () => {
  test("what was written is read back, roots and blocks in order", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), fc.array(block, { maxLength: 3 }), (blocks, roots) => {
        const file = readCar(
          writeCar(
            roots.map(({ cid }) => cid),
            blocks,
          ),
        );
        expect(file.roots.map(toHex)).toEqual(roots.map(({ cid }) => toHex(cid)));
        expect(hexOf(file.blocks)).toEqual(hexOf(blocks));
      }),
    );
  });

  test("damaged files are read or refused with a place, never anything else", () => {
    const good = writeCar(
      [cidOfBlock(Uint8Array.of(1)).bytes],
      [1, 2, 3].map((n) => ({
        cid: cidOfBlock(Uint8Array.of(n)).bytes,
        bytes: new Uint8Array(n * 50),
      })),
    );
    let refused = 0;
    const damage = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), fc.uint8Array({ maxLength: 3 }));
    fc.assert(
      fc.property(damage, ([at, byte, cut, more]) => {
        const bytes = concat(good.subarray(0, cut), more);
        if (at < bytes.length) bytes[at] = byte;
        try {
          readCar(bytes);
        } catch (error) {
          if (!(error instanceof CarError)) throw error;
          refused++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  test("a section that is cut short, or longer than any block may be, is refused", () => {
    const good = writeCar([], [{ cid: cidOfBlock(Uint8Array.of(1)).bytes, bytes: new Uint8Array(20) }]);
    expect(() => readCar(good.subarray(0, good.length - 1))).toThrow(CarError);
    // a varint of 2^42 bytes
    expect(() => readCar(concat(writeCar([], []), Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)))).toThrow(
      CarError,
    );
    expect(() => readCar(new Uint8Array(0))).toThrow(CarError);
  });

  describe("version 2", () => {
    const contents = writeCar(
      [cidOfBlock(Uint8Array.of(1)).bytes],
      [{ cid: cidOfBlock(Uint8Array.of(7)).bytes, bytes: Uint8Array.of(7) }],
    );
    /** Header, `gap` bytes, the contents, and something that may be an index. */
    const wrapped = (gap: number, at = 51 + gap, size = contents.length): Uint8Array => {
      const header = new DataView(new ArrayBuffer(40));
      header.setBigUint64(16, BigInt(at), true);
      header.setBigUint64(24, BigInt(size), true);
      header.setBigUint64(32, BigInt(at + size), true);
      return concat(
        fromHex("0aa16776657273696f6e02"),
        new Uint8Array(header.buffer),
        new Uint8Array(gap),
        contents,
        Uint8Array.of(0x80, 0x08, 1, 2, 3),
      );
    };

    test.each([0, 13])("holds a version 1, behind a gap of %i bytes and before an index", (gap) => {
      const file = readCar(wrapped(gap));
      expect(file.roots.map(toHex)).toEqual(readCar(contents).roots.map(toHex));
      expect(hexOf(file.blocks)).toEqual(hexOf(readCar(contents).blocks));
    });

    test("is refused when its contents lie outside of the file, over the header, or are no version 1", () => {
      const inner = concat(wrapped(0).subarray(0, 51), wrapped(0));
      const view = new DataView(inner.buffer);
      view.setBigUint64(27, 51n, true);
      view.setBigUint64(35, BigInt(inner.length - 51), true);
      for (const bad of [
        wrapped(0).subarray(0, 50),
        wrapped(0, 50),
        wrapped(0, 51, 1000),
        wrapped(0, 51, 2 ** 60),
        wrapped(0, 52),
        inner,
      ])
        expect(() => readCar(bad)).toThrow(CarError);
    });
  });
});
