/**
 * A client's data: a file to blocks and to its piece commitment, beside ipfs-car and storacha's packages; and a file from a provider
 * over loopback, beside lassie (if it is in PATH) and helia (if `npm run test:clients` has installed it; it runs in Deno).
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { encode as storachaCar } from "@storacha/upload-client/car";
import * as Storacha from "@storacha/upload-client/unixfs";
import * as Fr32 from "fr32-sha2-256-trunc254-padded-binary-tree-multihash";
import { CAREncoderStream, createFileEncoderStream } from "ipfs-car";
import { loadCrypto } from "../dist/core/crypto.js";
import { loadProofs } from "../dist/core/proofs.js";
import { carOf } from "../dist/market/data/car-out.js";
import { ClientStore } from "../dist/market/data/client-store.js";
import { commitCar } from "../dist/market/data/commit-car.js";
import { importUnixfs } from "../dist/market/data/unixfs.js";
import { ProvingPool } from "../dist/proving/pool.js";
import { MemoryStore } from "../dist/storage/memory.js";
import { parseCid } from "../dist/types/cid.js";
import { median } from "./harness.mjs";
import { entry, fileBytes, openMarket } from "./support-market.mjs";

export const title = "A client's data";

const IMPORTED = 32 << 20;
const RETRIEVED = 64 << 20;
const RUNS = 5;
const HELIA = fileURLToPath(new URL("../test/clients/helia", import.meta.url));

/** A stream that ends in `take`. */
const sink = (take) => new WritableStream({ write: take });

/** A Fr32 tree over what is written to it; gives the multihash. */
function fr32() {
  const hasher = Fr32.create();
  return {
    take: (bytes) => hasher.write(bytes),
    end: () => {
      const digest = new Uint8Array(hasher.multihashByteLength());
      hasher.digestInto(digest, 0, true);
      hasher.free();
      return digest;
    },
  };
}

export async function cases() {
  const parts = [...fileBytes(IMPORTED)];
  const file = new Blob(parts);
  const [crypto, module] = [await loadCrypto(), await loadProofs()];
  const pool = ProvingPool.open(2);
  const ours = async (commits) => {
    const store = new ClientStore(new MemoryStore(), crypto);
    const { root } = await store.importFiles("file", entry(parts));
    if (commits) await commitCar(store, root, { module, pool });
    else for await (const _ of carOf(store, root));
    return `${root}`;
  };
  const ipfsCar = async (commits) => {
    let root = null;
    const piece = commits ? fr32() : null;
    const noted = new TransformStream({
      transform(block, controller) {
        root = block.cid;
        controller.enqueue(block);
      },
    });
    await createFileEncoderStream(file)
      .pipeThrough(noted)
      .pipeThrough(new CAREncoderStream())
      .pipeTo(sink((bytes) => piece?.take(bytes)));
    piece?.end();
    return `${root}`;
  };
  const storacha = async (commits) => {
    const { cid, blocks } = await Storacha.encodeFile(file);
    const car = new Uint8Array(await (await storachaCar(blocks, cid)).arrayBuffer());
    if (commits) {
      const piece = fr32();
      piece.take(car);
      piece.end();
    }
    return `${cid}`;
  };
  const importOnly = async () => `${await importUnixfs(entry(parts), async () => undefined)}`;
  const fr32Name = "fr32-sha2-256-trunc254-padded-binary-tree-multihash";
  const answer = (root) => root;
  const both = {
    ours: () => ours(true),
    [`ipfs-car, ${fr32Name.slice(0, 13)}…`]: () => ipfsCar(true),
    [`@storacha/upload-client, ${fr32Name.slice(0, 4)}…`]: () => storacha(true),
  };
  return [
    {
      ...{ name: "32 MiB to UnixFS, a CAR file and its piece commitment", bytes: IMPORTED, answer, contestants: both },
      clock: "wall",
      note: "ours commits in two workers; CAR files are depth first in ours, leaves first in theirs",
    },
    { name: "the same, CPU time of all threads", bytes: IMPORTED, answer, contestants: both },
    {
      ...{ name: "32 MiB to UnixFS and a CAR file", bytes: IMPORTED, answer },
      contestants: {
        ours: () => ours(false),
        "ipfs-car": () => ipfsCar(false),
        "@storacha/upload-client": () => storacha(false),
      },
    },
    {
      ...{ name: "32 MiB to UnixFS, blocks let go of", bytes: IMPORTED, answer },
      contestants: { ours: importOnly },
    },
  ];
}

/** Seconds that a run takes by the clock, and of this process's CPU time: medians. */
async function seconds(run) {
  const [wall, cpu] = [[], []];
  for (let i = 0; i < RUNS; i++) {
    const [start, before] = [performance.now(), process.cpuUsage()];
    const after = await run();
    const { user, system } = process.cpuUsage(before);
    wall.push((performance.now() - start) / 1000);
    cpu.push((user + system) / 1e6);
    await after?.();
  }
  return { wall: median(wall), cpu: median(cpu) };
}

async function overGraphsync({ root, address }) {
  const { market, blocks } = await openMarket();
  const { signal } = new AbortController();
  return seconds(async () => {
    const order = { root: parseCid(root), providers: [address], maxPrice: 0n, from: null, signal };
    const got = await market.retrieve(order);
    if (got.wasHere || got.bytes < RETRIEVED) throw new Error("nothing was retrieved");
    // The next run begins with nothing.
    return async () => {
      const removed = [];
      for await (const { cid } of blocks.everyBlock()) removed.push(cid);
      await blocks.write({ removed });
    };
  });
}

async function overHttp({ root, gateway }) {
  const hashes = await loadCrypto();
  return seconds(async () => {
    const response = await fetch(`${gateway}/ipfs/${root}?format=car`);
    const car = new Uint8Array(await response.arrayBuffer());
    const source = { size: car.length, read: async (from, length) => car.subarray(from, from + length) };
    await new ClientStore(new MemoryStore(), hashes).importCar("car", source, "retrieval");
  });
}

const LASSIE_OUT = { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" };

/** In a process of its own each time, whose CPU time is not known. */
async function lassie(protocol, provider, root) {
  const { wall } = await seconds(async () => {
    const args = ["fetch", "--output", "-", "--protocols", protocol, "--providers", provider, root];
    const { status, stderr } = spawnSync("lassie", args, LASSIE_OUT);
    if (status !== 0) throw new Error(`lassie: ${stderr}`);
  });
  return { wall, cpu: null };
}

/** In one process of Deno, whose start does not count; each run in an instance of its own. */
function helia({ root, gateway }) {
  const deno = ["--yes", "--package", "deno@2.9.6", "deno", "run", "-A", "--node-modules-dir=manual"];
  const script = fileURLToPath(new URL("support-helia.mjs", import.meta.url));
  const out = execFileSync("npx", [...deno, script, HELIA, gateway, root, `${RUNS}`, `${RETRIEVED}`], {
    ...{ cwd: HELIA, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  });
  const runs = JSON.parse(out);
  return { wall: median(runs.map(({ wall }) => wall)), cpu: median(runs.map(({ cpu }) => cpu)) };
}

export async function facts() {
  const provider = spawn(
    process.execPath,
    [fileURLToPath(new URL("support-market.mjs", import.meta.url)), `${RETRIEVED}`],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  try {
    const line = await createInterface(provider.stdout)[Symbol.asyncIterator]().next();
    const place = JSON.parse(line.value);
    const figures = [
      ["64 MiB by graphsync: ours", await overGraphsync(place)],
      ["64 MiB as a CAR file by HTTP, verified: ours", await overHttp(place)],
    ];
    if (spawnSync("lassie", ["version"]).status === 0) {
      figures.push(["64 MiB by graphsync: lassie", await lassie("graphsync", place.address, place.root)]);
      figures.push(["64 MiB as a CAR file by HTTP: lassie", await lassie("http", place.gateway, place.root)]);
    }
    if (existsSync(`${HELIA}/node_modules`)) figures.push(["64 MiB by HTTP: helia", helia(place)]);
    const rate = (time) => RETRIEVED / 1e6 / time;
    return figures.flatMap(([name, { wall, cpu }]) => [
      { name: `${name}, by the clock`, value: rate(wall), unit: "MB/s" },
      ...(cpu === null ? [] : [{ name: `${name}, client's CPU time`, value: rate(cpu), unit: "MB/s" }]),
    ]);
  } finally {
    provider.stdin.end();
  }
}
