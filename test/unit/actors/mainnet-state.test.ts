/** The invariant checker on a real state: the main network's genesis. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkState } from "../../../src/exec/state-check.ts";
import { readCar } from "../../../src/storage/car.ts";
import { cidKey, parseCid } from "../../../src/types/cid.ts";

const base = process.env["FILIGREE_VECTORS"] ?? new URL("../../../../shared", import.meta.url).pathname;
const file = `${base}/chains/mainnet-epochs-0-39.car`;
const present = existsSync(file);
if (!present) console.warn(`skipped: ${file} is missing; set FILIGREE_VECTORS to the folder that holds chains/`);

test.skipIf(!present)("the main network's genesis is sound and holds two thousand million FIL", async () => {
  const blocks = new Map(readCar(readFileSync(file)).blocks.map((block) => [cidKey(block.cid), block.bytes]));
  const root = parseCid("bafy2bzacech3yb7xlb7c57v2xh7rvmt4skeidk7z2g36llksaz4biflblbt24");
  const peek = (cid: Uint8Array): Uint8Array | undefined => blocks.get(cidKey(cid));
  const report = await checkState(root.bytes, 0, { peek, get: async (cid) => peek(cid) });
  expect(report).toEqual({ complaints: [], actors: 37, total: 2_000_000_000n * 10n ** 18n, minersWithoutClaim: 0 });
});
