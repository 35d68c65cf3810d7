/** A file from an address that the user named: bounded, with progress, ended by silence. */
import { GrowingBytes } from "../base/byte-queue.ts";
import { MAX_PACK } from "../exec/bundle.ts";
import { UnreachableError, UsageError } from "./errors.ts";
import { type ProgressLine, sizeText } from "./terminal.ts";

/** Milliseconds without a byte after which the server is given up. */
const SILENCE = 60_000;

export type DownloadOptions = { readonly signal: AbortSignal; readonly line: ProgressLine };

/** The bytes at `url`, at most those of the largest bundle. Throws `UnreachableError`, or an error with the status. */
export async function download(url: string, { signal, line }: DownloadOptions): Promise<Uint8Array> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError(`${url} is no address: http:// or https:// expected`);
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE);
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE);
  };
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, silence.signal]) });
    if (!response.ok || response.body === null) throw new Error(`${url} answers ${response.status}`);
    const total = Number(response.headers.get("content-length") ?? 0);
    // A server may send byte by byte.
    const all = new GrowingBytes();
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      heard();
      const size = all.size + part.length;
      if (size > MAX_PACK) throw new Error(`${url} is larger than any bundle of actors (${sizeText(MAX_PACK)})`);
      all.add(part);
      if (total > 0) line.part("download", Math.min(size, total), total);
      else line.show(`download ${sizeText(size)}`);
    }
    return all.take();
  } catch (error) {
    if (silence.signal.aborted) throw new Error(`${url} sent nothing for ${SILENCE / 1000} s`);
    if (error instanceof TypeError) throw new UnreachableError(url, error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
