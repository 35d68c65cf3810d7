/** What is acknowledged is mined: nonces, restarts and forks do not lose a message, and none stops the chain. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { signMessage } from "../../src/keys/keys.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { Address } from "../../src/types/address.ts";
import { messageFromJson, signedMessageCid, signedMessageToJson } from "../../src/types/message.ts";
import { startTestNet, TEST_OPTIONS, type TestNet } from "../support/devnet.ts";
import { until } from "../support/until.ts";

let net: TestNet | undefined;
afterEach(async () => {
  await net?.close();
  net = undefined;
});

/** A network in which time passes on call only. */
async function still(): Promise<TestNet["devnet"]> {
  net = await startTestNet({ blockTime: 3600 });
  return net.devnet;
}

const send = (devnet: TestNet["devnet"], from: Address, to: Address, more: Record<string, unknown> = {}) =>
  devnet.request("Filecoin.MpoolPushMessage", { From: `${from}`, To: `${to}`, Value: "1", ...more }, null) as Promise<{
    CID: { "/": string };
    Message: { Nonce: number };
  }>;

const pendingNonces = (devnet: TestNet["devnet"]): number[] =>
  devnet.services.pool.pending().map(({ message }) => Number(message.nonce));

test("instant mode: a hundred sends, one after another, all succeed", async () => {
  net = await startTestNet({ blockTime: 0 });
  const { devnet } = net;
  const [a, b] = devnet.accounts;
  if (a === undefined || b === undefined) throw new Error("accounts");
  for (let i = 0; i < 100; i++) {
    const sent = await send(devnet, i % 2 === 0 ? a.secp256k1 : a.id, b.bls);
    expect(sent.Message.Nonce).toBe(i);
  }
  const nonce = async () =>
    ((await devnet.request("Filecoin.StateGetActor", `${a.id}`, null)) as { Nonce: number }).Nonce;
  await expect.poll(nonce, { timeout: 90_000 }).toBe(100);
  expect(devnet.services.pool.size).toBe(0);
});

test("twenty pushes at once of one sender, by key and by ID address, are all kept under their own nonces", async () => {
  const devnet = await still();
  const [a, b] = devnet.accounts;
  if (a === undefined || b === undefined) throw new Error("accounts");
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, i) => send(devnet, i % 2 === 0 ? a.bls : a.blsId, b.secp256k1)),
  );
  expect(sent.map(({ Message }) => Message.Nonce).sort((x, y) => x - y)).toEqual([...Array(20).keys()]);
  expect(pendingNonces(devnet)).toEqual([...Array(20).keys()]);
});

test("a message to a protocol-4 address is refused at the door, and the chain goes on", async () => {
  const devnet = await still();
  const [a] = devnet.accounts;
  if (a === undefined) throw new Error("accounts");
  const to = Address.fromEthereum(new Uint8Array(20).fill(0x11));
  const message = messageFromJson({
    ...{ Version: 0, To: `${to}`, From: `${a.secp256k1}`, Nonce: 0, Value: "1", Method: 0, Params: "" },
    ...{ GasLimit: 2_000_000, GasFeeCap: "1000000000", GasPremium: "1000" },
  });
  const signed = signMessage(devnet.services.crypto, a.keys.secp256k1, message);
  await expect(devnet.request("Filecoin.MpoolPush", signedMessageToJson(signed, "t"))).rejects.toThrow(
    /'To' address protocol unsupported for network version/,
  );
  await send(devnet, a.secp256k1, a.id);
  await devnet.clock.mine(2);
  expect(devnet.services.pool.size).toBe(0);
});

test("a message that the machine cannot run is dropped with the reason, and the others are mined", async () => {
  const devnet = await still();
  const [a, b] = devnet.accounts;
  if (a === undefined || b === undefined) throw new Error("accounts");
  await send(devnet, a.secp256k1, b.id, { Method: 0 });
  const poison = await send(devnet, b.secp256k1, a.id);
  const { states } = devnet.node;
  const execute = states.execute.bind(states);
  states.execute = async (tipset, options) => {
    const carries = options?.given?.some(({ secp }) => secp.some(({ message }) => message.from.equals(b.secp256k1)));
    if (carries === true) throw new Error("the core has trapped");
    return execute(tipset, options);
  };
  const notes: string[] = [];
  devnet.node.pool.onNote(({ kind, reason }) => notes.push(`${kind}: ${reason}`));
  const height = devnet.head.height;
  await devnet.clock.mine(1);
  expect(devnet.head.height).toBe(height + 1);
  expect(notes).toEqual([expect.stringMatching(/^dropped: .*the core has trapped/)]);
  expect(devnet.services.pool.size).toBe(0);
  expect(poison.Message.Nonce).toBe(0);
});

test("messages that wait are there after a restart", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "filigree-pool-"));
  try {
    const options = { ...TEST_OPTIONS, blockTime: 3600, data };
    const first = await Devnet.open(options);
    const [a, b] = first.accounts;
    if (a === undefined || b === undefined) throw new Error("accounts");
    for (const from of [a.secp256k1, a.secp256k1, b.bls]) await send(first, from, a.id);
    const before = first.services.pool.pending().map((signed) => signedMessageCid(signed).toString());
    await first.close();
    const second = await Devnet.open(options);
    const after = second.services.pool.pending().map((signed) => signedMessageCid(signed).toString());
    expect(after.sort()).toEqual(before.sort());
    await second.clock.mine(1);
    expect(second.services.pool.size).toBe(0);
    await second.close();
    const third = await Devnet.open(options);
    expect(third.services.pool.size).toBe(0);
    await third.close();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

test("messages of a reverted tipset come back, those for whom BLS signatures are aggregated too", async () => {
  const devnet = await still();
  const [a, b] = devnet.accounts;
  if (a === undefined || b === undefined) throw new Error("accounts");
  const before = devnet.head;
  await send(devnet, a.secp256k1, b.id);
  await send(devnet, a.bls, b.id);
  await devnet.clock.mine(1);
  expect(devnet.services.pool.size).toBe(0);
  const chosen = (key: unknown) => devnet.request("Filecoin.MpoolSelect", key, 1) as Promise<unknown[]>;
  expect((await chosen(before.key.map((cid) => ({ "/": `${cid}` })))).length).toBe(2);
  expect(await chosen(null)).toEqual([]);
  await devnet.node.chain.setHead(before);
  await devnet.node.pool.settled();
  expect(devnet.services.pool.size).toBe(2);
  await devnet.clock.mine(1);
  expect(devnet.services.pool.size).toBe(0);
});

test("a long row of tipsets ends with its caller, and others are answered meanwhile", async () => {
  const devnet = await still();
  const gone = new AbortController();
  const mining = devnet.clock.mine(100_000, gone.signal);
  const height = async () => ((await devnet.request("Filecoin.ChainHead")) as { Height: number }).Height;
  await until("some tipsets", async () => (await height()) > 1);
  gone.abort();
  expect((await mining).height).toBeLessThan(10_000);
});
