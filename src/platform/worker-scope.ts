/**
 * The inside of a worker, the same in Node, Deno and browsers: an entry exports `work(message)`, which thread pools call
 * by name; a Web Worker receives the same message by `postMessage` and answers `{ ok, result }` or `{ ok, error }`.
 */
import type { Environment } from "./platform.ts";

/** Answers messages by `work` where nobody else calls it; an entry calls this once, when it is loaded. */
export function answerMessages<Message>(environment: Environment, work: (message: Message) => Promise<unknown>): void {
  if (environment === "node" || !("WorkerGlobalScope" in globalThis)) return;
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  scope.onmessage = (event: MessageEvent<Message>) => {
    work(event.data).then(
      (result) => scope.postMessage({ ok: true, result }),
      (error: unknown) => scope.postMessage({ ok: false, error }),
    );
  };
}
