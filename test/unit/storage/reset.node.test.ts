/** A reset that is ended at any of its steps leaves a folder that can be reset, and that is never taken for whole before. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ClassicLevel } from "classic-level";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { openTable } from "../../../src/platform/node-level.ts";
import { openSecrets } from "../../../src/platform/node-secrets.ts";
import type { OpenOptions } from "../../../src/platform/table.ts";
import { TableStore } from "../../../src/storage/table-store.ts";

/** Steps that are still allowed; then every one fails, as if the process had ended. */
const steps = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<Record<string, (...args: unknown[]) => unknown>>();
  const counted =
    (name: string) =>
    async (...args: unknown[]) => {
      if (steps.left-- <= 0) throw new Error("the process has ended");
      return real[name]?.(...args);
    };
  return { ...real, ...Object.fromEntries(["rm", "open", "rename", "chmod"].map((name) => [name, counted(name)])) };
});

const root = await mkdtemp(path.join(tmpdir(), "filigree-reset-"));
afterAll(() => {
  steps.left = Number.POSITIVE_INFINITY;
  return rm(root, { recursive: true, force: true });
});
afterEach(() => vi.restoreAllMocks());

const openStore = (where: string, options?: OpenOptions) => TableStore.open(where, openTable, options);

async function made(name: string): Promise<string> {
  const where = path.join(root, name);
  const store = await openStore(where);
  for (let i = 0; i < 5; i++) await store.write({ metadata: [[`fact/${i}`, utf8("old")]] }, { sync: true });
  await store.close();
  await (await openSecrets(where)).write("keystore", utf8("old keys"));
  return where;
}

function countLevelSteps(): void {
  const destroy = ClassicLevel.destroy.bind(ClassicLevel);
  const { open } = ClassicLevel.prototype;
  const gate = (): void => {
    if (steps.left-- <= 0) throw new Error("the process has ended");
  };
  vi.spyOn(ClassicLevel, "destroy").mockImplementation(async (...args) => {
    gate();
    await destroy(...(args as [string]));
    gate();
  });
  // biome-ignore lint/suspicious/noExplicitAny: the method has several signatures
  vi.spyOn(ClassicLevel.prototype, "open").mockImplementation(async function (this: any, ...args: any[]) {
    gate();
    await open.apply(this, args as Parameters<typeof open>);
  } as never);
}

test("a reset ended at each of its steps", async () => {
  let ended = 0;
  for (let after = 0; ; after++) {
    const where = await made(`${after}`);
    countLevelSteps();
    steps.left = after;
    const result = await openStore(where, { reset: true }).catch((error: Error) => error);
    const finished = steps.left > 0;
    steps.left = Number.POSITIVE_INFINITY;
    vi.restoreAllMocks();
    if (result instanceof TableStore) await result.close();
    else ended++;
    // Without a reset: whole, or refused by name; never old facts without old secrets, nor the other way round.
    const seen = await openStore(where).catch((error: { code: string }) => error.code);
    const keys = await (await openSecrets(where)).read("keystore");
    if (seen instanceof TableStore) {
      expect((await seen.metadataWith("")).length, `after ${after} steps`).toBe(keys === null ? 0 : 5);
      await seen.close();
    } else expect(["DAMAGED", "BEHIND"], `after ${after} steps`).toContain(seen);
    const again = await openStore(where, { reset: true });
    expect(await again.metadataWith("")).toEqual([]);
    await again.write({ metadata: [["new", utf8("x")]] }, { sync: true });
    await again.close();
    expect(await (await openSecrets(where)).read("keystore")).toBeNull();
    await (await openStore(where)).close();
    if (finished && result instanceof TableStore) break;
  }
  expect(ended).toBeGreaterThan(5);
});

test("a folder whose store was never made is opened or reset whatever lies beside it", async () => {
  for (const options of [{}, { reset: true }]) {
    const where = await made(`half ${JSON.stringify(options)}`);
    await rm(path.join(where, "store"), { recursive: true });
    await writeFile(
      path.join(where, "filigree.json"),
      JSON.stringify({ filigree: "data folder", format: 1, made: false }),
    );
    const store = await openStore(where, options);
    expect(await store.metadataWith("")).toEqual([]);
    await store.close();
    await (await openStore(where)).close();
  }
});
