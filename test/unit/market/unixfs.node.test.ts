/**
 * CIDs of files and folders are those of kubo's own library: boxo v0.43.0 with the settings that kubo v0.43.1 calls
 * `unixfs-v1-2025` (a throwaway Go program over its balanced layout and its directories gave the CIDs below).
 */
import { expect, test } from "vitest";
import { fileContent, type InputEntry, importUnixfs } from "../../../src/market/data/unixfs.ts";
import { cidFromBytes } from "../../../src/types/cid.ts";

const MIB = 1 << 20;

/** Bytes of a 32-bit xorshift generator, in parts of a MiB. */
async function* bytesOf(size: number): AsyncGenerator<Uint8Array> {
  let x = 0x12345678;
  for (let left = size; left > 0; left -= MIB) {
    const part = new Uint8Array(Math.min(left, MIB));
    const view = new DataView(part.buffer);
    for (let i = 0; i + 4 <= part.length; i += 4) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      view.setUint32(i, x, true);
    }
    yield part;
  }
}

async function cidOf(entries: AsyncIterable<InputEntry>): Promise<string> {
  return `${await importUnixfs(entries, async () => undefined)}`;
}

test.each([
  [0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"],
  [1, "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu"],
  [MIB, "bafkreigsnopqqkfp7mlr45es4mqmylmdkzohx5y4ys6dn7lz3ocvechzcu"],
  [MIB + 1, "bafybeifiqtxayipyp3ufyii4tz7e56cfppzcre65dmeffjhmr5ha6rm4za"],
  [100 * MIB, "bafybeiewrsdg3fi2vr475aqn2xcgwcntiejckcgwskhc62ti4nruridbce"],
])("a file of %i bytes", async (size, cid) => {
  async function* entries(): AsyncGenerator<InputEntry> {
    yield { path: "file", content: bytesOf(size) };
  }
  expect(await cidOf(entries())).toBe(cid);
});

test.each([
  // Of names so short that links alone would not need shards.
  [
    5000,
    (n: number) => `file-${`${n}`.padStart(4, "0")}.txt`,
    "bafybeicbshqf5qeubf5xs2whev2jjq4dzkmstpkafr2ku7shlzaqlfmn5y",
  ],
  [
    5000,
    (n: number) => `entry-with-a-long-name-${`${n}`.padStart(5, "0")}.bin`,
    "bafybeihwzemojbukqast67wjazjlamoy76evpaw7mvufbk6yfnufwz3sgu",
  ],
  [10, (n: number) => `f${n}`, "bafybeif2wmq6x2vp33jyqr53jujb54gzel3e6vkrfokem2w5g6kqdaxofq"],
] as const)("a folder of %i entries", async (count, name, cid) => {
  async function* content(n: number): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(`content ${n}`);
  }
  async function* entries(): AsyncGenerator<InputEntry> {
    for (let n = 0; n < count; n++) yield { path: `folder/${name(n)}`, content: content(n) };
  }
  expect(await cidOf(entries())).toBe(cid);
});

test("bytes of a file from any place to any other, of the blocks that hold them alone", async () => {
  const size = 3 * MIB + 7;
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const part of bytesOf(size)) {
    whole.set(part, at);
    at += part.length;
  }
  const blocks = new Map<string, Uint8Array>();
  const root = await importUnixfs(
    (async function* (): AsyncGenerator<InputEntry> {
      yield { path: "file", content: bytesOf(size) };
    })(),
    async (cid, bytes) => void blocks.set(`${cid}`, bytes),
  );
  let read = 0;
  const get = async (cid: Uint8Array) => {
    read++;
    return blocks.get(`${cidFromBytes(cid)}`);
  };
  const source = { peek: () => undefined, get };
  const spans = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, size - 1, size];
  for (const from of spans)
    for (const to of spans.filter((end) => end >= from)) {
      const parts: Uint8Array[] = [];
      read = 0;
      for await (const part of fileContent(source, root, { from: BigInt(from), to: BigInt(to) })) parts.push(part);
      expect(Buffer.concat(parts).equals(whole.subarray(from, to))).toBe(true);
      expect(read).toBeLessThanOrEqual(2 + Math.ceil((to - from) / MIB) + 1);
    }
});
