/** What a worker is told of a tipset is what its own thread would run by. */
import { expect, test } from "vitest";
import { tipsetJob, tipsetOf } from "../../../src/exec/wire.ts";
import { devnetAt, networkVersionAt } from "../../../src/params/networks.ts";
import { localRules } from "../../../src/stmgr/network-rules.ts";
import { parseCid } from "../../../src/types/cid.ts";

const stateRoot = parseCid("bafy2bzacedx4cxhm4q2mj4aqspg5zihc34y5uc2jp7u3vwzd32qm5jvlan3x6");

test.each([
  [9, 10],
  [9, 14],
  [10, 11],
  [0, 1],
])("versions and upgrades of a tipset on epoch %d at %d, its parent's own version among them", (parentEpoch, epoch) => {
  const network = devnetAt(17, [
    { networkVersion: 18, epoch: 10 },
    { networkVersion: 19, epoch: 12 },
  ]);
  const rules = localRules(network, 0n);
  const [, there] = tipsetOf(tipsetJob({ stateRoot, parentEpoch, epoch, baseFee: 0n, blocks: [] }, rules));
  for (let at = parentEpoch; at <= epoch; at++) expect(there.networkVersionAt(at)).toBe(networkVersionAt(network, at));
  expect(there.upgrades).toEqual(rules.upgrades?.filter((one) => one.epoch >= parentEpoch && one.epoch < epoch));
});
