/**
 * Test data on every platform: from disk in Node and Deno, from the test server in a browser.
 */

async function read(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A committed file below `test/fixtures`. */
export function readFixture(path: string): Promise<Uint8Array> {
  const base = new URL("../fixtures/", import.meta.url);
  return read(new URL(path, base));
}

export async function readFixtureJson<T>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await readFixture(path))) as T;
}
