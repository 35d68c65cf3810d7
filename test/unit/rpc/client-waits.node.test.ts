/** A call by HTTP that Node's `fetch` gives up: it says so, and not that nobody is there. */
import { afterEach, expect, test, vi } from "vitest";
import { connect } from "../../../src/client.ts";

afterEach(() => void vi.unstubAllGlobals());

test("what waited longer than fetch does is told apart from a node that is not there", async () => {
  const node = connect("http://127.0.0.1:1/rpc/v1");
  const failing = (code: string) => async () => {
    throw Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("it failed"), { code }) });
  };
  for (const code of ["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]) {
    vi.stubGlobal("fetch", failing(code));
    await expect(node.ChainHead()).rejects.toMatchObject({
      code: 0,
      message: expect.stringMatching(/ChainHead took .* ws:\/\//),
    });
  }
  vi.stubGlobal("fetch", failing("ECONNREFUSED"));
  await expect(node.ChainHead()).rejects.toThrow(/cannot reach .*: it failed/);
});
