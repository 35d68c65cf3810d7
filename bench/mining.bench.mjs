/**
 * Elections and proofs of a local network beside as many empty tipsets without either, made in turns in one process: an epoch's CPU
 * time of all threads, its time by the clock, the ratios of both, and where the CPU time of three miners goes. In a thread: all in one
 * thread. With workers: tipsets are executed in one, and another one makes every second signature of those that are wanted at the same
 * time; by the clock that shows where a second core is free, and nothing on a machine that others load.
 *
 * Elected epochs are signed (election, ticket, block) and proven (winning PoSt in every block, window PoSt in its deadlines) by
 * every miner; both kinds are executed with reward and cron.
 */
import { Session } from "node:inspector/promises";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { Devnet } from "../dist/node/devnet.js";
import { median } from "./harness.mjs";

export const title = "Mining with elections";

/** Epochs of a round: over an hour of the network's time, so that deadlines have their share. */
const EPOCHS = 60;
const ROUNDS = 9;
const WARM = 2;
const FORMS = [
  { name: "one producer, no election", miners: 0, sectors: 1, machine: "thread" },
  { name: "1 miner with 4 sectors", miners: 1, sectors: 4, machine: "thread" },
  { name: "3 miners with 4 sectors", miners: 3, sectors: 4, machine: "thread" },
  { name: "one producer, no election, workers", miners: 0, sectors: 1, machine: "worker" },
  { name: "1 miner with 4 sectors, workers", miners: 1, sectors: 4, machine: "worker" },
  { name: "3 miners with 4 sectors, workers", miners: 3, sectors: 4, machine: "worker" },
];
/** Places of forms that are compared, the dearer first. */
const PAIRS = [
  [1, 0],
  [2, 0],
  [4, 3],
  [5, 3],
  [5, 0],
];
/** Kinds of work, by what the functions on the stack are named; the first that matches counts. */
const KINDS = [
  ["BLS signatures", /^(blsSign|blsShortSign|withSecret)$/],
  ["proofs of spacetime", /^(provePoSt|proveSectorPoSt|verifySector|postChallenges|verifyPath|window|winning)$/],
  ["execution", /^(applyImplicit|applyMessage|flush|execute|applyTipset)$/],
  ["memory", /^\(garbage collector\)$/],
];

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function measured(net, epochs) {
  const [start, began] = [cpu(), performance.now()];
  await net.request("Devnet.mine", epochs);
  return { cpu: (cpu() - start) / epochs, clock: (performance.now() - began) / epochs };
}

/** Shares of the samples of a profile, by kind. */
function shares({ nodes, samples }) {
  const parents = new Map(nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id])));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const counts = new Map();
  let busy = 0;
  for (const sample of samples) {
    if (names.get(sample) === "(idle)") continue;
    busy++;
    let kind = "the rest";
    for (let at = sample; at !== undefined && kind === "the rest"; at = parents.get(at))
      kind = KINDS.find(([, pattern]) => pattern.test(names.get(at)))?.[0] ?? kind;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([kind, count]) => [kind, (100 * count) / busy]);
}

async function profiled(net) {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 500 });
  await session.post("Profiler.start");
  await net.request("Devnet.mine", 4 * EPOCHS);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  return shares(profile);
}

export async function facts() {
  const nets = [];
  for (const { miners, sectors, machine } of FORMS)
    nets.push(await Devnet.open({ accounts: 2, seed: "mining", genesisTime: 1_700_000_000, miners, sectors, machine }));
  const times = FORMS.map(() => []);
  for (let round = 0; round < ROUNDS + WARM; round++)
    for (const [i, net] of nets.entries()) {
      const taken = await measured(net, EPOCHS);
      if (round >= WARM) times[i].push(taken);
    }
  const out = [];
  for (const [kind, what] of [
    ["cpu", "CPU time"],
    ["clock", "clock"],
  ]) {
    FORMS.forEach(({ name }, i) => {
      out.push({ name: `an epoch, ${name}, ${what}`, value: median(times[i].map((one) => one[kind])), unit: "ms" });
    });
    for (const [a, b] of PAIRS)
      out.push({
        name: `${FORMS[a].name}, times ${FORMS[b].name}, ${what}`,
        value: median(times[a].map((one, round) => one[kind] / times[b][round][kind])),
        unit: "",
      });
  }
  for (const [kind, share] of await profiled(nets[2])) out.push({ name: `3 miners: ${kind}`, value: share, unit: "%" });
  for (const net of nets) await net.close();
  return out;
}
