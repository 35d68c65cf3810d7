/** Fifty waits on a chain of 2,000: the node answers meanwhile, and each wait ends as it must. */
import { afterAll, beforeAll, test } from "vitest";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { attackTimes, shareOf } from "./tally.ts";

const CHAIN = 2000;
const WAITS = 50;
/** Milliseconds that the head may take to be answered while all wait; without waits it takes few. */
const ANSWER_MS = 2000;

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 3600 });
  await net.devnet.clock.mine(shareOf(CHAIN));
});
afterAll(() => net.close());

type Sent = { readonly CID: { readonly "/": string } };

test("waits on a chain of 2,000", async (context) => {
  const { devnet } = net;
  const [a, b] = devnet.accounts;
  const unknown = new AbortController();
  // Waits that nothing will end but their callers.
  const body = JSON.stringify({
    ...{ jsonrpc: "2.0", id: 1, method: "Filecoin.StateWaitMsg" },
    params: [{ "/": String(devnet.head.key[0]) }, 0, -1, true],
  });
  const hopeless = Array.from({ length: 20 }, () =>
    fetch(net.url, { method: "POST", body, signal: unknown.signal }).catch(() => null),
  );
  const waits: Promise<{ Height: number }>[] = [];
  for (let i = 0; i < shareOf(WAITS); i++) {
    const from = `${i % 2 === 0 ? a?.secp256k1 : b?.bls}`;
    const sent = (await devnet.request(
      "Filecoin.MpoolPushMessage",
      { From: from, To: `${a?.id}`, Value: "1" },
      null,
    )) as Sent;
    waits.push(devnet.request("Filecoin.StateWaitMsg", sent.CID, 1, -1, true) as Promise<{ Height: number }>);
  }
  let slowest = 0;
  for (let i = 0; i < 5; i++) {
    await devnet.clock.mine(1);
    const begun = performance.now();
    await devnet.request("Filecoin.ChainHead");
    slowest = Math.max(slowest, performance.now() - begun);
  }
  await attackTimes(context, WAITS, async (run) => {
    const found = await waits[run];
    if (typeof found?.Height !== "number") throw new Error(JSON.stringify(found));
    if (slowest > ANSWER_MS) throw new Error(`ChainHead took ${slowest} ms`);
  });
  unknown.abort();
  await Promise.all(hopeless);
});
