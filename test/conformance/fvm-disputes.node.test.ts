/**
 * A window PoSt that the published miner actor takes unseen and that is wrong: it is found, by a dispute that the actor would take. Where no bundles are at hand this says so and skips.
 */
import { encode as encodeCbor } from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../src/base/bytes.ts";
import { disputeMessage, wrongPosts } from "../../src/cli/disputes.ts";
import { DRAW_TAG } from "../../src/consensus/draws.ts";
import { Bundles } from "../../src/exec/bundles.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
import type { Link, View } from "../support/deals.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { corpus, readAt } from "../support/vectors.ts";

const HOW = "set FILIGREE_BUNDLES to a folder with packs vN.tar.zst of the reference node";
const VERSION = 28;
const SUBMIT = 5;
/** With so many accounts the id of the miner has its sectors' deadline open soon. */
const ACCOUNTS = 23;

const bundles = new Bundles(corpus.bundles.map((name) => ({ name, read: () => readAt(name) })));
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);

test.skipIf(bundle === undefined)(
  `a wrong window PoSt is found${bundle === undefined ? ` (${HOW})` : ""}`,
  async () => {
    const given = bundle === undefined ? {} : { bundle };
    const options = { networkVersion: VERSION, blockTime: 0, accounts: ACCOUNTS, miners: 1, sectors: 2 };
    const net = await Devnet.open({ ...TEST_OPTIONS, ...given, ...options });
    try {
      const miner = net.miner.toString("t");
      const reporter = net.accounts[3]?.secp256k1.toString("t") as string;
      const call = <Result>(method: string, ...params: readonly unknown[]) => net.request<Result>(method, ...params);
      const push = async (message: View): Promise<View> => {
        const { CID: cid } = await net.request<{ CID: Link }>("MpoolPushMessage", message, null);
        return net.request<View>("StateWaitMsg", cid, 0, -1, true);
      };
      const { Deadline: deadline } = await net.request<View>("StateSectorPartition", miner, 0, []);
      await net.request("Devnet.skipProofs", miner, null, true);
      await net.request("Devnet.mineToDeadline", miner, deadline, true);
      await net.clock.mine(2);
      const { Challenge, Index } = await net.request<View>("StateMinerProvingDeadline", miner, []);
      expect(Index).toBe(deadline);
      const { Owner, WindowPoStProofType: type } = await net.request<View>("StateMinerInfo", miner, []);
      const epoch = Math.max(net.head.height - 2, Challenge);
      const random = await net.request<string>("StateGetRandomnessFromTickets", DRAW_TAG.commit, epoch, null, []);
      const seen = [deadline, [[0, new Uint8Array(0)]], [[type, new Uint8Array(192)]], epoch, fromBase64(random)];
      const from = await net.request<string>("StateAccountKey", Owner, []);
      const submitted = await push({
        ...disputeMessage(miner, from, { deadline, index: 0 }),
        ...{ Method: SUBMIT, Params: toBase64(encodeCbor(seen)) },
      });
      expect(submitted["Receipt"].ExitCode).toBe(0);
      expect(await wrongPosts(call, miner, reporter)).toEqual({ disputable: 0, wrong: [] });
      await net.clock.mine(62);

      expect(await wrongPosts(call, miner, reporter)).toEqual({ disputable: 1, wrong: [{ deadline, index: 0 }] });
      // Sent, the dispute would take the network's only power, and nobody could make the block that tells its receipt.
    } finally {
      await net.close();
    }
  },
  600_000,
);
