/**
 * Seals that are proven, with epochs by the clock: a sector is pledged on a network as its command starts it, its proof of
 * replication is a SNARK, the chain takes it in time, and a second node in a process of its own has validated that. The key
 * takes minutes and 1.1 GB; FILIGREE_PARAMS keeps it, FILIGREE_EPOCH is the seconds of an epoch (15).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../support/devnet.ts";
import { waitFor } from "../support/local-network.ts";
import { filigree, type LineProcess, MAIN, started } from "../support/network-processes.ts";

const EPOCH = process.env["FILIGREE_EPOCH"] ?? "15";
const LONG = 14_000_000;
const PROVE_COMMIT = 7;

let folder: string;
let net: LineProcess;
let second: LineProcess;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-sealed-clock-"));
  const params = process.env["FILIGREE_PARAMS"] ?? path.join(folder, "params");
  // The keys first: the network's clock runs once it is made.
  for (const circuit of ["winning-2KiB", "window-2KiB", "porep-2KiB"]) {
    const making = spawn(process.execPath, [MAIN, "params", "make", circuit, "--dir", params], { stdio: "ignore" });
    expect((await once(making, "exit"))[0]).toBe(0);
  }
  net = filigree(
    ...["devnet", "--proofs", "groth16", "--seals", "groth16", "--block-time", EPOCH, "--params", params],
    ...["--port", "0", "--data", path.join(folder, "net")],
  );
}, LONG);
afterAll(async () => {
  for (const node of [second, net]) node?.child.kill("SIGINT");
  await Promise.all([second, net].map((node) => node?.child.exitCode ?? (node && once(node.child, "exit"))));
  await rm(folder, { recursive: true });
});

test(
  "a pledged sector's seal is proven, taken by the chain and validated by a second node",
  async () => {
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

    const began = performance.now();
    const { Number: number } = await call<{ Number: number }>(url, "Filecoin.PledgeSector");
    let last = "";
    await waitFor(
      "the sector to be proven",
      async () => {
        const { State } = await call<{ State: string }>(url, "Filecoin.SectorsStatus", [number]);
        if (State === last) return State === "Proving";
        last = State;
        const { Height } = await call<{ Height: number }>(url, "Filecoin.ChainHead");
        const seconds = ((performance.now() - began) / 1000).toFixed(0);
        process.stdout.write(`${seconds} s, epoch ${Height}: ${State}\n`);
        return State === "Proving";
      },
      LONG,
    );

    // On the second node's chain, which it has executed: the message with its 192 bytes, its receipt, the sector.
    const [miner] = description.miners as [{ readonly address: string }];
    type Found = { readonly Message: { readonly "/": string }; readonly Receipt: { readonly ExitCode: number } };
    const [lookup, proof] = await waitFor<[Found, Uint8Array]>(
      "the proof on the second node's chain",
      async () => {
        const wanted = { To: miner.address, From: null };
        const found = await call<{ "/": string }[] | null>(other, "Filecoin.StateListMessages", [wanted, null, 1]);
        for (const cid of found ?? []) {
          const message = await call<{ Method: number; Params: string }>(other, "Filecoin.ChainGetMessage", [cid]);
          if (message.Method !== PROVE_COMMIT) continue;
          const [committed, bytes] = dagCbor.decode(Buffer.from(message.Params, "base64")) as [number, Uint8Array];
          expect(committed).toBe(number);
          const at = await call<Found | null>(other, "Filecoin.StateSearchMsg", [null, cid, -1, true]);
          if (at !== null) return [at, bytes];
        }
        return null;
      },
      LONG,
    );
    expect(proof.length).toBe(192);
    // An attested proof ends in 95 zeros.
    expect(proof.subarray(97)).not.toEqual(new Uint8Array(95));
    expect(lookup.Receipt.ExitCode).toBe(0);
    const sector = await waitFor(
      "the sector on the second node",
      () => call<{ SectorNumber: number } | null>(other, "Filecoin.StateSectorGetInfo", [miner.address, number, null]),
      LONG,
    );
    expect(sector.SectorNumber).toBe(number);
    const faults = [...net.lines, ...second.lines].filter(
      ({ event, state }) => event === "error" || state === "failed",
    );
    expect(faults).toEqual([]);
  },
  LONG,
);
