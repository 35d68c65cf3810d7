/** Gzip streams, unpacked with the platform's own decoder, to a bounded size. */

/** The whole content of a gzip stream. Throws `RangeError` past `maxBytes`, `TypeError` if it is malformed. */
export async function gunzip(packed: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return inflate(packed, maxBytes, false);
}

/** What can be unpacked of a gzip stream that may lack its end. */
export async function gunzipLenient(packed: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return inflate(packed, maxBytes, true);
}

async function inflate(packed: Uint8Array, maxBytes: number, lenient: boolean): Promise<Uint8Array> {
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > maxBytes) throw new RangeError(`gzip stream holds more than ${maxBytes} bytes`);
      parts.push(value);
    }
  } catch (error) {
    if (!lenient || error instanceof RangeError) throw error;
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
