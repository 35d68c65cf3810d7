/** The invariant checker on a real state: the main network's genesis. */
import { expect, test } from "vitest";
import { checkState } from "../../../src/core/state-check.ts";
import { readCar } from "../../../src/storage/car.ts";
import { cidKey, parseCid } from "../../../src/types/cid.ts";
import { readShared } from "../../support/vectors.ts";

const car = await readShared("chains/mainnet-epochs-0-39.car");
if (car === null)
  console.warn("skipped: no chains/mainnet-epochs-0-39.car; set FILIGREE_VECTORS to the folder that has it");

test.skipIf(car === null)("the main network's genesis is sound and holds two thousand million FIL", async () => {
  const blocks = new Map(readCar(car as Uint8Array).blocks.map((block) => [cidKey(block.cid), block.bytes]));
  const root = parseCid("bafy2bzacech3yb7xlb7c57v2xh7rvmt4skeidk7z2g36llksaz4biflblbt24");
  const peek = (cid: Uint8Array): Uint8Array | undefined => blocks.get(cidKey(cid));
  const report = await checkState(root, 0, { peek, get: async (cid) => peek(cid) });
  expect(report).toEqual({ complaints: [], actors: 37, total: 2_000_000_000n * 10n ** 18n, minersWithoutClaim: 0 });
});
