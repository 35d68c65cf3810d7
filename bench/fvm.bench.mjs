/**
 * Today's actors: instrumenting, messages, contract calls and tipsets with the published actors of network version 28, and how long it
 * takes from nothing to the first call of a contract.
 *
 * Messages are applied one after another on one machine, as in a tipset, by a process that has run each kind before ("warm"). Times
 * are CPU of all threads, so that what engines compile in the background counts; those from nothing are of fresh processes, which
 * make a genesis with the actors' constructors and deploy the contract. Without the
 * bundle of actors, which is the user's, it says so. What the reference's crate takes for the same messages: docs/performance.md.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { INSTRUMENT_WASM } from "../dist/core/assets/fvm.js";
import { instrument } from "../dist/core/guest-modules.js";
import { compileModule } from "../dist/core/load.js";
import { cidKey } from "../dist/types/cid.js";
import { median } from "./harness.mjs";
import { findBundle, fvmWorld } from "./support-fvm.mjs";

export const title = "Today's actors (FVM, network version 28)";

const GENERATION = 4;
const ROUNDS = 7;
const PER_ROUND = 50;
const WARM = 150;
const TIPSET = 300;
const COLD = `
  import { findBundle, fvmWorld } from "./support-fvm.mjs";
  const { kinds, apply } = await fvmWorld(await findBundle());
  apply(kinds["balance of a token"](0));
  const { user, system } = process.cpuUsage();
  process.stdout.write(String((user + system) / 1e6));`;

/** CPU milliseconds of all threads. */
function cpu(work) {
  const begin = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/** Seconds from a process's start to the answer, of the clock and of CPU. */
function coldStart() {
  const walls = [];
  const cpus = [];
  for (let i = 0; i < 3; i++) {
    const begin = performance.now();
    const args = ["--input-type=module", "-e", COLD];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: new URL(".", import.meta.url) });
    if (status !== 0) throw new Error(stderr.toString());
    walls.push((performance.now() - begin) / 1000);
    cpus.push(Number(stdout.toString()));
  }
  return { wall: median(walls), cpu: median(cpus) };
}

export async function facts() {
  const bundle = await findBundle();
  if (bundle === undefined) {
    process.stdout.write("  no bundle v18 of devnet at hand: set FILIGREE_BUNDLES to a folder with packs or CARs\n");
    return [];
  }
  const list = [];
  const instrumenter = await compileModule(INSTRUMENT_WASM);
  const codes = [...bundle.codes.values()].map(({ bytes }) => bundle.blocks.get(cidKey(bytes)));
  const bytes = codes.reduce((sum, { length }) => sum + length, 0);
  const all = () => {
    for (const code of codes) instrument(instrumenter, code, GENERATION);
  };
  all();
  const times = Array.from({ length: ROUNDS }, () => cpu(all));
  const named = `instrumenting ${codes.length} actors, ${(bytes / 1e6).toFixed(1)} MB`;
  list.push({ name: named, value: median(times), unit: "ms", most: 500 });
  const { vm, kinds, apply } = await fvmWorld(bundle);
  const entries = Object.entries(kinds);
  for (const [, make] of entries) for (let i = 0; i < WARM; i++) apply(make(i));
  let at = WARM;
  const round = (make, count) => {
    const messages = Array.from({ length: count }, () => make(at++));
    return cpu(() => messages.forEach(apply)) / count;
  };
  for (const [name, make] of entries) {
    const each = median(Array.from({ length: ROUNDS }, () => round(make, PER_ROUND)));
    list.push({ name: `${name}, warm`, value: each, unit: "ms", most: name === "transfer of a token" ? 0.5 : 5 });
  }
  const mixed = (i) => entries[i % entries.length][1](i);
  const tipsets = Array.from({ length: 3 }, () => round(mixed, TIPSET) * TIPSET + cpu(() => vm.flush()));
  list.push({ name: `tipset of ${TIPSET} messages of all kinds`, value: median(tipsets) / 1000, unit: "s", most: 2 });
  const cold = coldStart();
  list.push({ name: "from nothing to a contract's first call, CPU", value: cold.cpu, unit: "s", most: 1.5 });
  list.push({ name: "from nothing to a contract's first call, wall", value: cold.wall, unit: "s" });
  list.push({ name: "memory of the kernel", value: vm.memoryBytes / 2 ** 20, unit: "MiB" });
  list.push({ name: "memory of the process", value: process.memoryUsage().rss / 2 ** 20, unit: "MiB" });
  return list;
}
