/**
 * Maps and arrays of blocks. No package on the registry reads or writes Filecoin's HAMT or AMT; iamap is the nearest map
 * (the same idea: hashed keys, nodes as blocks, bit width 5, buckets), with other node bytes. Both sides hash every node
 * (blake2b-256) and keep it in memory; iamap is persistent and makes new nodes at every set, ours writes when it is flushed.
 * No package has an array like the AMT: ours stands alone.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { blake2b } from "@noble/hashes/blake2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import asc from "assemblyscript/asc";
import { create, load, registerHasher } from "iamap";

export const title = "Collections: HAMT and AMT";

const N = 2000;
const SHA2_256 = 0x12;

/** The bench's own entry, compiled as `vm.wasm` is; no published module exports collections. */
async function compileOurs() {
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-bench-"));
  const outFile = path.join(folder, "collections.wasm");
  const root = fileURLToPath(new URL("..", import.meta.url));
  const flags = ["--optimizeLevel", "3", "--runtime", "minimal", "--exportRuntime", "--bindings", "raw"];
  const args = ["assembly/entry/bench-collections.ts", "--config", "none", "--baseDir", root, "--outFile", outFile];
  const { error, stderr } = await asc.main([...args, ...flags], {});
  if (error) throw new Error(stderr.toString());
  const bytes = readFileSync(outFile);
  rmSync(folder, { recursive: true });
  const abort = () => {
    throw new Error("the core aborted");
  };
  return (await WebAssembly.instantiate(bytes, { env: { abort } })).instance.exports;
}

function keyOf(i) {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(i));
  return key;
}

/** A store for iamap: nodes by the hash of their JSON text, kept as they are. */
function memoryStore() {
  const blocks = new Map();
  return {
    save(node) {
      const text = JSON.stringify(node);
      const id = Buffer.from(blake2b(Buffer.from(text), { dkLen: 32 })).toString("hex");
      blocks.set(id, node);
      return id;
    },
    load: (id) => blocks.get(id),
    isEqual: (a, b) => a === b,
    isLink: (value) => typeof value === "string" && value.length === 64,
  };
}

export async function cases() {
  const ours = await compileOurs();
  registerHasher(SHA2_256, 32, (bytes) => sha256(bytes));
  const options = { hashAlg: SHA2_256, bitWidth: 5, bucketSize: 3 };
  const store = memoryStore();
  const fill = async () => {
    let map = await create(store, options);
    for (let i = 0; i < N; i++) map = await map.set(keyOf(i), i);
    return map;
  };
  const filled = await fill();
  ours.hamtFill(N);
  if (ours.hamtRead(N) !== N) throw new Error("a key is missing");
  const iamapRead = async () => {
    const map = await load(store, filled.id, 0, options);
    let found = 0;
    for (let i = 0; i < N; i++) if ((await map.get(keyOf(i))) !== null) found++;
    return found;
  };
  const settled = (work) => () => {
    const result = work();
    ours.collect();
    return result;
  };
  return [
    {
      name: `map: set ${N} keys and write it`,
      ops: N,
      contestants: { ours: settled(() => ours.hamtFill(N)), iamap: async () => void (await fill()) },
    },
    {
      name: `map: open it and read ${N} keys`,
      ops: N,
      contestants: { ours: settled(() => ours.hamtRead(N)), iamap: iamapRead },
      answer: (found) => String(found),
    },
    { name: `array: set ${N} values and write it`, ops: N, contestants: { ours: settled(() => ours.amtFill(N)) } },
    {
      name: `array: set, write, open and read ${N} values`,
      ops: N,
      contestants: {
        ours: settled(() => {
          ours.amtFill(N);
          return ours.amtRead(N);
        }),
      },
    },
  ];
}
