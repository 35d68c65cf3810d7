/**
 * Elections and proofs of a local network beside as many empty tipsets without either, made in turns in one process: CPU time of
 * an epoch, the ratio, and where the time of three miners goes.
 *
 * Elected epochs are signed (election, ticket, block) and proven (winning PoSt in every block, window PoSt in its deadlines) by
 * every miner; both kinds are executed with reward and cron.
 */
import { Session } from "node:inspector/promises";
import process from "node:process";
import { Devnet } from "../dist/node/devnet.js";
import { median } from "./harness.mjs";

export const title = "Mining with elections";

/** Epochs of a round: over an hour of the network's time, so that deadlines have their share. */
const EPOCHS = 60;
const ROUNDS = 9;
const WARM = 2;
const FORMS = [
  { name: "one producer, no election", miners: 0, sectors: 1 },
  { name: "1 miner with 4 sectors", miners: 1, sectors: 4 },
  { name: "3 miners with 4 sectors", miners: 3, sectors: 4 },
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
  const start = cpu();
  await net.request("Devnet.mine", epochs);
  return (cpu() - start) / epochs;
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
  for (const { miners, sectors } of FORMS)
    nets.push(await Devnet.open({ accounts: 2, seed: "mining", genesisTime: 1_700_000_000, miners, sectors }));
  const times = FORMS.map(() => []);
  for (let round = 0; round < ROUNDS + WARM; round++)
    for (const [i, net] of nets.entries()) {
      const ms = await measured(net, EPOCHS);
      if (round >= WARM) times[i].push(ms);
    }
  const out = FORMS.map(({ name }, i) => ({ name: `an epoch, ${name}`, value: median(times[i]), unit: "ms" }));
  for (const i of [1, 2])
    out.push({
      name: `${FORMS[i].name}, times one producer`,
      value: median(times[i].map((ms, round) => ms / times[0][round])),
      unit: "",
    });
  for (const [kind, share] of await profiled(nets[2])) out.push({ name: `3 miners: ${kind}`, value: share, unit: "%" });
  for (const net of nets) await net.close();
  return out;
}
