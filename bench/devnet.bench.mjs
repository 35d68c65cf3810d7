/**
 * The local network in memory: tipsets per second when empty and with 1000 plain sends each, and a day of 2880 epochs.
 *
 * A tipset costs everything that it costs `npm start`: ticket and election proof, the choice of messages, the block's
 * signature, execution with reward and cron, receipts, the chain's batch. Pushing messages (signature and nonce checks)
 * is counted apart from mining them. Wall time is given beside CPU time. Everything twice: with the machine in the
 * node's own thread, and in a worker, as `npm start` has it.
 */
import { performance } from "node:perf_hooks";
import process from "node:process";
import { signMessage } from "../dist/keys/keys.js";
import { Devnet } from "../dist/node/devnet.js";
import { FIL } from "../dist/types/amount.js";
import { median } from "./harness.mjs";

export const title = "Local network";

const DAY = 2880;
const SENDS = 1000;
const ACCOUNTS = 50;
const ROUNDS = 5;

/** Seconds of CPU and wall time of a piece of work. */
async function timed(work) {
  const start = process.cpuUsage();
  const wall = performance.now();
  await work();
  const { user, system } = process.cpuUsage(start);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - wall) / 1000 };
}

/** Signed sends from all accounts in turn, each to the next account. */
function signSends(net, round) {
  const { crypto } = net.services;
  const perAccount = SENDS / ACCOUNTS;
  return Array.from({ length: SENDS }, (_, i) => {
    const from = net.accounts[i % ACCOUNTS];
    const message = {
      from: from.secp256k1,
      to: net.accounts[(i + 1) % ACCOUNTS].secp256k1,
      nonce: BigInt(round * perAccount + Math.floor(i / ACCOUNTS)),
      value: 1n,
      gasLimit: 2_000_000n,
      gasFeeCap: 1_000_000_000n,
      gasPremium: 100_000n,
      method: 0n,
      params: new Uint8Array(0),
    };
    return signMessage(crypto, from.keys.secp256k1, message);
  });
}

async function factsOf(machine) {
  const net = await Devnet.open({
    accounts: ACCOUNTS,
    balance: 1000n * FIL,
    seed: "bench",
    blockTime: 3600,
    genesisTime: 1_598_306_400,
    data: null,
    version: "bench",
    machine,
  });
  const { pool, chain } = net.services;
  await net.clock.mine(20);
  const pushes = [];
  const full = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const signed = signSends(net, round);
    const push = await timed(async () => {
      for (const one of signed) await pool.push(one);
    });
    const mine = await timed(() => net.clock.mine(1));
    const receipts = await chain.receipts(net.head);
    const good = receipts.filter(({ exitCode }) => exitCode === 0).length;
    if (good !== SENDS) throw new Error(`${good} of ${receipts.length} sends in the tipset are good, not ${SENDS}`);
    if (round === 0) continue;
    pushes.push(push.cpu);
    full.push(mine);
  }
  const day = await timed(() => net.clock.mine(DAY));
  await net.close();
  const cpu = median(full.map((one) => one.cpu));
  const wall = median(full.map((one) => one.wall));
  return [
    { name: `pushes into the pool, secp256k1`, value: SENDS / median(pushes), unit: "msg/s" },
    { name: `tipset with ${SENDS} sends`, value: cpu * 1000, unit: "ms" },
    { name: `tipset with ${SENDS} sends, wall time`, value: wall * 1000, unit: "ms" },
    { name: "sends mined", value: SENDS / cpu, unit: "msg/s" },
    { name: "empty tipsets", value: DAY / day.cpu, unit: "tipset/s" },
    { name: `a day, ${DAY} empty tipsets, CPU time`, value: day.cpu, unit: "s" },
    { name: `a day, ${DAY} empty tipsets, wall time`, value: day.wall, unit: "s" },
  ].map((fact) => ({ ...fact, name: `${machine}: ${fact.name}` }));
}

export async function facts() {
  return [...(await factsOf("thread")), ...(await factsOf("worker"))];
}
