/** Devnet.*: faults of a local network's miners on purpose, and what they come to. */
import { address, amount, epoch, link, sectorNumber, tipset } from "../codec/chain-types.ts";
import { boolean, choice, decimal, fallback, integer, list, nullable, object, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { type Group, method, param } from "../method.ts";
import type { DevControl, LaboratoryControl, MinerReportView } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";

/** Epochs that one call may pass. */
const MAX_EPOCHS = 100_000;
/** Epochs that one call may pass by null rounds: more than a sector lives. */
const MAX_FORWARD = 2_000_000;
/** Seconds that one call may pass: a year. */
const MAX_SECONDS = 365 * 86_400;
/** Epochs that a sector is given to come to a state: a proving period and some more. */
const SECTOR_EPOCHS = 3500;
const MAX_MINERS = 100;
const MAX_SECTORS = 10_000;
const DEADLINES = 48;

const sectors = list(integer(0, Number.MAX_SAFE_INTEGER), MAX_SECTORS);
const deadlines = nullable(list(integer(0, DEADLINES - 1), DEADLINES));
const fault = choice("none", "lost", "changed");
const miner = param("miner", address);
/** Also where nobody could make blocks after it. */
const anyway = param("anyway", fallback(boolean, false));

const report = object("MinerReport", {
  Miner: address,
  Epoch: epoch,
  On: boolean,
  Power: object("ReportedPower", {
    Raw: amount,
    QualityAdjusted: amount,
    TotalRaw: amount,
    TotalQualityAdjusted: amount,
    HasMinPower: boolean,
  }),
  Sectors: object("ReportedSectors", {
    Live: sectors,
    Active: sectors,
    Faulty: sectors,
    Recovering: sectors,
    Unproven: sectors,
    Terminated: sectors,
  }),
  Money: object("ReportedMoney", {
    Balance: amount,
    Available: text(100),
    Vesting: amount,
    PreCommitDeposits: amount,
    InitialPledge: amount,
    FeeDebt: amount,
  }),
  FaultFee: amount,
  Burnt: amount,
  NotEligible: nullable(text()),
  FileFaults: list(object("FileFault", { Sector: epoch, Fault: fault }), MAX_SECTORS),
  SkippedDeadlines: nullable(list(epoch, DEADLINES)),
});

/** Refuses an epoch more than `most` ahead of the head's: `RpcError` of bad parameters. */
function checkAhead(wanted: number, height: number, most: number): void {
  if (wanted > height + most) badParams(`epoch: at most ${height + most} expected, got ${wanted}`);
}

const methods = {
  "Devnet.mineTo": method({
    summary: "Makes tipsets until the head stands at an epoch, and gives it; miners prove their sectors on the way.",
    permission: "admin",
    params: [param("epoch", epoch)],
    result: tipset,
    cost: "wait",
    local: true,
    run([wanted], { node, signal }) {
      checkAhead(wanted, node.chain.head.height, MAX_EPOCHS);
      return devOf(node).mineTo(wanted, signal);
    },
  }),
  "Devnet.passTime": method({
    summary:
      "Passes seconds of the chain's time: makes tipsets until that many lie behind, or a part of an epoch more.",
    permission: "admin",
    params: [param("seconds", decimal(0, MAX_SECONDS))],
    result: tipset,
    cost: "wait",
    local: true,
    run: ([seconds], { node, signal }) => devOf(node).passTime(seconds, signal),
  }),
  "Devnet.mineToDeadline": method({
    summary:
      "Makes tipsets until a deadline of a miner opens, or with `skip` passes null rounds up to it; null: its next one that has sectors.",
    permission: "admin",
    params: [miner, param("deadline", nullable(integer(0, DEADLINES - 1))), param("skip", fallback(boolean, false))],
    result: tipset,
    cost: "wait",
    local: true,
    run: ([one, deadline, skip], { node, signal }) => labOf(node).toDeadline(one, deadline, { skip }, signal),
  }),
  "Devnet.mineToSector": method({
    summary: "Makes tipsets until a sector is in a state, such as Proving or Faulty, so many epochs at the most.",
    permission: "admin",
    params: [
      miner,
      param("sector", sectorNumber),
      param("state", text(40)),
      param("epochs", fallback(integer(0, MAX_EPOCHS), SECTOR_EPOCHS)),
    ],
    result: tipset,
    cost: "wait",
    local: true,
    run: ([one, sector, state, epochs], { node, signal }) =>
      labOf(node).toSectorState(one, Number(sector), state, epochs, signal),
  }),
  "Devnet.fastForward": method({
    summary:
      "Comes to an epoch, however far, by null rounds, with tipsets where miners have sectors to prove: sectors live and expire in minutes.",
    permission: "admin",
    params: [param("epoch", epoch)],
    result: tipset,
    cost: "wait",
    local: true,
    run([wanted], { node, signal }) {
      checkAhead(wanted, node.chain.head.height, MAX_FORWARD);
      return labOf(node).fastForward(wanted, signal);
    },
  }),
  "Devnet.minerReport": method({
    summary:
      "Of one miner, or of all: power, sectors, money, what its faults cost a day, what was burnt, and why it may not make blocks.",
    params: [param("miner", nullable(address))],
    result: list(report, MAX_MINERS),
    cost: "walk",
    local: true,
    async run([one], { node }) {
      const lab = labOf(node);
      const out = [];
      for (const each of one === null ? lab.miners : [one]) out.push(shown(await lab.report(each), lab));
      return out;
    },
  }),
  "Devnet.setSectorFault": method({
    summary: "Plays the loss or the change of a sector's files (the files themselves are not touched), or ends it.",
    permission: "admin",
    params: [miner, param("sector", sectorNumber), param("fault", fault)],
    result: boolean,
    local: true,
    run([one, sector, kind], { node }) {
      labOf(node).setFault(one, Number(sector), kind);
      return true;
    },
  }),
  "Devnet.skipProofs": method({
    summary:
      "Has a miner leave out its proofs of some deadlines from now on; null: of all; none: it makes all again. Refused, unless `anyway`, where nobody could make blocks after it.",
    permission: "admin",
    params: [miner, param("deadlines", deadlines), anyway],
    result: boolean,
    local: true,
    async run([one, left, isSure], { node }) {
      await labOf(node).skip(one, left ?? "all", isSure);
      return true;
    },
  }),
  "Devnet.setMiner": method({
    summary: "Stops a miner, which then makes no blocks and proves nothing, or starts it again.",
    permission: "admin",
    params: [miner, param("on", fallback(boolean, true))],
    result: boolean,
    local: true,
    run([one, on], { node }) {
      labOf(node).turn(one, on);
      return true;
    },
  }),
  "Devnet.equivocate": method({
    summary:
      "Has a miner sign a second block of its last epoch, reports the two, and gives the report's CID. Refused, unless `anyway`, where nobody could make blocks after it.",
    permission: "admin",
    params: [miner, anyway],
    result: link,
    cost: "execute",
    local: true,
    run: ([one, isSure], { node }) => labOf(node).equivocate(one, isSure),
  }),
  "Devnet.terminateSectors": method({
    summary:
      "Sends the termination of a miner's sectors and gives its CID. Refused, unless `anyway`, where nobody could make blocks after it.",
    permission: "admin",
    params: [miner, param("sectors", sectors), anyway],
    result: link,
    cost: "execute",
    local: true,
    run: ([one, ending, isSure], { node }) => labOf(node).terminate(one, ending, isSure),
  }),
};

export const laboratoryGroup: Group<typeof methods> = {
  title: "Laboratory",
  summary: "Faults of a local network's miners on purpose. Not answered by a node of any other network.",
  prefix: "",
  versions: API_VERSIONS,
  methods,
};

function shown(one: MinerReportView, lab: LaboratoryControl) {
  const { power, money } = one;
  const skipped = lab.skipped(one.miner);
  return {
    Miner: one.miner,
    Epoch: one.epoch,
    On: lab.isOn(one.miner),
    Power: {
      Raw: power.raw,
      QualityAdjusted: power.qualityAdjusted,
      TotalRaw: power.totalRaw,
      TotalQualityAdjusted: power.totalQualityAdjusted,
      HasMinPower: power.hasMinPower,
    },
    Sectors: {
      Live: one.sectors.live,
      Active: one.sectors.active,
      Faulty: one.sectors.faulty,
      Recovering: one.sectors.recovering,
      Unproven: one.sectors.unproven,
      Terminated: one.sectors.terminated,
    },
    Money: {
      Balance: money.balance,
      // Below 0 where more is owed than there is.
      Available: money.available.toString(),
      Vesting: money.vesting,
      PreCommitDeposits: money.preCommitDeposits,
      InitialPledge: money.initialPledge,
      FeeDebt: money.feeDebt,
    },
    FaultFee: one.faultFee,
    Burnt: one.burnt,
    NotEligible: one.notEligible,
    FileFaults: lab.faults(one.miner).map(({ sector, fault: kind }) => ({ Sector: sector, Fault: kind })),
    SkippedDeadlines: skipped === "all" ? null : skipped,
  };
}

function devOf(node: { readonly dev?: DevControl }): DevControl {
  if (node.dev === undefined) throw new TypeError("not a local network");
  return node.dev;
}

function labOf(node: { readonly dev?: DevControl }): LaboratoryControl {
  const { laboratory } = devOf(node);
  if (laboratory === undefined || laboratory === null)
    throw new RpcError(
      RPC_CODE.untyped,
      "this network has no miners with sectors at hand: start it with `filigree devnet --miners <n>`",
    );
  return laboratory;
}
