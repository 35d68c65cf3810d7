/**
 * Two nodes in one process, their machines in workers: memory and time until both have mined a tipset and estimated a
 * message. Each run is a process of its own, since memory is not given back; medians of five.
 */
import { execFileSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { median } from "./harness.mjs";

export const title = "Nodes in one process";

const RUNS = 5;

async function child(count) {
  const { Devnet } = await import("../dist/node/devnet.js");
  const { FIL } = await import("../dist/types/amount.js");
  const start = process.cpuUsage();
  const wall = performance.now();
  const nets = [];
  for (let i = 0; i < count; i++) {
    const options = { accounts: 10, balance: 1000n * FIL, seed: `bench ${i}`, blockTime: 3600, data: null };
    nets.push(await Devnet.open({ ...options, genesisTime: 1_598_306_400, version: "bench", machine: "worker" }));
  }
  await Promise.all(
    nets.map(async (net) => {
      await net.clock.mine(5);
      const [from, to] = net.accounts.map(({ secp256k1 }) => secp256k1);
      const fees = { gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n, method: 0n, params: new Uint8Array(0) };
      await net.services.states.call({ from, to, nonce: 0n, value: 1n, ...fees }, net.head);
    }),
  );
  const { user, system } = process.cpuUsage(start);
  const figures = [process.memoryUsage().rss, performance.now() - wall, (user + system) / 1000];
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  for (const net of nets) await net.close();
}

export async function facts() {
  const self = fileURLToPath(import.meta.url);
  return [1, 2, 4].flatMap((count) => {
    const runs = Array.from({ length: RUNS }, () =>
      JSON.parse(execFileSync(process.execPath, [self, `${count}`], { encoding: "utf8" })),
    );
    const name = count === 1 ? "one node" : `${count} nodes`;
    const of = (index) => median(runs.map((run) => run[index]));
    return [
      { name: `${name}: resident`, value: of(0) / 2 ** 20, unit: "MiB" },
      { name: `${name}: from opening to answers`, value: of(1), unit: "ms" },
      { name: `${name}: the same, CPU time`, value: of(2), unit: "ms" },
    ];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await child(Number(process.argv[2]));
