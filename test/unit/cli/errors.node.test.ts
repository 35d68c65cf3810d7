/** What people read when something is not there: named once, with the step that helps. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { explain, UnreachableError, UsageError } from "../../../src/cli/errors.ts";
import { writeOutput } from "../../../src/cli/output.ts";
import { Remote } from "../../../src/cli/remote.ts";
import { readProof, readRecord } from "../../../src/cli/sector-record.ts";

vi.setConfig({ testTimeout: 120_000 });
const MAIN = fileURLToPath(new URL("../../../dist/cli/bin.js", import.meta.url));
/** An address where nothing listens. */
const NOBODY = "http://127.0.0.1:47999/rpc/v1";
const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
afterAll(() => rmSync(folder, { recursive: true }));

const filigree = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, FILIGREE_RPC: NOBODY },
  });

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

test("without a node a name is no wrong name: the node is named, and how to start one", async () => {
  const remote = await Remote.open({ rpc: NOBODY });
  for (const ask of [
    () => remote.address("bob"),
    () => remote.address("miner"),
    () => remote.describe(),
    () => remote.nameOf("t0100"),
  ]) {
    const error = await thrownBy(ask());
    expect(error).toBeInstanceOf(UnreachableError);
    expect(explain(error)).toMatch(
      /^cannot reach http:\/\/127.0.0.1:47999\/rpc\/v1: .*nothing listens there.*filigree devnet/,
    );
  }
  for (const command of [["account"], ["send", "bob", "1 FIL"], ["call", "alice", "PubkeyAddress"]])
    expect(filigree(...command)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^error: cannot reach http/),
    });
});

test("a node that is no local network has no names; that is wrong usage", async () => {
  const server = createServer((_, response) => {
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: -32601, message: "method not found" } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const remote = await Remote.open({ rpc: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1` });
    const error = await thrownBy(remote.address("bob"));
    expect(error).toBeInstanceOf(UsageError);
    expect(explain(error)).toMatch(/bob is no address, and http\S+ is no local network/);
    expect(await remote.describe()).toBe(null);
    expect(explain(await thrownBy(remote.address("t1zzz", "--from")))).toMatch(/^--from t1zzz is no address/);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a database or a store that is not there is what the advice speaks of", () => {
  const queue = filigree("worker", "--queue", "postgres://me:secret@127.0.0.1:1/x", "--store", ".");
  expect(queue.status).toBe(1);
  expect(queue.stderr).toMatch(/cannot reach PostgreSQL at 127.0.0.1:1: .*start PostgreSQL.*--queue/);
  expect(queue.stderr).not.toMatch(/devnet|--rpc|secret/);
  const store = filigree("worker", "--queue", "postgres://127.0.0.1:1/x", "--store", "http://127.0.0.1:47999");
  expect(store).toMatchObject({ status: 1, stderr: expect.stringMatching(/the store at http.*`filigree store`/) });
  const none = filigree("worker", "--queue", "postgres://127.0.0.1:1/x", "--store", "nowhere");
  expect(none).toMatchObject({ status: 1, stderr: expect.stringMatching(/--store \S+nowhere: no such folder/) });
  const served = filigree("store", "nowhere", "--port", "0");
  expect(served).toMatchObject({ status: 1, stderr: expect.stringMatching(/nowhere: no such folder/) });
});

test("a file that is not there is named once, with the system's reason once", async () => {
  const file = path.join(folder, "nowhere", "x");
  const once = (text: string): void => {
    expect(text.match(/ENOENT/g)).toEqual(["ENOENT"]);
    expect(text.match(/no such file or directory/g)).toHaveLength(1);
    expect(text.split(file)).toHaveLength(2);
    expect(text).not.toMatch(/\.partial|, open/);
  };
  once(explain(await thrownBy(readFile(file))));
  once(explain(await thrownBy(readProof(file))));
  once(explain(await thrownBy(readRecord(file))));
  once(explain(await thrownBy(writeOutput(file, {}, async () => undefined))));
});

test("a file that is no proof is said to be none, without the decoder's words", async () => {
  const error = await thrownBy(readProof(fileURLToPath(new URL("../../../README.md", import.meta.url))));
  expect(explain(error)).toMatch(/README.md is no proof file; `filigree prove` makes them$/);
});

test("pieces that are too large: the size that holds them is named, and nothing is written", () => {
  writeFileSync(path.join(folder, "big"), new Uint8Array(4000));
  const options = ["--out", "sector", "--miner", "1000", "--sector", "1", "--ticket", "5a".repeat(32)];
  expect(filigree("seal", "big", ...options)).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/the pieces take 4.0 KiB, padded, and do not fit 2.0 KiB: --size 8MiB holds them/),
  });
  expect(existsSync(path.join(folder, "sector"))).toBe(false);
});

test("required options are all named at once, and marked in the usage", () => {
  const { status, stderr } = filigree("seal", "x", "--out", "there");
  expect(status).toBe(64);
  expect(stderr).toMatch(/--miner <id>, --sector <number>, --ticket <hex>\n/);
  expect(filigree("seal", "--help").stdout).toMatch(
    /^Usage: filigree seal --out <directory> --miner <id> --sector <number> --ticket <hex> \[options\] <file\.\.\.>$/m,
  );
});

test("the path of a key that was not made is not printed: what makes it is said", () => {
  expect(filigree("params", "path", "porep-2KiB", "--dir", "no keys")).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(
      /no whole key \S+ in no keys; make it with `filigree params make porep-2KiB --dir 'no keys'`/,
    ),
  });
});

test("sizes that sectors have are named; a key that is not whole may be one that is being made", () => {
  expect(filigree("params", "make", "porep-3KiB")).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/no sectors of 3072 bytes; there are 2KiB, .*512MiB, .*64GiB/),
  });
  mkdirSync(path.join(folder, "begun"));
  writeFileSync(path.join(folder, "begun", "local-porep-2048-0.params"), "");
  expect(filigree("params", "list", "--dir", "begun").stdout).toMatch(/not whole: it is being made, or was left/);
});

test("the variable that names no node is named, and a text that is no peer id is said to be none", async () => {
  vi.stubEnv("FILIGREE_RPC", "");
  expect(explain(await thrownBy(Remote.open({})))).toMatch(/^FILIGREE_RPC is empty: a URL such as http/);
  expect(explain(await thrownBy(Remote.open({ rpc: "x" })))).toMatch(/^--rpc x: a URL such as http/);
  vi.unstubAllEnvs();
  expect(filigree("miner", "actor", "set-peer-id", "foo")).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/^error: foo is no peer id, such as 12D3KooW…; `filigree net id` prints a node's$/m),
  });
});

test("the two commands that look for who has a DAG say which of them to use", () => {
  expect(filigree("retr", "lookup", "--help").stdout).toMatch(/`client\s+find`/);
  expect(filigree("client", "find", "--help").stdout).toMatch(/`retr\s+lookup`/);
});

test("a folder that is not there: what it lacks, why, and then what makes one", () => {
  for (const [words, makes] of [
    [["node", "start"], "filigree node init --network"],
    [["miner", "run"], "filigree miner init"],
  ] as const)
    expect(filigree(...words, "--data", "nowhere")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        new RegExp(`holds no (node|miner): there is no data folder of Filigree at \\S+nowhere; make one: ${makes}`),
      ),
    });
});
