/** What the modules cost before they do anything: size on the wire, compiling, starting. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { brotliCompressSync, constants } from "node:zlib";
import { median } from "./harness.mjs";

export const title = "WebAssembly modules";

const folder = new URL("../dist/wasm/", import.meta.url);
/** Modules that tests use, not published. */
const isForTests = (name) => /test|probe/.test(name);

/** CPU milliseconds that a module's text takes in a fresh process, its imports and background compiling included. */
export function coldStart(text, runs = 9) {
  const script = `const begin = process.cpuUsage(); ${text}
    const { user, system } = process.cpuUsage(begin); process.stdout.write(String((user + system) / 1000));`;
  const times = [];
  for (let i = 0; i < runs; i++) {
    const args = ["--input-type=module", "-e", script];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: new URL(".", import.meta.url) });
    if (status !== 0) throw new Error(stderr.toString());
    times.push(Number(stdout.toString()));
  }
  return median(times);
}

export async function facts() {
  const list = [];
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".wasm") && !isForTests(name))
    .sort()) {
    const bytes = readFileSync(new URL(file, folder));
    const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    list.push({ name: `${file}, raw`, value: bytes.length / 1000, unit: "kB" });
    list.push({
      name: `${file}, brotli`,
      value: packed.length / 1000,
      unit: "kB",
      ...(file === "vm.wasm" ? { most: 400 } : {}),
    });
    const times = [];
    for (let i = 0; i < 9; i++) {
      const start = performance.now();
      await WebAssembly.compile(bytes);
      times.push(performance.now() - start);
    }
    list.push({ name: `${file}, compile`, value: median(times), unit: "ms" });
  }
  const hash = `const { loadCrypto } = await import("../dist/core/crypto.js");
    (await loadCrypto()).blake2b256(new Uint8Array(1));`;
  list.push({ name: "cold start, from import to the first hash", value: coldStart(hash), unit: "ms", most: 100 });
  return list;
}
