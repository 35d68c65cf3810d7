/** kill -9 at any moment: nothing that was announced or acknowledged is lost, and the network goes on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, test } from "vitest";
import { type Announced, checkKept, Network } from "./network.ts";
import { attackTimes, random } from "./tally.ts";

const RUNNING = 150;
const FIRST_STARTS = 50;
/** Kills that one folder outlives before the next is begun. */
const KILLS_PER_FOLDER = 25;
const ACCOUNTS = 10;

const root = await mkdtemp(path.join(tmpdir(), "filigree-kill-"));
afterAll(() => rm(root, { recursive: true, force: true }));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Sent = { readonly CID: { readonly "/": string } };

/** Sends without end, until the network is gone; `acknowledged` has what was answered. */
async function sendOn(network: Network, from: string, to: string, acknowledged: string[]): Promise<void> {
  for (;;) {
    const sent = await network
      .call<Sent>("MpoolPushMessage", { From: from, To: to, Value: "1" }, null)
      .catch(() => null);
    if (sent === null) return;
    acknowledged.push(sent.CID["/"]);
  }
}

/** Throws if an acknowledged message neither waits nor is on the chain. */
async function checkAcknowledged(network: Network, cids: readonly string[]): Promise<void> {
  const pending = await network.call<Sent[]>("MpoolPending", null);
  const waiting = new Set(pending.map(({ CID }) => CID["/"]));
  for (const cid of cids) {
    if (waiting.has(cid)) continue;
    const search = () => network.call("StateSearchMsg", null, { "/": cid }, -1, true);
    if ((await search()) !== null) continue;
    // Its tipset is not executed yet, or about to be made.
    await sleep(300);
    if ((await search()) === null) throw new Error(`message ${cid} was acknowledged and is gone`);
  }
}

test("kill -9 of a running network", async (context) => {
  const rnd = random(1);
  let last: Announced | undefined;
  let acknowledged: string[] = [];
  await attackTimes(context, RUNNING, async (run) => {
    if (run % KILLS_PER_FOLDER === 0) {
      last = undefined;
      acknowledged = [];
    }
    const data = path.join(root, `running-${Math.floor(run / KILLS_PER_FOLDER)}`);
    const network = new Network(data, "--accounts", `${ACCOUNTS}`, "--block-time", "0.03");
    try {
      await network.mined(1);
      if (last !== undefined) await checkKept(network, last);
      await checkAcknowledged(network, acknowledged);
      acknowledged = [];
      const accounts = network.lines[0]?.accounts ?? [];
      const senders = accounts
        .slice(0, 3)
        .map(({ secp256k1, id }, i) => sendOn(network, i === 1 ? id : secp256k1, accounts[4]?.bls ?? "", acknowledged));
      await sleep(rnd(250));
      await network.end("SIGKILL");
      await Promise.all(senders);
      last = network.tipsets.at(-1);
    } finally {
      await network.end("SIGKILL");
    }
  });
});

test("kill -9 during the first start", async (context) => {
  const rnd = random(2);
  const measure = new Network(path.join(root, "measure"), "--accounts", `${ACCOUNTS}`);
  const begun = performance.now();
  await measure.mined(1);
  const startMs = performance.now() - begun;
  await measure.end("SIGKILL");
  await attackTimes(context, FIRST_STARTS, async (run) => {
    const data = path.join(root, `first-${run}`);
    const first = new Network(data, "--accounts", `${ACCOUNTS}`);
    await sleep(startMs * (0.1 + rnd(1000) / 1000));
    const seen = first.tipsets.at(-1);
    await first.end("SIGKILL");
    const second = new Network(data, "--accounts", `${ACCOUNTS}`);
    try {
      await second.mined(1);
      if (seen !== undefined) await checkKept(second, seen);
      const wallet = await second.call<string[]>("WalletList");
      if (wallet.length !== 2 * ACCOUNTS) throw new Error(`${wallet.length} keys of ${2 * ACCOUNTS}`);
    } finally {
      await second.end("SIGKILL");
      await rm(data, { recursive: true, force: true });
    }
  });
});
