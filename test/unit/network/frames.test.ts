/** Messages cut out of streams: slow readers, small pieces, lengths that lie. */
import { byteStream, streamPair } from "@libp2p/utils";
import { beforeAll, expect, test } from "vitest";
import { platform } from "#platform";
import { ByteQueue, GrowingBytes } from "../../../src/base/byte-queue.ts";
import { concat, equal } from "../../../src/base/bytes.ts";
import { cborHead, WireError } from "../../../src/network/wire/cbor.ts";
import { frameStream, LengthScanner, withLength, withoutLength } from "../../../src/network/wire/frames.ts";

// What libp2p expects of its runtime is filled in on the way.
beforeAll(() => platform.peerToPeer());
const signal = () => AbortSignal.timeout(20_000);
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7) & 255);

test("what a stream still holds when the other side has closed is read to its end", async () => {
  const [a, b] = await streamPair();
  const sent = bytesOf(3 << 20);
  const reader = frameStream(b);
  const writer = frameStream(a);
  const item = concat(cborHead(2, sent.length), sent);
  await writer.write(item, signal());
  await writer.write(cborHead(0, 7), signal());
  await a.close();
  // All of it is here, or held back, before the first read.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(equal(await reader.read(item.length, signal()), item)).toBe(true);
  expect(await reader.read(1, signal())).toEqual(Uint8Array.of(7));
  await expect(reader.read(1, signal())).rejects.toThrow(WireError);
});

test("what was read ahead while the protocol was agreed on is not lost when the other side has closed", async () => {
  const [a, b] = await streamPair();
  const ahead = byteStream(b);
  a.send(concat(Uint8Array.of(1), cborHead(0, 7)));
  await a.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await ahead.read({ bytes: 1 });
  const reader = frameStream(ahead.unwrap());
  expect(await reader.read(1, signal())).toEqual(Uint8Array.of(7));
  await expect(reader.read(1, signal())).rejects.toThrow(WireError);
});

test("messages with their length in front, cut anywhere", () => {
  const messages = [bytesOf(0), bytesOf(1), bytesOf(300), bytesOf(5)];
  const all = concat(...messages.map(withLength));
  for (const size of [1, 2, 3, 7, 400]) {
    const found: Uint8Array[] = [];
    let scanner = new LengthScanner(300);
    let frame = new GrowingBytes();
    for (let at = 0; at < all.length; ) {
      const chunk = all.subarray(at, at + size);
      const end = scanner.take(chunk);
      frame.add(end < 0 ? chunk : chunk.subarray(0, end));
      at += end < 0 ? chunk.length : end;
      if (end < 0) continue;
      found.push(withoutLength(frame.take()));
      scanner = new LengthScanner(300);
      frame = new GrowingBytes();
    }
    expect(found).toEqual(messages);
  }
});

test("a length above the limit, or one without end, is refused before its bytes", () => {
  expect(() => new LengthScanner(300).take(withLength(bytesOf(301)).subarray(0, 2))).toThrow(WireError);
  expect(() => new LengthScanner(1 << 30).take(new Uint8Array(6).fill(0x80))).toThrow(WireError);
});

test("a queue of bytes gives back what came, in order, and puts small pieces together", () => {
  const queue = new ByteQueue();
  const all = bytesOf(100_000);
  let at = 0;
  for (const size of [1, 2, 5000, 3, 20_000, 16_000, 400, 4096]) {
    queue.push(all.subarray(at, at + size));
    at += size;
  }
  for (; at < 70_000; at++) queue.push(all.subarray(at, at + 1));
  expect(queue.size).toBe(70_000);
  const first = queue.shift() as Uint8Array;
  queue.unshift(first);
  const pieces: Uint8Array[] = [];
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) pieces.push(piece);
  expect(equal(concat(...pieces), all.subarray(0, 70_000))).toBe(true);
  expect(pieces.length).toBeLessThan(16);
  expect(queue.size).toBe(0);
});
