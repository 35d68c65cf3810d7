/** Answers of servers that may be anybody: read as they come, and only so far. */

/** Most bytes of a node's answer by HTTP, and characters of one by WebSocket: real ones are far below. */
export const MOST_OF_ANSWER = 2 ** 28;

export class AnswerSizeError extends Error {
  constructor(most: number) {
    super(`an answer of more than ${most} bytes`);
    this.name = "AnswerSizeError";
  }
}

/** The parts of an answer as they come; throws `AnswerSizeError` once they have more than `most` bytes, and lets go of the connection. */
async function* partsOf(response: Response, most: number): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    size += value.length;
    if (size > most) {
      await reader.cancel().catch(() => undefined);
      throw new AnswerSizeError(most);
    }
    yield value;
  }
}

/** The text of an answer; rejects with `AnswerSizeError` where it has more than `most` bytes. */
export async function readText(response: Response, most: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of partsOf(response, most)) text += decoder.decode(part, { stream: true });
  return text + decoder.decode();
}

/** Bytes that are made room for before anything has come, where the head does not say how many do. */
const FIRST_ROOM = 64 << 10;

/**
 * The bytes of an answer; rejects with `AnswerSizeError` where there are more than `most`. Parts are not kept one by one, as each has a cost
 * however small it is: they are copied into one room of what the head says, or of twice what has come, and never of more than `most`.
 */
export async function readBytes(response: Response, most: number): Promise<Uint8Array> {
  const said = Number(response.headers.get("content-length") ?? FIRST_ROOM);
  let all = new Uint8Array(Number.isSafeInteger(said) ? Math.max(0, Math.min(said, most)) : FIRST_ROOM);
  let size = 0;
  for await (const part of partsOf(response, most)) {
    if (size + part.length > all.length) {
      const more = new Uint8Array(Math.max(size + part.length, Math.min(2 * all.length, most)));
      more.set(all.subarray(0, size));
      all = more;
    }
    all.set(part, size);
    size += part.length;
  }
  return size === all.length ? all : all.slice(0, size);
}

/** A request by `fetch`, and a node's whole answer; rejects as `fetch` does, and with `AnswerSizeError`. */
export async function exchangeText(
  url: string,
  request: RequestInit,
  most = MOST_OF_ANSWER,
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, request);
  return { status: response.status, text: await readText(response, most) };
}
