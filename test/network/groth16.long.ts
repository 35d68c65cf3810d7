/**
 * A local network with real proofs, as its command starts it, and a second node in a process of its own that validates its
 * blocks and its window PoSt. Keys are kept in FILIGREE_PARAMS, if that is set, for the next run.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../support/devnet.ts";
import { waitFor } from "../support/local-network.ts";
import { filigree, type LineProcess, MAIN, started } from "../support/network-processes.ts";

const EPOCH = Number(process.env["FILIGREE_EPOCH"] ?? "15");
/** With so many accounts, the one sector is in the deadline that opens first of all: at epoch 62. */
const ACCOUNTS = "22";
const DEADLINE = 62;
const LONG = 3_000_000;

let folder: string;
let net: LineProcess;
let second: LineProcess;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-groth16-"));
  const params = process.env["FILIGREE_PARAMS"] ?? path.join(folder, "params");
  // The keys first, so that the network begins when it begins: with its first deadline ahead.
  for (const circuit of ["winning-2KiB", "window-2KiB"]) {
    const making = spawn(process.execPath, [MAIN, "params", "make", circuit, "--dir", params], { stdio: "ignore" });
    expect((await once(making, "exit"))[0]).toBe(0);
  }
  const began = Math.floor(Date.now() / 1000) - (DEADLINE - 2) * EPOCH;
  net = filigree(
    ...["devnet", "--proofs", "groth16", "--block-time", `${EPOCH}`, "--accounts", ACCOUNTS, "--params", params],
    ...["--genesis-time", `${began}`, "--port", "0", "--data", path.join(folder, "net")],
  );
}, LONG);
afterAll(async () => {
  for (const node of [second, net]) node?.child.kill("SIGINT");
  await Promise.all([second, net].map((node) => node?.child.exitCode ?? (node && once(node.child, "exit"))));
  await rm(folder, { recursive: true });
});

test("real winning and window PoSts, validated by a second node", { timeout: LONG }, async () => {
  const url = await started(net, LONG);
  const { files } = net.first as unknown as {
    readonly files: { readonly description: string; readonly genesis: string };
  };
  const description = JSON.parse(await readFile(files.description, "utf8"));
  expect(description).toMatchObject({ proofs: "groth16", setup: "filigree devnet" });
  const data = path.join(folder, "second");
  const init = filigree("node", "init", "--network", files.description, "--genesis", files.genesis, "--data", data);
  expect((await once(init.child, "exit"))[0]).toBe(0);
  second = filigree("node", "start", "--data", data);
  const other = await started(second, LONG);
  expect(second.first).toMatchObject({ proofs: "groth16", miners: [] });

  const [miner] = description.miners as [{ readonly address: string }];
  type Found = { readonly Message: { readonly "/": string }; readonly Height: number };
  const posted = await waitFor<Found>(
    "a window PoSt on the second node's chain",
    async () => {
      const { Height } = await call<{ Height: number }>(other, "Filecoin.ChainHead");
      if (Height < DEADLINE) return null;
      const wanted = { To: miner.address, From: null };
      const found = await call<{ "/": string }[] | null>(other, "Filecoin.StateListMessages", [wanted, null, 1]);
      for (const Message of found ?? []) {
        const { Method } = await call<{ Method: number }>(other, "Filecoin.ChainGetMessage", [Message]);
        const lookup =
          Method === 5 ? await call<Found | null>(other, "Filecoin.StateSearchMsg", [null, Message, -1, true]) : null;
        if (lookup !== null) return lookup;
      }
      return null;
    },
    LONG,
  );
  const { Receipt } = posted as unknown as { readonly Receipt: { readonly ExitCode: number } };
  expect(Receipt.ExitCode).toBe(0);
  const message = await call<{ Params: string }>(other, "Filecoin.ChainGetMessage", [posted.Message]);
  // Deadline, partitions, [[type 5, 192 bytes]], …; an attested proof begins with its tag and ends in 95 zeros.
  const bytes = Buffer.from(message.Params, "base64");
  const at = bytes.indexOf(Buffer.from([0x82, 0x05, 0x58, 192]));
  expect(at).toBeGreaterThan(0);
  expect(bytes.subarray(at + 4 + 97, at + 4 + 192)).not.toEqual(Buffer.alloc(95));

  // What the second node has as its head it has validated; it is the first one's chain.
  const tipset = await waitFor(
    "three heads that both have",
    async () => {
      const head = await call<{ Height: number; Cids: { "/": string }[] }>(other, "Filecoin.ChainHead");
      return head.Height >= posted.Height + 3 ? head : null;
    },
    LONG,
  );
  type Block = { readonly WinPoStProof: readonly { readonly PoStProof: number; readonly ProofBytes: string }[] };
  for (const cid of tipset.Cids) {
    const block = await call<Block>(url, "Filecoin.ChainGetBlock", [cid]);
    expect(block.WinPoStProof).toMatchObject([{ PoStProof: 0 }]);
    expect(Buffer.from(block.WinPoStProof[0]?.ProofBytes ?? "", "base64").subarray(97)).not.toEqual(Buffer.alloc(95));
  }
  expect(await call(other, "Filecoin.StateMinerFaults", [miner.address, null])).toEqual([0]);
  const faults = [...net.lines, ...second.lines].filter(({ event, state }) => event === "error" || state === "failed");
  expect(faults).toEqual([]);
});
