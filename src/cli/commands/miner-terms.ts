/** `filigree miner sectors extend|terminate|compact-partitions`: how long sectors last, by messages to the miner's actor. */
import type { Command } from "commander";
import type { PartitionSectors } from "../../miner/chain-side/calls.ts";
import { senderFor } from "../../miner/chain-side/sender.ts";
import { lifeLimits, SEALING_EPOCHS } from "../../miner/sealing/terms.ts";
import { WINDOW_POST } from "../../params/proving.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { burnOf, type Invocation, messageJson, replayOf, sumSent, tryOf } from "../message-trace.ts";
import { type OpenMiner, type Outcome, openMiner, type SendOptions, sendAndWait } from "../miner-chain.ts";
import { numbers, sending } from "../miner-options.ts";
import { located } from "../miner-partitions.ts";
import { wholeNumber } from "../options.ts";
import { say } from "../remote.ts";

const DEADLINES = WINDOW_POST.provingPeriod / WINDOW_POST.challengeWindow;
const EPOCH = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** Adds what changes the terms of proven sectors to `miner sectors`. */
export function registerMinerTerms(sectors: Command): void {
  sending(
    sectors
      .command("extend")
      .description("give sectors a later expiration")
      .argument("<sectors...>", "numbers of sectors")
      .requiredOption("--expiration <epoch>", "their new last epoch", EPOCH),
  ).action(extend);
  sending(
    sectors
      .command("terminate")
      .description("end sectors before their time, which costs a fee; without --really-do-it it says how much")
      .argument("<sectors...>", "numbers of sectors")
      .option("--really-do-it", "must be given: it cannot be undone"),
  ).action(terminate);
  sending(
    sectors
      .command("compact-partitions")
      .description("remove ended sectors from partitions of a deadline")
      .argument("<deadline>", "its number", wholeNumber(0, DEADLINES - 1))
      .argument("<partitions...>", "numbers of partitions"),
  ).action(async (deadline: number, partitions: string[], options: SendOptions) => {
    const open = await openMiner(options);
    await sendAndWait(open, open.calls.compact(deadline, numbers(partitions, "partition")), options);
  });
}

async function extend(names: string[], options: SendOptions & { readonly expiration: number }): Promise<void> {
  const open = await openMiner(options);
  const { expiration } = options;
  const found = await located(open, numbers(names, "sector"));
  const sectors = found.flatMap((one) => one.sectors);
  await sendAndWait(open, open.calls.extend(found.map((one) => ({ ...one, expiration }))), options, {
    advice: () => unfit(open, sectors, expiration),
  });
}

/** The range in which a new expiration of all these sectors may lie, if what was asked for does not. */
async function unfit({ chain }: OpenMiner, sectors: readonly number[], asked: number): Promise<readonly string[]> {
  const head = await chain.head();
  const { ahead, life, least } = lifeLimits(head.networkVersion);
  // It is executed in the next epoch at the earliest.
  let [first, last] = [0, head.height + 1 + ahead];
  for (const number of sectors) {
    const found = await chain.sector(number, head);
    if (found === null) continue;
    const { activation, expiration: now } = found;
    first = Math.max(first, now + 1, activation + least);
    last = Math.min(last, activation + life);
  }
  const [who, it] =
    sectors.length === 1 ? [`sector ${sectors[0]}`, "it"] : [`all of the sectors ${sectors.join(", ")}`, "they"];
  if (first > last)
    return [
      `no epoch is a later expiration that ${who} may be given now: extend ${it === "it" ? "it later" : "them one by one"}`,
    ];
  if (asked >= first && asked <= last) return [];
  return [`${who} may be given an expiration from ${first} to ${last}; ${asked} was asked for`];
}

/** Sectors of a termination that was refused that are tried one by one. */
const MOST_TRIED = 64;

/** Which sectors of a refused termination are live no more, also by messages that wait to be executed. */
async function notLive({ remote, chain, calls }: OpenMiner, found: readonly PartitionSectors[], from: Address) {
  const all = found.flatMap((one) => one.sectors.map((sector) => ({ ...one, sectors: [sector] })));
  const gone: number[] = [];
  // Behind what the sender has sent already.
  const nonce = await remote.call<number>("MpoolGetNonce", from.toString(chain.prefix));
  for (const one of all.slice(0, MOST_TRIED)) {
    const message = { ...messageJson(calls.terminate([one]), from, chain.prefix), Nonce: nonce };
    if ((await remote.ask("GasEstimateMessageGas", message, null, null)) === null) gone.push(...one.sectors);
  }
  if (gone.length === 0) return [];
  const of = all.length > MOST_TRIED ? ` (of the first ${MOST_TRIED})` : "";
  return [
    `not live any more${of}: sector ${gone.join(", ")}; another message has ended them, or is about to` +
      (all.length > gone.length ? ": the others were not touched; name them without these" : ""),
  ];
}

async function terminate(names: string[], options: SendOptions & { readonly reallyDoIt?: true }): Promise<void> {
  const open = await openMiner(options);
  const { chain, name, calls } = open;
  const found = await located(open, numbers(names, "sector"));
  const sectors = found.flatMap((one) => one.sectors);
  const call = calls.terminate(found);
  let pledge = 0n;
  for (const number of sectors) pledge += (await chain.sector(number))?.initialPledge ?? 0n;
  if (options.reallyDoIt !== true) {
    const tried = await tryOf(open, call, await senderFor(chain, call));
    const fee = tried.MsgRct.ExitCode === 0 ? feeIn(tried, open) : null;
    const amount = fee === null ? "" : ` of ${filText(fee)} at this moment`;
    const them = sectors.length === 1 ? `sector ${sectors[0]}` : `sectors ${sectors.join(", ")}`;
    const value = { sectors, fee: fee === null ? null : `${fee}`, pledge: `${pledge}`, sent: false };
    say(options.json, value, [
      `ending ${them} early costs a fee${amount} and the power; what is ended does not come back`,
      "nothing was sent: --really-do-it does it",
    ]);
    return;
  }
  const outcome = async (cid: string, epoch: number): Promise<Outcome> => {
    const [done, { feeDebt }] = await Promise.all([replayOf(open.remote, cid), chain.money()]);
    const left = `its ${filText(pledge)} of pledge ${sectors.length === 1 ? "is" : "are"} free again`;
    const debt = feeDebt === 0n ? [] : [`${name} owes ${filText(feeDebt)}: filigree miner actor repay-debt`];
    const { lookback } = SEALING_EPOCHS;
    const after = [
      ...debt,
      `Elections may still draw them for ${lookback} epochs: files of sectors that were sealed since the genesis are kept until about epoch ${epoch + lookback}, and go then by themselves`,
    ];
    if (done === null) return { value: { sectors, fee: null }, lines: ["What it cost could not be read.", ...after] };
    const fee = feeIn(done, open);
    const gas = BigInt(done.GasCost?.TotalCost ?? "0");
    return {
      value: { sectors, fee: `${fee}`, pledgeReleased: `${pledge}`, gas: `${gas}`, feeDebt: `${feeDebt}` },
      lines: [`fee ${filText(fee)}, burnt; ${left}; gas ${filText(gas)}`, ...after],
    };
  };
  await sendAndWait(open, call, options, {
    outcome,
    advice: async () => notLive(open, found, await senderFor(chain, call)),
  });
}

/** What a termination makes the actor burn. */
function feeIn(done: Invocation, { name, chain }: OpenMiner): bigint {
  return sumSent(done, name, (to) => to === burnOf(chain.prefix));
}
