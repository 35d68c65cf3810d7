import { expect, test } from "vitest";
import { readRequest } from "../../../src/market/gateway/request.ts";

test("a file's name is cut between characters, not in the middle of one", () => {
  const query = new URLSearchParams({ format: "raw", filename: `${"a".repeat(254)}😀` }).toString();
  const path = "/ipfs/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
  const { filename } = readRequest({ method: "GET", path, query, header: () => undefined });
  expect(filename).toBe("a".repeat(254));
});
