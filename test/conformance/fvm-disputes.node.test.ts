/**
 * A window PoSt that the published miner actor takes unseen and that is wrong: it is found, by a dispute that the actor would take, and
 * disputed. The miner pays the fine and the reward, to the attoFIL, and its sectors are faulty. Where no bundles are at hand this says so
 * and skips.
 */

import { encode as encodeCbor } from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../src/base/bytes.ts";
import { disputeMessage, wrongPosts } from "../../src/cli/disputes.ts";
import { DRAW_TAG } from "../../src/consensus/draws.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
import { expectedReward } from "../../src/stmgr/economy.ts";
import { networkFigures } from "../../src/stmgr/pledge-figures.ts";
import { FIL } from "../../src/types/amount.ts";
import { BURNT_FUNDS } from "../../src/types/singletons.ts";
import type { Link, View } from "../support/deals.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";
import { validated } from "../support/validated.ts";

const VERSION = Number(process.env["FILIGREE_DISPUTES_AT"] ?? 28);
const SUBMIT = 5;
/** With so many accounts the id of a miner has its sectors' deadline open soon. */
const ACCOUNTS = 23;
const SECTOR_BYTES = 2048n;
/**
 * What a wrong proof costs beside the reward of whoever disputes it, and for how many epochs its power should have earned nothing.
 * Source: builtin-actors v18.0.0 actors/miner/src/monies.rs (INVALID_WINDOW_POST_PROJECTION_PERIOD).
 */
const DAY = 2880n;
const FINE = { base: 20n * FIL, epochs: (DAY * 351n) / 100n + 2n * DAY, reward: 4n * FIL } as const;

const bundles = givenBundles();
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);

test.skipIf(bundle === undefined)(
  `a wrong window PoSt is found and disputed${bundle === undefined ? ` (${HOW})` : ""}`,
  async () => {
    const given = bundle === undefined ? {} : { bundle };
    const options = { networkVersion: VERSION, blockTime: 0, accounts: ACCOUNTS, miners: 2, sectors: 2 };
    const net = await Devnet.open({ ...TEST_OPTIONS, ...given, ...options });
    try {
      const call = <Result>(method: string, ...params: readonly unknown[]) => net.request<Result>(method, ...params);
      const push = async (message: View): Promise<View> => {
        const { CID: cid } = await call<{ CID: Link }>("MpoolPushMessage", message, null);
        return { ...(await call<View>("StateWaitMsg", cid, 0, -1, true)), cid };
      };
      const { openAt, deadline, miner } = await soonest(call);
      const { Owner, WindowPoStProofType: type } = await call<View>("StateMinerInfo", miner, []);
      const from = await call<string>("StateAccountKey", Owner, []);
      const reporter = net.accounts[3]?.secp256k1.toString("t") as string;
      // It neither proves nor mines: what its balance loses is the fine, and nothing else.
      await call("Devnet.setMiner", miner, false);
      await call("Devnet.fastForward", openAt);
      await net.clock.mine(2);
      const { Challenge, Index } = await call<View>("StateMinerProvingDeadline", miner, []);
      expect(Index).toBe(deadline);
      const epoch = Math.max(net.head.height - 2, Challenge);
      const random = await call<string>("StateGetRandomnessFromTickets", DRAW_TAG.commit, epoch, null, []);
      const seen = [deadline, [[0, new Uint8Array(0)]], [[type, new Uint8Array(192)]], epoch, fromBase64(random)];
      const submitted = await push({
        ...disputeMessage(miner, from, { deadline, index: 0 }),
        ...{ Method: SUBMIT, Params: toBase64(encodeCbor(seen)) },
      });
      expect(submitted["Receipt"].ExitCode).toBe(0);
      expect(await wrongPosts(call, miner, reporter)).toEqual({ disputable: 0, wrong: [] });
      await call("Devnet.fastForward", openAt + 60);
      await net.clock.mine(2);
      const wrong = { deadline, index: 0 };
      expect(await wrongPosts(call, miner, reporter)).toEqual({ disputable: 1, wrong: [wrong] });
      const disputed = await push(disputeMessage(miner, reporter, wrong));
      expect(disputed["Receipt"].ExitCode).toBe(0);
      const change = await changeOver(net, disputed);
      const { fees, burnt: burntGas } = change.gas;
      const fine = FINE.base + expectedReward(VERSION, change.reward, change.power, 2n * SECTOR_BYTES, FINE.epochs);
      expect(await change.of(miner)).toBe(-(fine + FINE.reward));
      expect(await change.of(reporter)).toBe(FINE.reward - fees);
      expect(await change.of(`${BURNT_FUNDS.toString("t")}`)).toBe(fine + burntGas);
      // All that the miner owed is paid, and its power is gone.
      const [report] = await call<View[]>("Devnet.minerReport", miner);
      expect(report?.["Sectors"]).toMatchObject({ Live: [0, 1], Active: [], Faulty: [0, 1] });
      expect(report?.["Money"].FeeDebt).toBe("0");
      expect(report?.["Power"]).toMatchObject({ Raw: "0", QualityAdjusted: "0" });
      // Disputed once, it is gone: nobody is paid for it again.
      expect(await wrongPosts(call, miner, reporter)).toEqual({ disputable: 0, wrong: [] });
      // Whoever takes the chain in comes to the same verdict on the proof.
      expect(await validated(net.node.chain, net.head)).toMatchObject({ versions: [{ networkVersion: VERSION }] });
    } finally {
      await net.close();
    }
  },
  600_000,
);

type Call = <Result>(method: string, ...params: readonly unknown[]) => Promise<Result>;

/** The miner whose sectors' deadline opens first. */
async function soonest(call: Call) {
  const found: { readonly miner: string; readonly deadline: number; readonly openAt: number }[] = [];
  for (const miner of await call<string[]>("StateListMiners", [])) {
    const { Deadline: deadline } = await call<View>("StateSectorPartition", miner, 0, []);
    const now = await call<View>("StateMinerProvingDeadline", miner, []);
    const opened = now["PeriodStart"] + deadline * now["WPoStChallengeWindow"];
    found.push({ miner, deadline, openAt: opened > now["CurrentEpoch"] ? opened : opened + now["WPoStProvingPeriod"] });
  }
  return found.sort((a, b) => a.openAt - b.openAt)[0] as (typeof found)[number];
}

/** What a message changed that is alone in its tipset: balances, and the gas that it cost; with the figures that its actors saw. */
async function changeOver(net: Devnet, waited: View) {
  const call = <Result>(method: string, ...params: readonly unknown[]) => net.request<Result>(method, ...params);
  const after = waited["TipSet"] as Link[];
  const { Blocks: on } = await call<View>("ChainGetTipSet", after);
  const carrying = await call<View>("ChainGetTipSet", on[0].Parents);
  expect(await call("ChainGetMessagesInTipset", carrying["Cids"])).toHaveLength(1);
  const { states } = net.node;
  const head = await states.chain.tipsetAtOrBefore(carrying["Height"] - 1, net.head);
  // Null rounds between would have moved the figures.
  expect(head.height).toBe(carrying["Height"] - 1);
  const figures = await networkFigures(states, head, await states.stateAfter(head), states.chain.blocks);
  const balance = async (address: string, at: Link[]): Promise<bigint> =>
    BigInt((await call<View>("StateGetActor", address, at))["Balance"]);
  const { GasCost: cost } = await call<View>("StateReplay", [], waited["cid"]);
  return {
    ...{ reward: figures.reward, power: figures.power },
    of: async (address: string) => (await balance(address, after)) - (await balance(address, carrying["Cids"])),
    gas: { fees: BigInt(cost.TotalCost), burnt: BigInt(cost.BaseFeeBurn) + BigInt(cost.OverEstimationBurn) },
  };
}
