/** The commands for a running network, as a user types them, and what the network itself says meanwhile. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { call } from "../support/devnet.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
// Machines may have much else to do.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let net: Running;
let kept: KeptProcess;

type Running = { readonly child: ChildProcess; readonly url: string; said(): string; stop(): Promise<void> };

/** Starts a network and waits for its address. */
async function start(...options: string[]): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, "devnet", "--port", "0", ...options], { cwd: folder });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      said += text;
    });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await until("what is said", () => /\/rpc\/v1/.test(said) || child.exitCode !== null);
  const url = /http:\/\/[\d.]+:\d+\/rpc\/v1/.exec(said)?.[0];
  if (url === undefined) throw new Error(said);
  const stop = async (): Promise<void> => {
    child.kill("SIGINT");
    await ended;
  };
  return { child, url, said: () => said, stop };
}

/** In a process of its own what starts a network or reads standard input, all else in one that is kept. */
function filigree(args: readonly string[], input = "", more: Record<string, string> = {}): Promise<Outcome> {
  const env = { FILIGREE_RPC: net.url, ...more };
  if (args[0] !== "devnet" && input === "") return kept.run(args, env);
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, ...env } };
    const child = execFile(process.execPath, [MAIN, ...args], options, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

const json = async (...args: string[]) =>
  JSON.parse((await filigree([...args, "--json"])).out) as Record<string, unknown>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  kept = startKeptProcess(folder);
  net = await start("--memory", "--block-time", "0");
});
afterAll(async () => {
  await net.stop();
  await kept.close();
  await rm(folder, { recursive: true });
});

test("without a message no tipset is made, however much is asked", async () => {
  for (const command of [["account"], ["balance", "bob"], ["call", "alice", "PubkeyAddress"]])
    expect((await filigree(command)).code).toBe(0);
  const { Height } = await call<{ Height: number }>(net.url, "Filecoin.ChainHead");
  expect(Height).toBe(0);
  expect(net.said()).not.toMatch(/^epoch/m);
  expect(net.said()).toMatch(/^Next +in another terminal: npx filigree send bob "1 FIL" --rpc http\S+; Ctrl-C/m);
});

test("send, with names and amounts as people write them", async () => {
  const sent = await filigree(["send", "bob", "1.5 FIL", "--from", "alice"]);
  expect([sent.code, sent.err]).toEqual([0, ""]);
  expect(sent.out).toMatch(
    /^message bafy\w+, nonce 0\ndone: ok, gas \d+; included at epoch \d+ \(its receipt is in \d+\)\n$/,
  );
  // The network tells the epoch that includes the message; so must what was sent.
  const [, included] = /included at epoch (\d+)/.exec(sent.out) ?? [];
  await until("what is said", () => net.said().includes(`epoch ${included}  Send  alice → bob  1.5 FIL`));
  expect((await filigree(["balance", "bob"])).out).toBe("1000001.5 FIL\n");
  await filigree(["send", "bob", ".5", "--from", "alice"]);
  await filigree(["send", "bob", "1 attoFIL", "--from", "alice-bls"]);
  expect((await filigree(["balance", "bob"])).out).toBe("1000002.000000000000000001 FIL\n");
  const listed = await json("balance", "bob", "burn");
  expect(listed["balances"]).toMatchObject([{ name: "bob", attoFIL: "1000002000000000000000001" }, { name: "burn" }]);
});

test("what was sent can be waited for again, and without waiting", async () => {
  const { cid } = await json("send", "carol", "2", "--from", "alice", "--no-wait");
  expect(await json("wait", cid as string)).toMatchObject({ cid, exitCode: 0, outcome: "ok" });
  expect(await filigree(["wait", "nothing"])).toMatchObject({ code: 64, err: expect.stringMatching(/no CID/) });
  const unknown = await filigree([
    "wait",
    "bafy2bzacealwujvg73zmqhm7yiviquupsdsrnkif73zg3p3kslidysormulro",
    "--timeout",
    "1",
  ]);
  expect(unknown).toMatchObject({ code: 1, err: expect.stringMatching(/not there after 1 s|not found|unknown/) });
});

test("a method by its name, with parameters in JSON, and a failure that says why", async () => {
  const key = await filigree(["call", "alice", "PubkeyAddress"]);
  expect([key.code, key.err]).toEqual([0, ""]);
  expect(key.out).toBe(`"${(await json("account", "alice"))["address"]}"\n`);
  const wrong = await filigree(["call", "alice", "NoSuchMethod"]);
  expect(wrong).toMatchObject({ code: 64, err: expect.stringMatching(/PubkeyAddress/) });
  const failed = await filigree(["send", "reward", "0", "--from", "alice", "--method", "99", "--gas-limit", "5000000"]);
  expect(failed).toMatchObject({ code: 1, out: expect.stringMatching(/failed: .*no such method \(3\), gas/) });
  await until("what is said", () => net.said().includes("no such method"));
  expect(net.said()).toMatch(
    /^epoch \d+ {2}method 99 {2}alice → t02 {2}the receiver has no such method \(3\) {2}gas \d+$/m,
  );
});

test("the network says one line for each message, and its banner begins with its address", async () => {
  await until("what is said", () => /alice → bob/.test(net.said()));
  const said = net.said();
  expect(said).toMatch(/^JSON-RPC {3}http/);
  expect(said).toMatch(/"localnet", new network;/);
  expect(said).toMatch(/no Ethereum transactions on this network version/);
  expect(said).toMatch(/^epoch \d+ {2}Send {2}alice → bob {2}1\.5 FIL {2}ok {2}gas \d+$/m);
  expect(said).toMatch(/^alice +t0100 +t1qid3qslm4jax2jpohkdwomtidgd3x7xa7qvahea +[0-9a-f]{64}$/m);
});

test("keys: new, export as lotus does, delete, import, one of a mnemonic", async () => {
  const { address } = await json("wallet", "new", "bls");
  const exported = await filigree(["wallet", "export", address as string]);
  expect(exported.out).toMatch(/^7b22[0-9a-f]+7d\n$/);
  expect((await filigree(["wallet", "export", address as string, "--out", "key"])).code).toBe(0);
  expect((await stat(path.join(folder, "key"))).mode & 0o777).toBe(0o600);
  expect(await filigree(["wallet", "export", address as string, "--out", "key"])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/--force/),
  });
  expect((await filigree(["wallet", "delete", address as string])).code).toBe(64);
  expect((await filigree(["wallet", "delete", address as string, "--yes"])).code).toBe(0);
  expect((await filigree(["wallet", "list"])).out).not.toContain(address);
  expect((await filigree(["wallet", "import", "-"], exported.out)).out.trim()).toBe(address);
  const { mnemonic } = await json("wallet", "mnemonic");
  expect((mnemonic as string).split(" ")).toHaveLength(12);
  await writeFile(path.join(folder, "words"), "test test test test test test test test test test test junk\n");
  const own = await filigree(["wallet", "import", "words", "--mnemonic", "--index", "20"]);
  expect([own.code, own.out]).toEqual([0, expect.stringMatching(/^t1\w{39}\n$/)]);
  expect((await filigree(["wallet", "default", own.out.trim()])).out).toBe(own.out);
  expect((await filigree(["wallet", "list"])).out).toContain(`* ${own.out.trim()}`);
  expect((await filigree(["account"])).out).toMatch(/^alice {2}t0100 {3}t1qid3/);
});

test("usage errors are 64, each with the reason; a node that is not there is named", async () => {
  for (const [args, text] of [
    [["devnet", "--balance", "-5"], /not negative/],
    [["devnet", "--balance", "1 BTC"], /no unit/],
    [["devnet", "--balance", "99999999999", "--memory", "--port", "0"], /than the 600000000 FIL/],
    [["devnet", "--mnemonic", "test test", "--memory", "--port", "0"], /2 words/],
    [["devnet", "--quiet", "--verbose"], /exclude/],
    [["send", "bob", "-1"], /not negative/],
    [["send", "nobody", "1", "--from", "alice"], /nobody is no address.*alice/],
    [["send", "bob", "1", "--from", "t1zzz"], /--from t1zzz is no address/],
    [["call", "alice", "PubkeyAddress", "--from", "someone"], /--from someone is no address/],
    [["state", "check", "bafy2bzacealwujvg73zmqhm7yiviquupsdsrnkif73zg3p3kslidysormulro", "--data", "none"], /none/],
    [["auth", "token"], /--perm/],
    [["balance", "--rpc", "localhost"], /a URL such as/],
  ] as const) {
    // None of them comes to start a network.
    const { code, err } = await kept.run(args, { FILIGREE_RPC: net.url });
    expect([args.join(" "), err]).toEqual([args.join(" "), expect.stringMatching(text)]);
    if (args[0] !== "state") expect([args.join(" "), code]).toEqual([args.join(" "), 64]);
  }
  const nobody = await filigree(["balance"], "", { FILIGREE_RPC: "http://127.0.0.1:47999/rpc/v1" });
  expect(nobody).toMatchObject({
    code: 1,
    err: expect.stringMatching(/cannot reach http:\/\/127.0.0.1:47999.*filigree devnet/),
  });
});

test("a folder that cannot be made, and a port that is taken, are named and end at once", async () => {
  expect(await filigree(["devnet", "--data", "/proc/x", "--port", "0"])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/\/proc\/x/),
  });
  await writeFile(path.join(folder, "file"), "");
  expect(await filigree(["devnet", "--data", "file/x", "--port", "0"])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/file\/x.*ENOTDIR/),
  });
  const port = new URL(net.url).port;
  expect(await filigree(["devnet", "--memory", "--port", port])).toMatchObject({
    code: 1,
    err: expect.stringMatching(new RegExp(`${port}.*--port`)),
  });
});

test("beyond loopback: a token in a file for its owner alone, named at start, and more by `auth token`", async () => {
  const open = await start("--host", "0.0.0.0", "--data", "data", "--block-time", "0", "--quiet");
  try {
    await until("what is said", () => open.said().includes("admin token"));
    const file = /admin token in (\S+);/.exec(open.said())?.[1] as string;
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const env = { FILIGREE_RPC: open.url };
    const refused = await filigree(["send", "bob", "1", "--from", "alice"], "", env);
    expect(refused.err).toMatch(/missing permission.*--token-file <folder>.*--data <folder>/);
    expect(open.said()).toMatch(/--perm read --data \S+\/data\n/);
    expect(open.said()).not.toContain("0.0.0.0");
    // A node that is named is not the default folder's.
    const asDefault = path.join(folder, ".filigree", "devnet", "secrets");
    await mkdir(asDefault, { recursive: true });
    await writeFile(path.join(asDefault, "token-secret"), new Uint8Array(32));
    const strange = await filigree(["auth", "token", "--perm", "read"], "", env);
    expect(strange).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/AuthNew.*secrets\/admin-token/) });
    const none = await filigree(["auth", "token", "--perm", "read", "--data", "nowhere"], "", env);
    expect(none).toMatchObject({ code: 64, out: "", err: expect.stringContaining("nowhere") });
    await mkdir(path.join(folder, "nowhere", "node-0"), { recursive: true });
    expect((await filigree(["auth", "token", "--perm", "read", "--data", "nowhere"], "", env)).err).toContain(
      "nowhere holds no secret of a node; each node of a network of several has its own, in nowhere/node-0 and so on",
    );
    expect((await filigree(["send", "bob", "1", "--from", "alice", "--token-file", file], "", env)).code).toBe(0);
    const { out: reading } = await filigree(["auth", "token", "--perm", "read", "--data", "data"], "", env);
    const may = await call<string[]>(open.url, "Filecoin.AuthVerify", [reading.trim()]);
    expect(may).toEqual(["read"]);
    const { out: asked } = await filigree(["auth", "token", "--perm", "sign", "--rpc", open.url, "--token-file", file]);
    expect(await call<string[]>(open.url, "Filecoin.AuthVerify", [asked.trim()])).toEqual(["read", "write", "sign"]);
    expect((await readFile(file, "utf8")).trim()).not.toBe(reading.trim());
  } finally {
    await open.stop();
  }
  const again = await start("--data", "data", "--block-time", "0");
  await until("what is said", () => again.said().includes("resumed"));
  await again.stop();
  expect(again.said()).toMatch(/resumed at epoch \d+;/);
  const other = await filigree(["devnet", "--data", "data", "--balance", "5", "--port", "0"]);
  expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/--balance 1000000 \(not 5\)/) });
});

test("a network without peers has nothing to wait for, nor a clock that it is behind", async () => {
  const waited = await filigree(["sync", "wait", "--timeout", "5"]);
  expect(waited).toMatchObject({ code: 0, out: expect.stringMatching(/^nothing to wait for at epoch \d+: this node/) });
  const { out } = await filigree(["sync", "status"]);
  expect(out).toContain("this node has no peers: it was started without a network");
  expect(out).not.toContain("behind the clock");
});
