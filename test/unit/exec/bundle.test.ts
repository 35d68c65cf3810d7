/** Bundles of actors: what is read from files, and what is refused by name. */
import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, test } from "vitest";
import { concat, equal, fromBase64, utf8 } from "../../../src/base/bytes.ts";
import { carsIn, carsOf, readBundle } from "../../../src/exec/bundle.ts";
import { Bundles } from "../../../src/exec/bundles.ts";
import { writeCar } from "../../../src/storage/car.ts";
import { readTar, TarReader } from "../../../src/storage/tar.ts";
import { type Block, type CID, cidKey, cidOfBlock } from "../../../src/types/cid.ts";
import { codeCid } from "../../support/fvm-world.ts";
import { corpus, readAt } from "../../support/vectors.ts";

const block = (data: unknown): Block & { link: CID } => {
  const bytes = dagCbor.encode(data);
  const link = cidOfBlock(bytes);
  return { cid: link.bytes, bytes, link };
};

const code = utf8("code of an actor");
const codeBlock = { cid: codeCid(code).bytes, bytes: code };
const manifest = block([["account", codeCid(code)]]);
const root = block([1, manifest.link]);
const car = writeCar([root.cid], [root, manifest, codeBlock]);

/** A pack of two files, "a.car" with the text "not a car" and "b.txt", made by tar and zstd -19. */
const PACK = fromBase64(
  "KLUv/WQAJ9UCAKKDCxGwqQMAXSGirRimiPGYO+YAGWuIcyUgRVgMLY/pF2Em1W4N33fv3d8QxkVYAAYPIGAtt9gFwPBAv1+9Y1VUj/UB0jdPbdJTAY4ASuc3E2wFgYMCbCcOB05k2U0=",
);

test("a bundle's actors by name, its root and its blocks", async () => {
  const bundle = await readBundle(car, { unknown: true });
  expect(bundle.root.equals(root.link)).toBe(true);
  expect(bundle.manifest.equals(manifest.link)).toBe(true);
  expect([...bundle.codes].map(([name, cid]) => [name, `${cid}`])).toEqual([["account", `${codeCid(code)}`]]);
  expect(bundle.published).toBeNull();
  const bundles = new Bundles();
  bundles.add(bundle);
  expect(bundles.peek(codeBlock.cid)).toEqual(code);
  expect(bundles.peek(root.cid)).toBeUndefined();
  expect(bundle.blocks.has(cidKey(manifest.cid))).toBe(true);
});

describe("refused", () => {
  test("a bundle that is not published, unless the caller takes it", async () => {
    await expect(readBundle(car)).rejects.toMatchObject({ data: { code: "UNKNOWN_BUNDLE", root: `${root.link}` } });
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["other bytes", utf8("not a car"), /no CAR/],
    ["no root", writeCar([], [root]), /no root/],
    [
      "a code that is changed",
      writeCar([root.cid], [root, manifest, { ...codeBlock, bytes: utf8("another") }]),
      /not what/,
    ],
    ["a code that is missing", writeCar([root.cid], [root, manifest]), /missing/],
    ["no manifest", writeCar([root.cid], [root, codeBlock]), /missing/],
    ["a root of another kind", writeCar([manifest.cid], [manifest, codeBlock]), /no manifest of version 1/],
  ])("%s", async (_, bytes, why) => {
    await expect(readBundle(bytes, { unknown: true })).rejects.toThrow(why);
  });

  test("a pack that is cut, at every length, with a named error", () => {
    for (let end = 4; end < PACK.length; end += 7)
      expect(() => carsOf(PACK.subarray(0, end))).toThrow(/no bundle of actors/);
  });
});

test("of a pack the CARs are taken, of any other file the file", () => {
  expect(carsOf(PACK).map((bytes) => new TextDecoder().decode(bytes))).toEqual(["not a car"]);
  expect(carsOf(car)).toEqual([car]);
});

test("a file that is no bundle is remembered with its reason, and looked at once", async () => {
  let reads = 0;
  const read = async () => {
    reads++;
    return PACK;
  };
  const files = [{ name: "pack v10.tar.zst", read }];
  const bundles = new Bundles(files);
  expect(await bundles.find("mainnet", 10)).toBeUndefined();
  expect(await bundles.find("mainnet", 9)).toBeUndefined();
  expect(reads).toBe(1);
  expect([...bundles.refused.values()]).toEqual([expect.stringMatching(/no CAR/)]);
  // Who asks for what the file's name speaks of is told why it is not taken.
  await expect(bundles.require("mainnet", 10)).rejects.toThrow(/not at hand \(pack v10\.tar\.zst is refused: .*no CAR/);
  await expect(bundles.require("mainnet", 9)).rejects.toThrow(/v9 of mainnet are not at hand: take/);
});

/** A tar archive of these files. */
function tarOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts = Object.entries(files).flatMap(([name, bytes]) => {
    const header = new Uint8Array(512);
    header.set(utf8(name));
    header.set(utf8(bytes.length.toString(8).padStart(11, "0")), 124);
    header[156] = 0x30;
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0 : byte), 8 * 32);
    header.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    return [header, bytes, new Uint8Array(-bytes.length & 511)];
  });
  return concat(...parts, new Uint8Array(1024));
}

/** A Zstandard frame of blocks that are not compressed (type 0), or of a type that there is not (3). Source: RFC 8878, section 3.1.1. */
function frameOf(blocks: readonly (readonly [type: number, bytes: Uint8Array])[]): Uint8Array {
  const parts = blocks.flatMap(([type, bytes], i) => {
    const head = (i === blocks.length - 1 ? 1 : 0) | (type << 1) | (bytes.length << 3);
    return [Uint8Array.of(head, head >> 8, head >> 16), bytes];
  });
  return concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58), ...parts);
}

describe("a pack that is damaged behind its second CAR", () => {
  const cars = [new Uint8Array(9000).fill(1), new Uint8Array(70_000).fill(2)] as const;
  const tar = tarOf({ "one.car": cars[0], "two.car": cars[1], "three.car": new Uint8Array(20_000) });
  // Up to a byte of the third file's header.
  const sound = tar.subarray(0, 512 + 9216 + 512 + 70_144 + 1);
  const pack = frameOf([
    [0, sound],
    [3, new Uint8Array(10_000)],
  ]);

  test("gives those two to whoever asks for no more", () => {
    const [one, two] = carsIn(pack);
    expect(equal(one as Uint8Array, cars[0]) && equal(two as Uint8Array, cars[1])).toBe(true);
  });

  test("is refused where all are wanted", () => {
    expect(() => carsOf(pack)).toThrow(/does not decompress/);
    expect(() => carsOf(frameOf([[0, sound.subarray(0, -513)]]))).toThrow(/no tar archive/);
  });
});

const published = corpus.bundles.find((name) => /(^|[\\/])v18\.tar\.zst$/.test(name));

describe.skipIf(published === undefined)("the published pack of v18", () => {
  test("is read up to the bundle that is wanted, again for another, and no more for one that it has not", async () => {
    const bytes = await readAt(published as string);
    let reads = 0;
    const read = async () => {
      reads++;
      return bytes;
    };
    const bundles = new Bundles([{ name: "v18.tar.zst", read }]);
    const devnet = await bundles.find("devnet", 18);
    expect(devnet?.published?.name).toBe("devnet");
    expect(await bundles.find("devnet", 18)).toBe(devnet);
    expect(reads).toBe(1);
    const early = await bundles.find("calibrationnet", 18);
    expect(early?.published?.name).toBe("calibrationnet");
    expect(reads).toBe(2);
    for (const bundle of [devnet, early])
      for (const code of bundle?.codes.values() ?? []) expect(bundles.peek(code.bytes)).toBeDefined();
    for (let i = 0; i < 3; i++) expect(await bundles.find("mainnet", 17)).toBeUndefined();
    expect(reads).toBe(3);
    expect(bundles.refused.size).toBe(0);
  }, 60_000);
});

test("a tar archive in parts of any length is the archive", () => {
  const tar = tarOf({ a: utf8("hello"), empty: new Uint8Array(0), b: new Uint8Array(1024).fill(7), c: utf8("!") });
  for (const length of [1, 3, 511, 512, 513, 1500, tar.length]) {
    const reader = new TarReader();
    const files = [];
    for (let at = 0; at < tar.length; at += length) files.push(...reader.push(tar.subarray(at, at + length)));
    reader.end();
    expect(files).toEqual(readTar(tar));
    expect(files.map(({ name }) => name)).toEqual(["a", "empty", "b", "c"]);
  }
});

test("a tar archive with a wrong sum or a wrong length is refused", () => {
  const header = new Uint8Array(1024);
  header.set(utf8("file"));
  header.set(utf8("00000000005"), 124);
  header[156] = 0x30;
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0 : byte), 8 * 32);
  header.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  header.set(utf8("hello"), 512);
  expect(readTar(header)).toEqual([{ name: "file", bytes: utf8("hello") }]);
  expect(() => readTar(header.subarray(0, 514))).toThrow(/cut short/);
  header[0] = 0x67;
  expect(() => readTar(header)).toThrow(/checksum/);
});

test("a pack in place of a bundle is named as one, with what takes it", async () => {
  const pack = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0);
  await expect(readBundle(pack)).rejects.toThrow(/a pack of several: `Bundles` finds one in it/);
});
