/** A thousand abused connections against a network in its own process: it answers afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, test } from "vitest";
import { abuseSockets } from "../support/socket-abuse.ts";
import { Network } from "./network.ts";
import { attackTimes } from "./tally.ts";

const CONNECTIONS = 1000;
const root = await mkdtemp(path.join(tmpdir(), "filigree-sockets-"));
afterAll(() => rm(root, { recursive: true, force: true }));

test("abused upgrades, requests and half-open connections", async (context) => {
  const network = new Network(path.join(root, "data"), "--accounts", "1", "--block-time", "0.5");
  await network.mined(1);
  try {
    await attackTimes(context, CONNECTIONS / 10, async () => {
      await abuseSockets(network.url, 10);
      if (network.hasEnded) throw new Error(`the network ended: ${network.stderr}`);
      await network.call("Version");
    });
  } finally {
    await network.end("SIGKILL");
  }
});
