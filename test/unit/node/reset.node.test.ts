/** Networks that take another's folder: what is there is lost for nothing less than a network that can be had, and --reset. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { platform } from "#platform";
import { concat } from "../../../src/base/bytes.ts";
import { Devnet } from "../../../src/node/devnet.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-reset-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("forks and files leave the network of a folder as it was; a fork's folder goes on as one alone", async () => {
  const [data, forked] = ["own", "fork"].map((name) => path.join(folder, name)) as [string, string];
  const net = await Devnet.open({ accounts: 1, data });
  net.clock.setAutomine(false);
  await net.clock.mine(2);
  await net.close();
  await expect(Devnet.fork("http://127.0.0.1:1", { data, reset: true })).rejects.toThrow("does not answer");
  await expect(Devnet.load(new Uint8Array(100), { data, reset: true })).rejects.toThrow();
  await expect(Devnet.open({ data, reset: true, networkVersion: 23 })).rejects.toThrow("are not at hand");

  const other = await Devnet.open({ accounts: 1, seed: "other" });
  const { url } = await other.serve();
  await expect(Devnet.fork(url, { data })).rejects.toMatchObject({ data: { code: "NOT_EMPTY" } });
  await (await Devnet.fork(url, { data: forked })).close();
  await other.close();
  await expect(Devnet.open({ accounts: 1, data: forked })).rejects.toThrow("holds a fork");

  const again = await Devnet.open({ accounts: 1, data });
  expect(again.head.height).toBe(2);
  await again.close();
});

test("a file whose loading was interrupted is loaded again into the same folder; meanwhile nothing goes on with the half", async () => {
  const data = path.join(folder, "loaded");
  const net = await Devnet.open({ accounts: 1, seed: "dumped" });
  net.clock.setAutomine(false);
  await net.clock.mine(2);
  const parts: Uint8Array[] = [];
  for await (const part of net.dump()) parts.push(part);
  await net.close();
  const file = concat(...parts);
  // Keys cannot be kept: that fails when the chain is there already.
  vi.spyOn(platform, "openSecrets").mockRejectedValueOnce(new Error("no room for keys"));
  await expect(Devnet.load(file, { data })).rejects.toThrow("no room for keys");
  await expect(Devnet.open({ accounts: 1, seed: "dumped", data })).rejects.toMatchObject({
    data: { code: "HALF_LOADED" },
  });
  const again = await Devnet.load(file, { data });
  expect(again.head.height).toBe(2);
  await again.close();
  await expect(Devnet.load(file, { data })).rejects.toMatchObject({ data: { code: "NOT_EMPTY" } });
  await (await Devnet.open({ accounts: 1, seed: "dumped", data })).close();
});
