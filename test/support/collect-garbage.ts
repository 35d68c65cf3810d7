/**
 * All files of the browser's tests share one page. Memories of modules that an earlier file has left stay reserved until the page's own thread
 * collects its garbage; where addresses are short, a worker that asks for a memory does not make it do so, and fails.
 */
import { afterAll } from "vitest";

afterAll(() => {
  const { gc } = globalThis as { readonly gc?: () => void };
  if (gc === undefined) throw new Error("the browser runs without --expose-gc");
  gc();
});
