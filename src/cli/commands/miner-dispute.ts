/** `filigree miner proving dispute`: window PoSts of any miner that are wrong, found and disputed. */
import type { Command } from "commander";
import { disputeMessage, withoutDisputes, wrongPosts } from "../disputes.ts";
import { type ActorOptions, openMiner } from "../miner-chain.ts";
import { say, withRemote } from "../remote.ts";
import type { Link } from "../remote-call.ts";

type Options = ActorOptions & { readonly from: string; readonly send?: true };

export function registerDispute(proving: Command): void {
  withRemote(
    proving
      .command("dispute")
      .description("try each window PoSt of a miner that may be disputed, and tell those that are wrong")
      .option("--actor <address>", "the miner; the default is the local network's first", "miner")
      .option("--from <address>", "who disputes, and gets the reward; the node has its key", "default")
      .option("--send", "dispute those that are wrong"),
  ).action(dispute);
}

async function dispute(options: Options): Promise<void> {
  const { remote, chain, name } = await openMiner(options);
  const { networkVersion } = await chain.head();
  const refusal = withoutDisputes(networkVersion);
  if (refusal !== null) throw new Error(refusal);
  const from = await remote.address(options.from, "--from");
  const { disputable, wrong } = await wrongPosts((method, ...params) => remote.call(method, ...params), name, from);
  const found = [];
  for (const one of wrong) {
    if (options.send !== true) found.push({ ...one, cid: null });
    else {
      const { CID } = await remote.call<{ CID: Link }>("MpoolPushMessage", disputeMessage(name, from, one), null);
      found.push({ ...one, cid: CID["/"] });
    }
  }
  say(options.json, { miner: name, disputable, wrong: found }, [
    `${disputable} proofs of ${name} are kept for disputes, ${wrong.length} are wrong`,
    ...found.map(
      ({ deadline, index, cid }) =>
        `deadline ${deadline}, proof ${index}: ${cid === null ? "wrong; --send disputes it" : `disputed by ${cid}`}`,
    ),
  ]);
}
