/**
 * Price, collateral, duration, size and funds of a deal: what the provider takes and the client makes is what the market actor of
 * network versions 0 to 5 takes, in a machine, for random deals around every limit. More of them: `npm run test:deals`.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Counts, checkDeal, checkOrder, MarketVm, order, twist } from "../../support/deal-bounds.ts";

const DEALS = 24;
const ORDERS = 4;

test.each([0, 1, 2, 3, 4, 5])("network version %i: provider, client and actor take the same deals", async (version) => {
  const market = await MarketVm.open(version);
  const counts: Counts = { taken: 0, refused: 0, stricter: 0 };
  const deals = fc.asyncProperty(fc.array(twist, { maxLength: 3 }), (twists) => checkDeal(market, twists, counts));
  await fc.assert(deals, { numRuns: DEALS });
  const orders = fc.asyncProperty(order, (one) => checkOrder(market, one, counts));
  await fc.assert(orders, { numRuns: ORDERS });
  expect(counts.taken).toBeGreaterThan(0);
  expect(counts.refused).toBeGreaterThan(0);
});
