/** Answers of servers that may be anybody: read as they come, and only so far. */

/** Most bytes of a node's answer by HTTP, and characters of one by WebSocket: real ones are far below. */
export const MOST_OF_ANSWER = 2 ** 28;

export class AnswerSizeError extends Error {
  constructor(most: number) {
    super(`an answer of more than ${most} bytes`);
    this.name = "AnswerSizeError";
  }
}

/** The text of an answer; rejects with `AnswerSizeError` once it has more than `most` bytes, and lets go of the connection. */
export async function readText(response: Response, most: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > most) {
      await reader.cancel().catch(() => undefined);
      throw new AnswerSizeError(most);
    }
    text += decoder.decode(value, { stream: true });
  }
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
