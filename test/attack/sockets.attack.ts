/** A thousand abused connections against a network in its own process, which answers after each group of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, test } from "vitest";
import { abuseSockets } from "../support/socket-abuse.ts";
import { Network } from "./network.ts";
import { attackTimes } from "./tally.ts";

const CONNECTIONS = 1000;
/** Connections of a group: more than there are kinds of abuse. */
const AT_ONCE = 20;
const root = await mkdtemp(path.join(tmpdir(), "filigree-sockets-"));
afterAll(() => rm(root, { recursive: true, force: true }));

async function abuseAndAsk(network: Network): Promise<undefined> {
  await abuseSockets(network.url, AT_ONCE);
  if (network.hasEnded) throw new Error(`the network ended: ${network.stderr}`);
  await network.call("Version");
}

test("abused upgrades, requests and half-open connections", async (context) => {
  const network = new Network(path.join(root, "data"), "--accounts", "1", "--block-time", "0.5");
  await network.mined(1);
  try {
    let failure: unknown;
    await attackTimes(context, CONNECTIONS, async (run) => {
      // A group at once; each connection counts.
      if (run % AT_ONCE === 0) failure = await abuseAndAsk(network).catch((error: unknown) => error);
      if (failure !== undefined) throw failure;
    });
  } finally {
    await network.end("SIGKILL");
  }
});
