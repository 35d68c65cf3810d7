/**
 * A miner in a process of its own on a network of real proofs: it makes its keys on first use, wins elections and proves its sector
 * with Groth16 proofs that the node, with keys of its own making, takes. FILIGREE_PARAMS: a folder of keys that both find.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../support/devnet.ts";
import { waitFor } from "../support/local-network.ts";
import { freePort, type Line, LineProcess, MAIN } from "../support/network-processes.ts";

const EPOCH = Number(process.env["FILIGREE_EPOCH"] ?? "20");
const LONG = 3_000_000;
/** With so many accounts, the sector of the second miner is in the deadline that is open from epoch 62 to 121. */
const ACCOUNTS = "21";
const DEADLINE = 62;
const root = await mkdtemp(path.join(tmpdir(), "filigree-groth16-miner-"));
const data = path.join(root, "miner");
const given = process.env["FILIGREE_PARAMS"];
/** The node's keys, and the miner's: each makes its own unless a folder is given. */
const keys = { node: given ?? path.join(root, "node-keys"), miner: given ?? path.join(root, "miner-keys") };
const alive: LineProcess[] = [];
let rpc: string;
let node: LineProcess;
let miner: LineProcess;
let name: string;

function start(...args: readonly string[]): LineProcess {
  const made = new LineProcess(process.execPath, [MAIN, ...args, "--json"]);
  alive.push(made);
  return made;
}
const made = (of: LineProcess): Line[] => of.lines.filter(({ event, state }) => event === "mining" && state === "made");

beforeAll(async () => {
  // The node's keys first, so that the network begins with the miner's deadline ahead.
  for (const circuit of ["winning-2KiB", "window-2KiB"]) {
    const making = spawn(process.execPath, [MAIN, "params", "make", circuit, "--dir", keys.node], { stdio: "ignore" });
    expect((await once(making, "exit"))[0]).toBe(0);
  }
  const port = await freePort();
  const began = Math.floor(Date.now() / 1000) - (DEADLINE - 2) * EPOCH;
  rpc = `http://127.0.0.1:${port}/rpc/v1`;
  node = start(
    ...["devnet", "--listen", "/ip4/127.0.0.1/tcp/0", "--miners", "2", "--apart", "1", "--accounts", ACCOUNTS],
    ...["--proofs", "groth16", "--params", keys.node, "--block-time", `${EPOCH}`],
    ...["--genesis-time", `${began}`, "--port", `${port}`, "--data", path.join(root, "net"), "--verbose"],
  );
  const begun = await waitFor("the node's keys and start", () => node.line("start"), LONG);
  const { miners } = begun as unknown as { miners: { address: string; node: number | null }[] };
  name = miners.find(({ node: owner }) => owner === null)?.address as string;
  const init = start("miner", "init", "--actor", name, "--genesis", "--rpc", rpc, "--data", data);
  await waitFor("init", () => (init.isRunning ? null : true), LONG);
  expect(init.errors.join("")).toBe("");
}, LONG);
afterAll(async () => {
  for (const one of alive) await one.kill();
  await rm(root, { recursive: true, force: true });
});

type Block = { readonly Miner: string; readonly WinPoStProof: readonly { readonly ProofBytes: string }[] };
type Head = { readonly Height: number; readonly Blocks: readonly Block[]; readonly Cids: readonly { "/": string }[] };
const isReal = (proof: string): boolean => {
  const bytes = Buffer.from(proof, "base64");
  // An attestation ends in 95 zeros.
  return bytes.length === 192 && !bytes.subarray(97).equals(Buffer.alloc(95));
};

test(
  "keys on first use, real winning PoSts in the node's chain, a real window PoSt at its deadline",
  async () => {
    miner = start("miner", "run", "--rpc", rpc, "--data", data, "--port", "0", "--params", keys.miner, "--verbose");
    await waitFor("the miner's keys and start", () => miner.line("start"), LONG);
    await waitFor("a block", () => made(miner)[0] ?? null, LONG);
    const block = await waitFor(
      "a block of the miner in the node's chain",
      async () => {
        const { Blocks } = await call<Head>(rpc, "Filecoin.ChainHead");
        return Blocks.find(({ Miner }) => Miner === name) ?? null;
      },
      LONG,
    );
    expect(isReal(block.WinPoStProof[0]?.ProofBytes ?? "")).toBe(true);
    const proven = await waitFor(
      "its window PoSt on chain",
      async () => {
        const head = await call<Head>(rpc, "Filecoin.ChainHead");
        const wanted = { To: name, From: null };
        const found = await call<{ "/": string }[] | null>(rpc, "Filecoin.StateListMessages", [wanted, head.Cids, 1]);
        for (const link of found ?? []) {
          const { Method, Params } = await call<{ Method: number; Params: string }>(rpc, "Filecoin.ChainGetMessage", [
            link,
          ]);
          if (Method !== 5) continue;
          const lookup = await call<{ Receipt: { ExitCode: number } } | null>(rpc, "Filecoin.StateSearchMsg", [
            null,
            link,
            -1,
            true,
          ]);
          if (lookup !== null) return { params: Params, exit: lookup.Receipt.ExitCode };
        }
        return null;
      },
      LONG,
    );
    expect(proven.exit).toBe(0);
    const bytes = Buffer.from(proven.params, "base64");
    const at = bytes.indexOf(Buffer.from([0x82, 0x05, 0x58, 192]));
    expect(at).toBeGreaterThan(0);
    expect(isReal(bytes.subarray(at + 4, at + 4 + 192).toString("base64"))).toBe(true);
    expect(await call(rpc, "Filecoin.StateMinerFaults", [name, null])).toEqual([0]);
    expect([...node.lines, ...miner.lines].filter(({ event }) => event === "fault" || event === "error")).toEqual([]);
  },
  LONG,
);
