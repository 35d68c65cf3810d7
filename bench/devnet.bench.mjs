/**
 * The local network in memory: tipsets per second when empty and with 1000 plain sends each, and a day of 2880 epochs.
 *
 * A tipset costs everything that it costs `npm start`: ticket and election proof, the choice of messages, the block's
 * signature, execution with reward and cron, receipts, the chain's batch. Pushing messages (signature and nonce checks)
 * is counted apart from mining them. Two networks take turns: one with the machine in the node's own thread, one with the
 * machine in a worker, as `npm start` has it; the day is the latter's. CPU time is that of all threads.
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
const ROUNDS = 9;
/** Empty tipsets of a round. */
const EMPTY = 50;
const SENDS_IN_TURN = 100;
/** Epochs with elections. */
const ELECTED = 100;

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

function open(machine) {
  return Devnet.open({
    accounts: ACCOUNTS,
    balance: 1000n * FIL,
    seed: "bench",
    blockTime: 3600,
    genesisTime: 1_598_306_400,
    data: null,
    version: "bench",
    machine,
  });
}

/** Pushes the sends of a round and mines them; seconds of both. */
async function fullTipset(net, round) {
  const { pool, chain } = net.services;
  const signed = signSends(net, round);
  const push = await timed(async () => {
    for (const one of signed) await pool.push(one);
  });
  const mine = await timed(() => net.clock.mine(1));
  const receipts = await chain.receipts(net.head);
  const good = receipts.filter(({ exitCode }) => exitCode === 0).length;
  if (good !== SENDS) throw new Error(`${good} of ${receipts.length} sends in the tipset are good, not ${SENDS}`);
  return { push, mine };
}

/** Milliseconds for one send after another in instant mode: push and wait until it was executed. */
async function sendAndWait() {
  const net = await Devnet.open({ accounts: 2, seed: "bench", blockTime: 0, data: null, machine: "worker" });
  const [from, to] = net.accounts;
  const message = { To: to.secp256k1.toString("t"), From: from.secp256k1.toString("t"), Value: "1", Method: 0 };
  const walls = [];
  for (let i = 0; i < SENDS_IN_TURN; i++) {
    const { wall } = await timed(async () => {
      const sent = await net.request("Filecoin.MpoolPushMessage", message, null);
      const found = await net.request("Filecoin.StateWaitMsg", sent.CID, 0, 100, true);
      if (found.Receipt.ExitCode !== 0) throw new Error(`send ${i} ended with exit code ${found.Receipt.ExitCode}`);
    });
    walls.push(1000 * wall);
  }
  await net.close();
  return median(walls);
}

/** Milliseconds of CPU for an epoch of a network with elections over sealed sectors. */
async function electedEpoch(miners, sectors) {
  const net = await Devnet.open({ accounts: 2, seed: "bench", blockTime: 3600, data: null, miners, sectors });
  await net.clock.mine(10);
  const { cpu } = await timed(() => net.clock.mine(ELECTED));
  await net.close();
  return (1000 / ELECTED) * cpu;
}

export async function facts() {
  const inTurn = { name: "instant mode: a send and its wait, wall time", value: await sendAndWait(), unit: "ms" };
  const elections = [];
  for (const [miners, sectors] of [
    [1, 4],
    [3, 4],
  ])
    elections.push({
      name: `elections, ${miners} x ${sectors} sectors: an epoch`,
      value: await electedEpoch(miners, sectors),
      unit: "ms",
    });
  const runs = [];
  for (const machine of ["thread", "worker"]) {
    const net = await open(machine);
    await net.clock.mine(20);
    await fullTipset(net, 0);
    runs.push({ machine, net, full: [], empty: [] });
  }
  for (let round = 1; round <= ROUNDS; round++)
    for (const { net, full, empty } of runs) {
      full.push(await fullTipset(net, round));
      empty.push(await timed(() => net.clock.mine(EMPTY)));
    }
  const [thread, worker] = runs;
  await thread.net.close();
  const day = await timed(() => worker.net.clock.mine(DAY));
  await worker.net.close();
  const of = ({ machine, full, empty }) => [
    {
      name: `${machine}: tipset with ${SENDS} sends`,
      value: 1000 * median(full.map((one) => one.mine.cpu)),
      unit: "ms",
    },
    { name: `${machine}: the same, wall time`, value: 1000 * median(full.map((one) => one.mine.wall)), unit: "ms" },
    { name: `${machine}: empty tipset`, value: (1000 / EMPTY) * median(empty.map((one) => one.cpu)), unit: "ms" },
    {
      name: `${machine}: the same, wall time`,
      value: (1000 / EMPTY) * median(empty.map((one) => one.wall)),
      unit: "ms",
    },
  ];
  const push = median(runs.flatMap(({ full }) => full.map((one) => one.push.cpu)));
  return [
    inTurn,
    ...elections,
    { name: "pushes into the pool, secp256k1", value: SENDS / push, unit: "msg/s" },
    ...of(thread),
    ...of(worker),
    { name: `a day, ${DAY} empty tipsets, CPU time`, value: day.cpu, unit: "s" },
    { name: `a day, ${DAY} empty tipsets, wall time`, value: day.wall, unit: "s" },
  ];
}
