/** Values that are asked for anew when the chain moves: by its stream, not by a clock, and never two at once. */
import { useEffect, useState } from "preact/hooks";
import { revision } from "./chain.ts";
import { connection, errorText } from "./node.ts";

export type Live<T> = { readonly value: T | null; readonly error: string };

/** Milliseconds between two answers of one question at the least. */
const PAUSE_MS = 500;

/**
 * What `fetch` gives, now and again whenever the chain has moved (`once`: never again). Another `key` is another question: what was
 * known is dropped.
 */
export function useLive<T>(key: string, fetch: () => Promise<T>, once = false): Live<T> {
  const [state, setState] = useState<Live<T> & { readonly key: string }>({ key, value: null, error: "" });
  useEffect(() => {
    let gone = false;
    let busy = false;
    let again = false;
    const run = async (): Promise<void> => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      do {
        again = false;
        try {
          const value = await fetch();
          if (!gone) setState({ key, value, error: "" });
        } catch (error) {
          if (!gone)
            setState((before) => ({ key, value: before.key === key ? before.value : null, error: errorText(error) }));
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      } while (again && !gone);
      busy = false;
    };
    let isFirst = true;
    const stop = (once ? connection : revision).subscribe(() => {
      if (isFirst || !once || connection.peek() === "open") void run();
      isFirst = false;
    });
    return () => {
      gone = true;
      stop();
    };
  }, [key]);
  return state.key === key ? state : { value: null, error: "" };
}
