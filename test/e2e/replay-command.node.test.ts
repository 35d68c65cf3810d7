/** `filigree replay` and what it says of files that are no chain. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { writeCar } from "../../src/storage/car.ts";
import { cidOfBlock } from "../../src/types/cid.ts";

vi.setConfig({ testTimeout: 200_000 });
const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
afterAll(() => rmSync(folder, { recursive: true }));

const replay = (args: readonly string[], input?: Uint8Array) =>
  spawnSync(process.execPath, [MAIN, "replay", ...args], { cwd: folder, encoding: "utf8", ...(input && { input }) });

// A CBOR list of one number: a block, but no header.
const block = { cid: cidOfBlock(Uint8Array.of(0x81, 1)).bytes, bytes: Uint8Array.of(0x81, 1) };

test("a CAR that is no chain is said to be none, from a file and from standard input", () => {
  const car = writeCar([block.cid], [block]);
  writeFileSync(path.join(folder, "plain.car"), car);
  for (const run of [replay(["plain.car"]), replay(["-"], car)])
    expect([run.status, run.stderr]).toEqual([
      1,
      expect.stringMatching(/holds no chain: its root bafy\w+ is no block header/),
    ]);
  expect(replay(["-"], writeCar([], [block])).stderr).toMatch(/holds no chain: it names no root/);
});

test("a block whose bytes are not what its CID says is named; so are files that are none", () => {
  const bad = writeCar([block.cid], [{ cid: block.cid, bytes: Uint8Array.of(0x81, 2) }]);
  expect(replay(["-"], bad).stderr).toMatch(/bytes of block bafy\w+ are not what its CID says/);
  writeFileSync(path.join(folder, "text"), "no CAR at all");
  expect(replay(["text"])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^error: text: (the CAR file ends within a header|not a CAR file at byte)/),
  });
  expect(replay(["nowhere", "--json"])).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/"ok":false.*nowhere/),
  });
  expect(replay(["text", "--key", "seal=x"])).toMatchObject({ status: 64 });
});
