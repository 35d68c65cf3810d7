/**
 * The real chain and the legacy corpus: tipsets, messages and vector runs per second, every root compared on the way.
 *
 * Data is looked for in FILIGREE_VECTORS (default `../shared`); what is absent is named and left out. Proofs are taken
 * as valid, so no proof mathematics is in these figures; reading the file from disk is not either.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { replayChain } from "../dist/conformance/replay.js";
import { runVector } from "../dist/conformance/run.js";
import { loadCrypto } from "../dist/core/crypto.js";
import { median } from "./harness.mjs";

export const title = "Replay and corpus";

const ROUNDS = 5;
const root = fileURLToPath(new URL("..", import.meta.url));
const data = path.resolve(root, process.env.FILIGREE_VECTORS ?? "../shared");
const trusting = { verifyPoSt: () => true, verifySeal: () => true };

function present(place) {
  const found = existsSync(place);
  if (!found) process.stdout.write(`  left out: nothing at ${place}; FILIGREE_VECTORS names the folder of the data\n`);
  return found;
}

/** Seconds of CPU time, and what the work returned. */
async function timed(work) {
  const start = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, result };
}

async function replayFacts(file) {
  const hashes = await loadCrypto();
  const car = readFileSync(file);
  const runs = [];
  for (let i = 0; i <= ROUNDS; i++) runs.push(await timed(() => replayChain(car, { proofs: trusting, hashes })));
  const { tipsets, messages } = runs[0].result;
  const seconds = median(runs.slice(1).map((run) => run.seconds));
  return [
    { name: `main network, first replay of ${tipsets} tipsets, cold`, value: runs[0].seconds * 1000, unit: "ms" },
    { name: "main network, later replays", value: tipsets / seconds, unit: "tipsets/s" },
    { name: "main network, later replays", value: messages / seconds, unit: "messages/s" },
  ];
}

async function corpusFacts(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
  const files = names.sort().map((name) => [name, readFileSync(path.join(folder, name), "utf8")]);
  const { seconds, result } = await timed(async () => {
    let runs = 0;
    for (const [name, text] of files) {
      const { outcomes } = await runVector(name, text);
      const failed = outcomes.find(({ passed }) => !passed);
      if (failed !== undefined) throw new Error(`${name} [${failed.variant}]: ${failed.differences.join("; ")}`);
      runs += outcomes.length;
    }
    return runs;
  });
  return [
    { name: `legacy corpus, ${result} runs of ${files.length} files`, value: seconds, unit: "s", most: 60 },
    { name: "legacy corpus", value: result / seconds, unit: "runs/s" },
  ];
}

export async function facts() {
  const chain = path.join(data, "chains/mainnet-epochs-0-39.car");
  const corpus = path.join(data, "vectors/legacy");
  return [...(present(chain) ? await replayFacts(chain) : []), ...(present(corpus) ? await corpusFacts(corpus) : [])];
}
