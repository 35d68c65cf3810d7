/** Networks that take another's folder: what is there is lost for nothing less than a network that can be had, and --reset. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
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
