/** A file that a node sends as the values of a subscription: pieces in base64, the last one empty. */
import type { Subscription } from "../client.ts";

/** The pieces, once all are there. Rejects where the file was cut short, and with the reason of `signal`, which ends it. */
export function piecesOf(
  subscribe: (take: (piece: string) => void) => Promise<Subscription>,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let stop = (): void => undefined;
  return new Promise<Uint8Array<ArrayBuffer>[]>((resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const take = (piece: string): void => {
      try {
        const bytes = Uint8Array.from(atob(piece), (letter) => letter.charCodeAt(0));
        if (bytes.length === 0) resolve(parts);
        else parts.push(bytes);
      } catch (cause) {
        reject(new Error("the node sends a file that is no base64", { cause }));
      }
    };
    subscribe(take).then((subscription) => {
      const end = (): void => subscription.stop();
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
      // Without its last piece, which is empty, the file was cut short.
      void subscription.ended.then(() => {
        signal.removeEventListener("abort", end);
        reject(new Error("the node ended before the file was whole"));
      });
    }, reject);
  }).finally(() => signal.removeEventListener("abort", stop));
}
