/** What a node that joins says when it runs: where its interface and its page are, and whether they stay there. */
import { expect, test } from "vitest";
import { joinedLines } from "../../../src/cli/joined-output.ts";

const url = "http://127.0.0.1:40123/rpc/v1";
const node = {
  url,
  network: "localnet",
  epoch: 7,
  version: { networkVersion: 28, actorsVersion: 18, actors: "devnet", toCome: [] },
  mine: [],
  proofs: "p",
  multiaddrs: ["/ip4/1"],
  data: "d",
  token: null,
};

test("a free port is told to be another one at the next start, and commands are told where to look", () => {
  const lines = joinedLines({ ...node, isFixed: false });
  expect(lines[0]).toBe(`JSON-RPC   ${url}`);
  expect(lines[1]).toMatch(/^Page {7}http:\/\/127\.0\.0\.1:40123\/ /);
  expect(lines.find((line) => line.startsWith("Version"))).toMatch(/actors v18 published for devnet$/);
  const next = lines.find((line) => line.startsWith("Next"));
  expect(next).toContain(`filigree sync wait --rpc ${url}  (the next start takes another port: --port <n> fixes it)`);
  expect(lines.find((line) => line.startsWith("Accounts"))).toMatch(/keys at the nodes that began it/);
});

test("a port that was named stays, and the default one needs no --rpc", () => {
  const lines = joinedLines({
    ...node,
    url: "http://127.0.0.1:1234/rpc/v1",
    isFixed: true,
    mine: ["t0123"],
    token: "t",
  });
  expect(lines).toContain("Next       filigree sync wait");
  expect(lines).toContain("Token      t");
  expect(lines.find((line) => line.startsWith("Network"))).toContain("mines as t0123");
});
