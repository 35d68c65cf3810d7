/** `filigree miner`: a storage miner's actor on a running node: what it holds, proves and owes, and messages to it. */
import type { Command } from "commander";
import { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { UsageError } from "../errors.ts";
import { burnOf, replayOf, sumSent } from "../message-trace.ts";
import {
  type ActorOptions,
  type OpenMiner,
  type Outcome,
  openMiner,
  type SendOptions,
  sendAndWait,
} from "../miner-chain.ts";
import { aboutMiner, insist, sending } from "../miner-options.ts";
import { parseAmount, parsePositive, say } from "../remote.ts";
import { table } from "../table.ts";
import { registerDispute } from "./miner-dispute.ts";
import { registerMinerProving } from "./miner-proving.ts";
import { registerMinerRun } from "./miner-run.ts";
import { registerMinerSectors } from "./miner-sectors.ts";
import { registerMinerStorage } from "./miner-storage.ts";
import { registerMinerTerms } from "./miner-terms.ts";

export function registerMiner(program: Command): void {
  const miner = program.command("miner").description("a storage miner's actor: what it holds, proves and owes");
  aboutMiner(miner.command("info").description("owner, power, sectors, money and the deadline of now")).action(info);

  const proving = miner.command("proving").description("proofs of spacetime");
  registerMinerProving(proving);
  registerDispute(proving);
  const sectors = miner.command("sectors").description("sectors: begun, on their way, proven, extended, ended");
  registerMinerSectors(sectors);
  registerMinerTerms(sectors);
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
      .argument("[FIL]", "how much; default: all that is free", parsePositive),
  ).action(async (amount: bigint | undefined, options: SendOptions) => {
    const open = await openMiner(options);
    const { available } = await open.chain.money();
    if (amount !== undefined && amount > available)
      throw new Error(`${filText(amount)} is more than the ${filText(available)} that ${open.name} has free`);
    if (available <= 0n) throw new Error(`${open.name} has nothing free`);
    await sendAndWait(open, open.calls.withdraw(amount ?? available), options, {
      outcome: (cid) => paidOut(open, cid),
    });
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

/** What the actor sent to its owner, by the trace of the message: older actors return nothing, and pay less where less is free. */
async function paidOut({ remote, chain, name }: OpenMiner, cid: string): Promise<Outcome> {
  const replayed = await replayOf(remote, cid);
  if (replayed === null) return { value: { paid: null }, lines: ["How much was paid out could not be read."] };
  const paid = sumSent(replayed, name, (to) => to !== burnOf(chain.prefix));
  return { value: { paid: `${paid}` }, lines: [`${filText(paid)} paid to the owner`] };
}

async function info(options: ActorOptions): Promise<void> {
  const { remote, chain, name } = await openMiner(options);
  // All of one state: that which the head builds on, as the methods of the network tell of it.
  const head = await chain.head();
  const [facts, power, money, deadline] = await Promise.all([
    chain.facts(head),
    chain.power(head),
    chain.money(head),
    chain.deadline(head),
  ]);
  const count = await remote.call<{ Live: number; Active: number; Faulty: number }>(
    "StateMinerSectorCount",
    name,
    head.key.map((cid) => ({ "/": cid.toString() })),
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
    `Miner      ${name}, sectors of ${facts.sectorBytes} bytes; in the state that epoch ${head.height} builds on`,
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

async function idOf({ remote }: OpenMiner, name: string): Promise<Address> {
  return Address.parse(await remote.call<string>("StateLookupID", await remote.address(name), null));
}
