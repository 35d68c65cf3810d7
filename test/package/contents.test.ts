/** What the tarball holds, and what it does not. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, inject, test } from "vitest";
import { startNetOf } from "../support/command-net.ts";
import { manifestOf } from "./setup.ts";

const project = inject("project");
const packed = inject("packed");

test("what users need is inside: code, types, WASM, documents, licences", () => {
  const wasm = packed.filter((file) => /^dist\/wasm\/.*\.wasm$/.test(file)).sort();
  expect(wasm).toEqual(
    ["check", "crypto-simd", "crypto", "fvm", "instrument", "proofs-simd", "proofs", "vm"].map(
      (name) => `dist/wasm/${name}.wasm`,
    ),
  );
  for (const file of [
    "README.md",
    "dist/page/index.html",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "dist/for-node/LICENCES.txt",
    "CHANGELOG.md",
    "docs/guide-pieces.md",
    "docs/status.md",
  ])
    expect(packed).toContain(file);
  for (const entry of Object.values(manifestOf(project)["exports"] ?? {})) {
    const targets = typeof entry === "string" ? [entry] : Object.values(entry as Record<string, string>);
    for (const target of targets) if (!target.includes("*")) expect(packed).toContain(target.replace("./", ""));
  }
});

test("what only the checkout needs is not", () => {
  expect(
    packed.filter((file) => /^(src|test|assembly|bench)\/|\.ts\.map$|\.js\.map$|dist\/tools|probe|-test\./.test(file)),
  ).toEqual([]);
  // npm runs these in a project that takes the package.
  const { scripts = {} } = manifestOf(project);
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([]);
});

test("the command runs from the package", () => {
  const filigree = (...args: string[]) =>
    execFileSync("npx", ["filigree", ...args], { cwd: project, encoding: "utf8" });
  expect(filigree("--version").trim()).toBe(manifestOf(project)["version"]);
  expect(JSON.parse(filigree("commp", "package.json", "--json"))).toMatchObject({
    pieceCid: expect.stringMatching(/^baga/),
  });
});

/** What a program in the project writes. */
const runs = (program: string): string =>
  execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: project, encoding: "utf8" });

test("Node takes the form made for it, of which no file is missing; its workers are found", () => {
  const bin = manifestOf(project)["bin"]?.["filigree"] as string;
  expect(packed).toContain(bin);
  const form = packed.filter((file) => file.startsWith("dist/for-node/") && file.endsWith(".js"));
  const named = form.flatMap((file) => {
    const text = readFileSync(path.join(project, "node_modules/filigree", file), "utf8");
    const imports = text.matchAll(/^(?:import|export)\b[^"'();]*?"(\.[^"]+)";?$|\bimport\("(\.[^"]+)"\)/gm);
    return [...imports].map(([, at, late]) => path.posix.join("dist/for-node", (at ?? late) as string));
  });
  expect(new Set(named).size).toBeGreaterThan(50);
  expect([...new Set(named)].filter((file) => !packed.includes(file))).toEqual([]);
  const program = `
    import { commitPayload, commitPiece, loadProofs, pieceCidV2, ProvingPool } from "filigree/proofs";
    const bytes = new Uint8Array(20_000_000).fill(7), proofs = await loadProofs(), pool = ProvingPool.open(2);
    const inWorkers = await commitPayload(proofs, pool, { blob: new Blob([bytes]) });
    await pool.close();
    const here = commitPiece(proofs, bytes);
    const equal = pieceCidV2(inWorkers).equals(pieceCidV2(here));
    process.stdout.write(JSON.stringify([import.meta.resolve("filigree/proofs"), equal]));`;
  const [at, equal] = JSON.parse(runs(program)) as [string, boolean];
  expect(at).toMatch(/\/node_modules\/filigree\/dist\/for-node\/proofs\.js$/);
  expect(equal).toBe(true);
});

test("a network of the installed command executes messages in its workers", async () => {
  const bin = path.join(project, "node_modules/filigree", manifestOf(project)["bin"]?.["filigree"] as string);
  const net = await startNetOf(bin, "--block-time", "0");
  try {
    const program = `
      import { connect } from "filigree/client";
      const node = connect(${JSON.stringify(net.url)});
      const [from, to] = ${JSON.stringify(net.accounts.slice(0, 2).map(({ secp256k1 }) => secp256k1))};
      const sent = await node.MpoolPushMessage({ From: from, To: to, Value: "1", Method: 0, Params: null }, null);
      const { Receipt } = await node.StateWaitMsg(sent.CID, 0, -1, true);
      process.stdout.write(String(Receipt.ExitCode));`;
    expect(runs(program)).toBe("0");
  } finally {
    await net.close();
  }
});
