/** Files of many sectors are looked at a few at a time, for as long as their disks take, until Ctrl-C. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { Remote } from "../../../src/cli/remote.ts";
import { badSectors } from "../../../src/cli/sector-files.ts";
import { sectorsGroup } from "../../../src/rpc/methods/sectors.ts";
import { Address } from "../../../src/types/address.ts";

test("a check asks for a few sectors at a time, of whole files for one, and ends with Ctrl-C", async () => {
  const asked: number[] = [];
  let isSilent = false;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const { params } = JSON.parse(body) as { params: [number, { ID: { Number: number } }[]] };
      asked.push(params[1].length);
      const bad = params[1].some(({ ID }) => ID.Number === 44) ? { 44: "gone" } : {};
      if (!isSilent) response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: bad }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const remote = await Remote.open({ rpc: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1` });
  const sectors = Array.from({ length: 45 }, (_, i) => i);
  expect(await badSectors(remote, { miner: 1000, sectors })).toEqual({ 44: "gone" });
  expect(asked.splice(0)).toEqual([20, 20, 5]);
  expect(await badSectors(remote, { miner: 1000, sectors: [1, 2], slow: true })).toEqual({});
  expect(asked.splice(0)).toEqual([1, 1]);
  isSilent = true;
  const ended = expect(badSectors(remote, { miner: 1000, sectors })).rejects.toThrow("interrupted");
  await vi.waitUntil(() => asked.length > 0, { timeout: 10_000 });
  process.emit("SIGINT");
  await ended;
  server.closeAllConnections();
  server.close();
});

test("a node ends no check of files for the time that it takes, but between two sectors when its caller has left", async () => {
  const { cost, run } = sectorsGroup.methods.CheckProvable;
  expect(cost).toBe("wait");
  const { signal } = new AbortController();
  const check = vi.fn(async () => new Map([[1, "gone"]]));
  const context = { node: { sectors: { miners: [Address.id(1000)], check } }, signal } as never;
  const ref = { ID: { Miner: 1000n, Number: 1n }, ProofType: 0 };
  expect(await run([0, [ref], true], context)).toEqual({ 1: "gone" });
  expect(check).toHaveBeenCalledWith(Address.id(1000), [1], true, signal);
});
