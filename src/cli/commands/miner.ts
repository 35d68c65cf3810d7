/** `filigree miner`: a storage miner's actor on a running node: what it holds, proves and owes, and messages to it. */
import type { Command } from "commander";
import type { PartitionSectors } from "../../miner/chain-side/calls.ts";
import { WINDOW_POST } from "../../params/proving.ts";
import { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { UsageError } from "../errors.ts";
import {
  type ActorOptions,
  type OpenMiner,
  type Outcome,
  openMiner,
  type SendOptions,
  sendAndWait,
} from "../miner-chain.ts";
import { wholeNumber } from "../options.ts";
import { parseAmount, say, withRemote } from "../remote.ts";
import { table } from "../table.ts";
import { registerMinerRun } from "./miner-run.ts";
import { registerMinerSectors } from "./miner-sectors.ts";
import { registerMinerStorage } from "./miner-storage.ts";

const DEADLINES = WINDOW_POST.provingPeriod / WINDOW_POST.challengeWindow;
const EPOCH = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** Options of every command about a miner. */
function aboutMiner(command: Command): Command {
  return withRemote(
    command.option("--actor <address>", "the miner; the default is the local network's first", "miner"),
  );
}

/** Options of every command that sends a message of a miner. */
function sending(command: Command): Command {
  return aboutMiner(command)
    .option("--no-wait", "do not wait until the message was executed")
    .option("--confidence <epochs>", "epochs on top of that", wholeNumber(0, 900), 0);
}

export function registerMiner(program: Command): void {
  const miner = program.command("miner").description("a storage miner's actor: what it holds, proves and owes");
  aboutMiner(miner.command("info").description("owner, power, sectors, money and the deadline of now")).action(info);

  const proving = miner.command("proving").description("proofs of spacetime");
  aboutMiner(proving.command("deadlines").description("the deadlines with sectors, and what of them is proven")).action(
    deadlines,
  );
  aboutMiner(proving.command("faults").description("faulty sectors, and when they end their life")).action(faults);

  sending(
    proving
      .command("recover-faults")
      .description("declare faulty sectors to be good again; until 70 epochs before their deadline opens")
      .argument("<sectors...>", "numbers of sectors"),
  ).action(recover);

  const sectors = miner.command("sectors").description("sectors: begun, on their way, proven, extended, ended");
  registerMinerSectors(sectors);
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
      .description("end sectors before their time, which costs a fee")
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
  registerActor(miner);
  registerMinerStorage(miner, proving);
  registerMinerRun(miner);
}

function registerActor(miner: Command): void {
  const actor = miner.command("actor").description("the actor's money, keys and addresses");
  sending(
    actor
      .command("withdraw")
      .description("pay what is free to the owner")
      .argument("[FIL]", "how much; default: all that is free", parseAmount),
  ).action(async (amount: bigint | undefined, options: SendOptions) => {
    const open = await openMiner(options);
    const { available } = await open.chain.money();
    if (amount !== undefined && amount > available)
      throw new UsageError(`${filText(amount)} is more than the ${filText(available)} that ${open.name} has free`);
    if (available <= 0n) throw new UsageError(`${open.name} has nothing free`);
    await sendAndWait(open, open.calls.withdraw(amount ?? available), options, (cid) => paidOut(open, cid));
  });
  sending(
    actor
      .command("repay-debt")
      .description("pay what the actor owes, from what it has and what is sent along")
      .option("--from-sender <FIL>", "what is sent along (default: what the actor lacks)", parseAmount),
  ).action(async (options: SendOptions & { readonly fromSender?: bigint }) => {
    const open = await openMiner(options);
    const { available, feeDebt } = await open.chain.money();
    const lacking = feeDebt > 0n && available < 0n ? -available : 0n;
    await sendAndWait(open, open.calls.repayDebt(options.fromSender ?? lacking), options);
  });
  sending(
    actor
      .command("set-addrs")
      .description("where the miner is found, as multiaddrs")
      .argument("<multiaddrs...>", "such as /ip4/127.0.0.1/tcp/4001"),
  ).action(async (texts: string[], options: SendOptions) => {
    const { multiaddr } = await import("@multiformats/multiaddr");
    const bytes = texts.map((text) => {
      try {
        return multiaddr(text).bytes;
      } catch (cause) {
        throw new UsageError(`${text} is no multiaddr`, { cause });
      }
    });
    const open = await openMiner(options);
    await sendAndWait(open, open.calls.changeMultiaddrs(bytes), options);
  });
  sending(
    actor.command("set-peer-id").description("the miner's libp2p identity").argument("<peer id>", "such as 12D3KooW…"),
  ).action(async (text: string, options: SendOptions) => {
    const { peerIdFromString } = await import("@libp2p/peer-id");
    let bytes: Uint8Array;
    try {
      bytes = peerIdFromString(text).toMultihash().bytes;
    } catch {
      throw new UsageError(`${text} is no peer id, such as 12D3KooW…; \`filigree net id\` prints a node's`);
    }
    const open = await openMiner(options);
    await sendAndWait(open, open.calls.changePeerId(bytes), options);
  });
  sending(
    actor
      .command("set-owner")
      .description("propose another owner; then the same with --confirm, signed by the one that was proposed")
      .argument("<address>", "an account")
      .option("--confirm", "the proposed owner confirms")
      .option("--really-do-it", "must be given: the owner disposes of everything"),
  ).action(async (name: string, options: SendOptions & { readonly confirm?: true; readonly reallyDoIt?: true }) => {
    insist(options.reallyDoIt, "the owner disposes of everything");
    const open = await openMiner(options);
    const owner = await idOf(open, name);
    await sendAndWait(open, open.calls.changeOwner(owner, options.confirm === true ? "proposed" : "owner"), options);
  });
  sending(
    actor
      .command("propose-change-worker")
      .description("another worker key, in force after 900 epochs and a confirmation")
      .argument("<address>", "an account with a BLS key"),
  ).action(async (name: string, options: SendOptions) => {
    const open = await openMiner(options);
    const { controls } = await open.chain.facts();
    await sendAndWait(open, open.calls.changeWorker(await idOf(open, name), controls), options);
  });
  sending(actor.command("confirm-change-worker").description("put the proposed worker key in force")).action(
    async (options: SendOptions) => {
      const open = await openMiner(options);
      await sendAndWait(open, open.calls.confirmWorker(), options);
    },
  );
  const control = actor.command("control").description("further addresses that may send the miner's messages");
  aboutMiner(control.command("list").description("owner, worker and control addresses")).action(controlList);
  sending(
    control
      .command("set")
      .description("replace all control addresses")
      .argument("[addresses...]", "accounts; none: there are none any more"),
  ).action(async (names: string[], options: SendOptions) => {
    const open = await openMiner(options);
    const ids: Address[] = [];
    for (const name of names) ids.push(await idOf(open, name));
    const { worker } = await open.chain.facts();
    await sendAndWait(open, open.calls.changeWorker(worker, ids), options);
  });
}

type Trace = {
  readonly Msg: {
    readonly From: string;
    readonly To: string;
    readonly Value: string;
    readonly Method: number | string;
  };
  readonly Subcalls: readonly Trace[] | null;
};

/** What the actor sent to its owner, by the trace of the message: older actors return nothing, and pay less where less is free. */
async function paidOut({ remote, chain, name }: OpenMiner, cid: string): Promise<Outcome> {
  const replayed = await remote
    .call<{ readonly ExecutionTrace: Trace }>("StateReplay", null, { "/": cid })
    .catch(() => null);
  if (replayed === null) return { value: { paid: null }, lines: ["How much was paid out could not be read."] };
  const burn = Address.id(99n).toString(chain.prefix);
  const paid = (replayed.ExecutionTrace.Subcalls ?? [])
    .filter(({ Msg }) => Msg.From === name && Msg.To !== burn && `${Msg.Method}` === "0")
    .reduce((sum, { Msg }) => sum + BigInt(Msg.Value), 0n);
  return { value: { paid: `${paid}` }, lines: [`${filText(paid)} paid to the owner`] };
}

async function info(options: ActorOptions): Promise<void> {
  const { remote, chain, name } = await openMiner(options);
  const [facts, power, money, deadline, head] = await Promise.all([
    chain.facts(),
    chain.power(),
    chain.money(),
    chain.deadline(),
    chain.head(),
  ]);
  const count = await remote.call<{ Live: number; Active: number; Faulty: number }>(
    "StateMinerSectorCount",
    name,
    null,
  );
  const { prefix } = chain;
  const text = (address: Address): string => address.toString(prefix);
  const value = {
    miner: name,
    owner: text(facts.owner),
    worker: text(facts.worker),
    controls: facts.controls.map(text),
    sectorBytes: facts.sectorBytes,
    power: { raw: `${power.raw}`, qualityAdjusted: `${power.qualityAdjusted}`, hasMinPower: power.hasMinPower },
    networkPower: { raw: `${power.totalRaw}`, qualityAdjusted: `${power.totalQualityAdjusted}` },
    sectors: { live: count.Live, active: count.Active, faulty: count.Faulty },
    money: Object.fromEntries(Object.entries(money).map(([key, amount]) => [key, amount.toString()])),
    deadline: { ...deadline },
    consensusFaultElapsed: facts.consensusFaultElapsed,
    epoch: head.height,
  };
  say(options.json, value, [
    `Miner      ${name} at epoch ${head.height}; sectors of ${facts.sectorBytes} bytes`,
    `Owner      ${text(facts.owner)}, worker ${text(facts.worker)}${facts.controls.length === 0 ? "" : `, control ${facts.controls.map(text).join(", ")}`}`,
    `Power      ${power.qualityAdjusted} of ${power.totalQualityAdjusted} bytes, quality-adjusted${power.hasMinPower ? "" : "; too little for elections"}`,
    `Sectors    ${count.Live} live, ${count.Active} active, ${count.Faulty} faulty`,
    `Balance    ${filText(money.balance)}: ${filText(money.available)} free, ${filText(money.initialPledge)} pledged, ${filText(money.preCommitDeposits)} deposited, ${filText(money.vesting)} vesting`,
    ...(money.feeDebt === 0n ? [] : [`Debt       ${filText(money.feeDebt)}`]),
    ...(facts.consensusFaultElapsed > head.height
      ? [`Excluded   for a consensus fault until epoch ${facts.consensusFaultElapsed}`]
      : []),
    `Deadline   ${deadline.index}, open from epoch ${deadline.open} to ${deadline.close - 1}`,
  ]);
}

/** Sectors of every deadline that has some. */
async function due({ chain }: OpenMiner) {
  const head = await chain.head();
  const all = [];
  for (let index = 0; index < DEADLINES; index++) all.push({ index, ...(await chain.sectorsDue(index, head)) });
  return all.filter(({ partitions }) => partitions.length > 0);
}

async function deadlines(options: ActorOptions): Promise<void> {
  const open = await openMiner(options);
  const now = await open.chain.deadline();
  const all = (await due(open)).map(({ index, partitions, proven }) => {
    const count = (pick: (one: (typeof partitions)[0]) => readonly number[]): number =>
      partitions.reduce((sum, one) => sum + pick(one).length, 0);
    const opens = now.periodStart + index * WINDOW_POST.challengeWindow;
    return {
      deadline: index,
      open: opens + (opens + WINDOW_POST.challengeWindow <= now.open ? WINDOW_POST.provingPeriod : 0),
      partitions: partitions.length,
      proven: proven.length,
      sectors: count(({ sectors }) => sectors) - count(({ terminated }) => terminated),
      faulty: count((one) => one.faults),
      recovering: count(({ recoveries }) => recoveries),
    };
  });
  const head = ["deadline", "opens at", "partitions", "proven", "sectors", "faulty", "recovering"];
  const rows = all.map((one) => [
    `${one.deadline}${one.deadline === now.index ? " (now)" : ""}`,
    ...[one.open, one.partitions, one.proven, one.sectors, one.faulty, one.recovering].map(String),
  ]);
  const value = { now: now.index, period: now.periodStart, deadlines: all };
  say(options.json, value, rows.length === 0 ? [`${open.name} has no sectors`] : table(head, rows));
}

async function faults(options: ActorOptions): Promise<void> {
  const open = await openMiner(options);
  const found = [];
  for (const { index, partitions } of await due(open))
    for (const { partition, faults: faulty, recoveries } of partitions)
      for (const sector of faulty) {
        const end = await open.remote.call<{ OnTime: number; Early: number }>(
          "StateSectorExpiration",
          open.name,
          sector,
          null,
        );
        const isRecovering = recoveries.includes(sector);
        found.push({ sector, deadline: index, partition, recovering: isRecovering, ends: end.Early || end.OnTime });
      }
  const rows = found.map((one) => [
    `${one.sector}`,
    `${one.deadline}`,
    `${one.partition}`,
    one.recovering ? "recovering" : "faulty",
    `${one.ends}`,
  ]);
  const head = ["sector", "deadline", "partition", "state", "ends at"];
  say(options.json, { faults: found }, rows.length === 0 ? [`${open.name} has no faulty sectors`] : table(head, rows));
}

async function extend(names: string[], options: SendOptions & { readonly expiration: number }): Promise<void> {
  const open = await openMiner(options);
  const { expiration } = options;
  const found = await located(open, numbers(names, "sector"));
  await sendAndWait(open, open.calls.extend(found.map((one) => ({ ...one, expiration }))), options);
}

async function terminate(names: string[], options: SendOptions & { readonly reallyDoIt?: true }): Promise<void> {
  insist(options.reallyDoIt, "a sector that is ended early costs a fee and does not come back");
  const open = await openMiner(options);
  await sendAndWait(open, open.calls.terminate(await located(open, numbers(names, "sector"))), options);
}

async function recover(names: string[], options: SendOptions): Promise<void> {
  const open = await openMiner(options);
  const wanted = numbers(names, "sector");
  const found: PartitionSectors[] = [];
  for (const { index, partitions } of await due(open))
    for (const { partition, faults: faulty, recoveries } of partitions) {
      const sectors = faulty.filter((sector) => wanted.includes(sector) && !recoveries.includes(sector));
      if (sectors.length > 0) found.push({ deadline: index, partition, sectors });
    }
  const missing = wanted.filter((sector) => !found.some(({ sectors }) => sectors.includes(sector)));
  if (missing.length > 0) throw new UsageError(`${open.name} has no faulty sector ${missing.join(", ")} to recover`);
  await sendAndWait(open, open.calls.declareRecoveries(found), options);
}

async function controlList(options: ActorOptions): Promise<void> {
  const { chain } = await openMiner(options);
  const { owner, worker, controls } = await chain.facts();
  const all = [
    { part: "owner", address: owner },
    { part: "worker", address: worker },
    ...controls.map((address) => ({ part: "control", address })),
  ];
  const rows = [];
  for (const { part, address } of all)
    rows.push({
      part,
      address: address.toString(chain.prefix),
      balance: `${await chain.balanceOf(address)}`,
      hasKey: await chain.canSign(address),
    });
  const cells = rows.map(({ part, address, balance, hasKey }) => [
    part,
    address,
    filText(balance),
    hasKey ? "key here" : "no key here",
  ]);
  say(options.json, { addresses: rows }, table(["part", "address", "balance", ""], cells));
}

/** Where live sectors are proven, partition by partition. */
async function located(open: OpenMiner, wanted: readonly number[]): Promise<readonly PartitionSectors[]> {
  const found: PartitionSectors[] = [];
  for (const { index, partitions } of await due(open))
    for (const { partition, sectors, terminated } of partitions) {
      const here = sectors.filter((sector) => wanted.includes(sector) && !terminated.includes(sector));
      if (here.length > 0) found.push({ deadline: index, partition, sectors: here });
    }
  const live = found.flatMap(({ sectors }) => sectors);
  const missing = wanted.filter((sector) => !live.includes(sector));
  if (missing.length > 0) throw new UsageError(`${open.name} has no live sector ${missing.join(", ")}`);
  return found;
}

function numbers(texts: readonly string[], what: string): readonly number[] {
  const parse = wholeNumber(0, Number.MAX_SAFE_INTEGER);
  const all = texts.map((text) => {
    try {
      return parse(text);
    } catch (cause) {
      throw new UsageError(`${text} is no number of a ${what}`, { cause });
    }
  });
  return [...new Set(all)].sort((a, b) => a - b);
}

async function idOf({ remote }: OpenMiner, name: string): Promise<Address> {
  return Address.parse(await remote.call<string>("StateLookupID", await remote.address(name), null));
}

function insist(given: true | undefined, why: string): void {
  if (given !== true) throw new UsageError(`${why}: give --really-do-it`);
}
