/** A file that a node sends in pieces: whole, cut short, cancelled. */
import { expect, test } from "vitest";
import { toBase64 } from "../../../src/base/bytes.ts";
import { piecesOf } from "../../../src/page/pieces.ts";

/** A node that sends these; what `end` ends it by hand. */
function node(...pieces: readonly string[]) {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const seen = { stopped: 0 };
  const subscribe = async (take: (piece: string) => void) => {
    queueMicrotask(() => pieces.forEach(take));
    const stop = (): void => {
      seen.stopped++;
      end();
    };
    return { ended, stop };
  };
  return { subscribe, seen, end: () => end() };
}

const never = new AbortController().signal;
const [one, two] = [toBase64(Uint8Array.of(1, 2)), toBase64(Uint8Array.of(3))];

test("the pieces of a file come in their order, and an empty one ends it", async () => {
  expect(await piecesOf(node(one, two, "").subscribe, never)).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
});

test("a node that ends before the empty piece has sent no whole file, and what is no base64 is none", async () => {
  const { subscribe, end } = node(one);
  const cut = expect(piecesOf(subscribe, never)).rejects.toThrow("the node ended before the file was whole");
  await new Promise((resolve) => setTimeout(resolve));
  end();
  await cut;
  await expect(piecesOf(node("*").subscribe, never)).rejects.toThrow("no base64");
  await expect(piecesOf(() => Promise.reject(new Error("refused")), never)).rejects.toThrow("refused");
});

test("one that is cancelled ends at the node, also before the node has answered", async () => {
  const abort = new AbortController();
  const { subscribe, seen } = node(one);
  const gone = expect(piecesOf(subscribe, abort.signal)).rejects.toThrow("enough");
  await new Promise((resolve) => setTimeout(resolve));
  abort.abort(new Error("enough"));
  await gone;
  expect(seen.stopped).toBe(1);
  const early = new AbortController();
  const late = node(one);
  const soon = expect(piecesOf(late.subscribe, early.signal)).rejects.toThrow("enough");
  early.abort(new Error("enough"));
  await soon;
  await new Promise((resolve) => setTimeout(resolve));
  expect(late.seen.stopped).toBe(1);
});
