/** `npm run test:deals`: the deals of `test/unit/market/deal-bounds.node.test.ts`, many more; `FILIGREE_DEALS` of each version. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Counts, checkDeal, checkOrder, MarketVm, order, twist } from "../support/deal-bounds.ts";

const DEALS = Number(process.env["FILIGREE_DEALS"] ?? 2000);

test.each([0, 1, 2, 3, 4, 5])("network version %i", async (version) => {
  const market = await MarketVm.open(version);
  const counts: Counts = { taken: 0, refused: 0, stricter: 0 };
  const deals = fc.asyncProperty(fc.array(twist, { maxLength: 4 }), (twists) => checkDeal(market, twists, counts));
  await fc.assert(deals, { numRuns: DEALS });
  const orders = fc.asyncProperty(order, (one) => checkOrder(market, one, counts));
  await fc.assert(orders, { numRuns: Math.ceil(DEALS / 4) });
  expect(counts.taken).toBeGreaterThan(DEALS / 10);
  console.log(
    `version ${version}: ${counts.taken} taken, ${counts.refused} refused by both, ${counts.stricter} by a provider's own rule`,
  );
});
