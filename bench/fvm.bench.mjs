/**
 * Today's actors: instrumenting, messages, contract calls and tipsets with the published actors of network version 28, and how long it
 * takes from nothing to the first call of a contract.
 *
 * Messages are applied one after another on one machine, as in a tipset, by a process that has run each kind before ("warm"; a token's
 * transfers go on getting faster while the engine compiles the actor, so they are measured once more when it has). Times
 * are CPU of all threads, so that what engines compile in the background counts; those from nothing are of fresh processes, which
 * make a genesis with the actors' constructors and deploy the contract. Without the
 * bundle of actors, which is the user's, it says so. What the reference's crate takes for the same messages: docs/performance.md.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { INSTRUMENT_WASM } from "../dist/core/assets/fvm.js";
import { instrument } from "../dist/core/guest-modules.js";
import { compileModule } from "../dist/core/load.js";
import { carsIn, rootOfCar } from "../dist/exec/bundle.js";
import { cidKey } from "../dist/types/cid.js";
import { median } from "./harness.mjs";
import { bundleFolder, findBundle, fvmWorld } from "./support-fvm.mjs";

export const title = "Today's actors (FVM, network version 28)";

const GENERATION = 4;
const ROUNDS = 7;
const PER_ROUND = 50;
const WARM = 150;
/** Messages until the engine has compiled all that it will of an actor. */
const COMPILED = 2500;
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

/** Seconds from a process's start to the answer, of the clock and of CPU, with the bundles in a folder. */
function coldStart(folder) {
  const walls = [];
  const cpus = [];
  for (let i = 0; i < 3; i++) {
    const begin = performance.now();
    const args = ["--input-type=module", "-e", COLD];
    const env = { ...process.env, FILIGREE_BUNDLES: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: new URL(".", import.meta.url), env });
    if (status !== 0) throw new Error(stderr.toString());
    walls.push((performance.now() - begin) / 1000);
    cpus.push(Number(stdout.toString()));
  }
  return { wall: median(walls), cpu: median(cpus) };
}

/** The file of a folder that has the bundle, and the bundle's CAR in it. */
function fileOf(bundle, folder) {
  for (const name of readdirSync(folder, { recursive: true }).filter((one) => /\.(zst|car)$/.test(one))) {
    const file = new Uint8Array(readFileSync(path.join(folder, name)));
    for (const car of carsIn(file)) if (rootOfCar(car)?.equals(bundle.root)) return { name, file, car };
  }
  throw new Error("the bundle's file is gone");
}

/** Facts of processes that find the bundle as `filigree bundle add` keeps it, and in the pack that it came in, if it did. */
function coldFacts(bundle) {
  const { name, file, car } = fileOf(bundle, bundleFolder());
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-bench-"));
  const list = [];
  const measure = (saved, bytes, kind) => {
    writeFileSync(path.join(folder, saved), bytes);
    const { cpu: cpuTime, wall } = coldStart(folder);
    rmSync(path.join(folder, saved));
    list.push({
      name: `from nothing to a contract's first call, actors from ${kind}, CPU`,
      value: cpuTime,
      unit: "s",
      most: 1.5,
    });
    list.push({ name: `the same, wall`, value: wall, unit: "s" });
  };
  try {
    measure("v18.car", car, "a CAR");
    if (name.endsWith(".zst")) measure("v18.tar.zst", file, "a pack");
  } finally {
    rmSync(folder, { recursive: true });
  }
  return list;
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
    list.push({ name: `${name}, warm`, value: each, unit: "ms", most: 5 });
  }
  const token = kinds["transfer of a token"];
  for (let i = 0; i < COMPILED; i++) apply(token(at++));
  const compiled = median(Array.from({ length: ROUNDS }, () => round(token, PER_ROUND)));
  list.push({ name: `transfer of a token, after ${COMPILED}`, value: compiled, unit: "ms", most: 0.5 });
  const mixed = (i) => entries[i % entries.length][1](i);
  const tipsets = Array.from({ length: 3 }, () => round(mixed, TIPSET) * TIPSET + cpu(() => vm.flush()));
  list.push({ name: `tipset of ${TIPSET} messages of all kinds`, value: median(tipsets) / 1000, unit: "s", most: 2 });
  list.push(...coldFacts(bundle));
  list.push({ name: "memory of the kernel", value: vm.memoryBytes / 2 ** 20, unit: "MiB" });
  list.push({ name: "memory of the process", value: process.memoryUsage().rss / 2 ** 20, unit: "MiB" });
  return list;
}
