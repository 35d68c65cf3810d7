/** Fixtures in every home: from disk in Node and Deno, from the test server in a browser. */
import { fromUtf8 } from "../../src/base/bytes.ts";
import { gunzip } from "../../src/conformance/inflate.ts";

/** More than any fixture holds. */
const MAX_BYTES = 1 << 28;

/** Apart from its use: Vite rewrites `new URL` beside `import.meta.url`, and knows no fixtures. */
const HERE = import.meta.url;

/** Bytes of a file under test/fixtures, such as "ipld/operations.json"; a gzipped one is unpacked. */
export async function readFixture(name: string): Promise<Uint8Array> {
  const bytes = await readAt(new URL(`../fixtures/${name}`, HERE));
  // looked at, because a server may have unpacked it on the way
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, MAX_BYTES) : bytes;
}

/** A JSON fixture; `T` is the caller's word on its shape. */
export async function readFixtureJson<T>(name: string): Promise<T> {
  return JSON.parse(fromUtf8(await readFixture(name))) as T;
}

async function readAt(url: URL): Promise<Uint8Array> {
  if (!("document" in globalThis)) {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
