/** The parts of the contract that every platform offers in the same web form. */

/** The largest request that `crypto.getRandomValues` answers, bytes. Source: Web Cryptography API, section 10.1.1. */
const MAX_RANDOM_BYTES = 65536;

export function randomBytes(length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += MAX_RANDOM_BYTES)
    globalThis.crypto.getRandomValues(out.subarray(at, at + MAX_RANDOM_BYTES));
  return out;
}

export function now(): number {
  return Date.now();
}

/** Where a built file of the package lies, by its path in `dist`; the same from `src/platform` and from `dist/platform`. */
export function builtFile(file: string): URL {
  // Through a variable: bundlers rewrite `new URL(text, import.meta.url)`, and here there is no file that they could name.
  const here = import.meta.url;
  return new URL(`../../dist/${file}`, here);
}

export async function fetchAsset(url: URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
