/** What --reset forgets is forgotten for a network that can be had: an address or a file that is wrong costs nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Devnet } from "../../../src/node/devnet.ts";

let data: string;
beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), "filigree-reset-"));
});
afterEach(() => rm(data, { recursive: true, force: true }));

test("a fork of nobody, and a file that is no network, leave the earlier one as it was", async () => {
  const net = await Devnet.open({ accounts: 1, data });
  await net.clock.mine(2);
  await net.close();
  await expect(Devnet.fork("http://127.0.0.1:1", { data, reset: true })).rejects.toThrow("does not answer");
  await expect(Devnet.load(new Uint8Array(100), { data, reset: true })).rejects.toThrow();
  const again = await Devnet.open({ accounts: 1, data });
  expect(again.head.height).toBe(2);
  await again.close();
});
