/** A POST whose answer may take hours: `fetch` of Node gives up after five minutes without one. */
import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { AnswerSizeError, MOST_OF_ANSWER } from "../base/answer-text.ts";

export type Posted = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends it; then this rejects with what the system makes of that. */
  readonly signal: AbortSignal;
};
export type Answer = { readonly status: number; readonly text: string };

/**
 * Rejects with the system's error where nobody is reached, or who was reached goes away. Each has a connection of its own: one that was
 * kept may be closed by the node just as it is used again, and nobody could say whether the call was made.
 */
export function patientPost({ url, headers, body, signal }: Posted): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith("https:") ? secure : plain)(
      url,
      { method: "POST", headers, signal, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > MOST_OF_ANSWER) request.destroy(new AnswerSizeError(MOST_OF_ANSWER));
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
