/** Hosts and origins that are allowed, however they are spelled, as the headers of requests spell them. */
import { expect, test } from "vitest";
import { hostAllowed, originAllowed, readGuard } from "../../../src/rpc/guard.ts";

const guard = (allowHosts: string[], allowOrigins: string[] = []) =>
  readGuard({ allowHosts, allowOrigins, loopbackOrigins: false });

test.each([
  ["Node.Example", "node.example:1234"],
  ["node.example:1234", "NODE.example"],
  ["fe80::1", "[fe80::1]:80"],
  ["[FE80::1]", "[fe80::1]"],
])("the host %s allows the header %s", (host, header) => {
  expect(hostAllowed(header, guard([host]))).toBe(true);
  expect(hostAllowed("evil.example", guard([host]))).toBe(false);
});

test.each([
  ["https://App.Example/", "https://app.example"],
  ["HTTPS://app.example:443", "https://app.example"],
  ["http://app.example:8080/", "http://app.example:8080"],
  ["chrome-extension://abcdef", "chrome-extension://abcdef"],
])("the origin %s allows the header %s", (origin, header) => {
  expect(originAllowed(header, guard([], [origin]))).toBe(true);
  expect(originAllowed(`${header}.evil.example`, guard([], [origin]))).toBe(false);
});

test.each([
  ["allowHost", ["", "a b", "*", "https://node.example", "node.example/x"]],
  [
    "cors",
    ["", "*", "app.example", "https://app.example/page", "https://app.example?x", "https://me@app.example", "null"],
  ],
])("what no header can match is refused: --%s", (option, texts) => {
  for (const text of texts)
    expect(() => (option === "cors" ? guard([], [text]) : guard([text])), text).toThrow(
      expect.objectContaining({ code: "BAD_OPTION", data: { code: "BAD_OPTION", option } }),
    );
});
