/** Filecoin.State*: a miner's deadlines, partitions and sectors, and what it holds and owes. */
import { WINDOW_POST } from "../../params/proving.ts";
import { miner as minerSchema } from "../../schema/actors/miner.ts";
import { publishedMiner } from "../../schema/published/miner.ts";
import {
  allPartitions,
  availableBalance,
  findSector,
  openDeadlines,
  partitionsOf,
  provenPartitions,
  runsOf,
  sectorCounts,
  sectorExpiration,
  sectorsWhere,
  uvarint,
  vestedFunds,
} from "../../state/miner-reader.ts";
import type { Address } from "../../types/address.ts";
import { hasBit, type Runs, unionRuns } from "../../types/bit-runs.ts";
import type { Json } from "../../types/schema-codec.ts";
import {
  address,
  amount,
  anyEpoch,
  bitfieldRuns,
  epoch,
  sectorNumber,
  type TipsetKey,
  tipsetKey,
  uint64,
} from "../codec/chain-types.ts";
import { boolean, integer, list, nullable, object } from "../codec/codec.ts";
import { stateJson } from "../codec/state-types.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { orNotFound, viewAt } from "../view.ts";
import { MANY } from "./miner-shapes.ts";
import { openMiner, sectorInfo } from "./miner-state.ts";

const DEADLINES = WINDOW_POST.provingPeriod / WINDOW_POST.challengeWindow;

const partition = object("Partition", {
  AllSectors: bitfieldRuns,
  FaultySectors: bitfieldRuns,
  RecoveringSectors: bitfieldRuns,
  LiveSectors: bitfieldRuns,
  ActiveSectors: bitfieldRuns,
});
const deadline = object("Deadline", {
  PostSubmissions: bitfieldRuns,
  DisputableProofCount: uint64,
  DailyFee: amount,
});
const of = [param("miner", address), param("tipsetKey", tipsetKey)] as const;
const ofSector = [param("miner", address), param("sector", sectorNumber), param("tipsetKey", tipsetKey)] as const;

/** How the network spells an empty set. */
const shownRuns = (runs: Runs): Runs => (runs.length === 0 ? [0n] : runs);

async function faultsOf(node: NodeServices, miner: Address, key: TipsetKey): Promise<Runs> {
  return sectorsWhere(await openMiner(node, miner, key), ({ faulty }) => faulty);
}

export const sectorStateGroup = group("State: sectors", "Deadlines, partitions and sectors of storage miners.", {
  StateMinerDeadlines: method({
    summary: "The deadlines of a miner's proving period, with the partitions proven at each.",
    params: of,
    result: list(deadline, DEADLINES),
    cost: "walk",
    async run([miner, key], { node, signal }) {
      const state = await openMiner(node, miner, key);
      const breath = breather(signal);
      const out = [];
      for await (const open of openDeadlines(state)) {
        await breath();
        // Proofs that can be disputed came with actors v3, daily fees with v16.
        const [proofs, fee] = ["OptimisticPoStSubmissionsSnapshot", "DailyFee"] as const;
        out.push({
          PostSubmissions: shownRuns(provenPartitions(open)),
          DisputableProofCount: open.has(proofs) ? await open.count(proofs) : 0n,
          DailyFee: open.has(fee) ? BigInt(open.field(fee) as string) : 0n,
        });
      }
      return out;
    },
  }),
  StateMinerPartitions: method({
    summary: "The partitions of one deadline, with their sets of sectors.",
    params: [
      param("miner", address),
      param("deadline", integer(0, Number.MAX_SAFE_INTEGER)),
      param("tipsetKey", tipsetKey),
    ],
    result: list(partition, MANY),
    cost: "walk",
    async run([miner, index, key], { node, signal }) {
      const breath = breather(signal);
      const out = [];
      for await (const one of partitionsOf(await openMiner(node, miner, key), index)) {
        await breath();
        out.push({
          AllSectors: shownRuns(one.all),
          FaultySectors: shownRuns(one.faulty),
          RecoveringSectors: shownRuns(one.recovering),
          LiveSectors: shownRuns(one.live),
          ActiveSectors: shownRuns(one.active),
        });
      }
      return out;
    },
  }),
  StateMinerFaults: method({
    summary: "A miner's faulty sectors.",
    params: of,
    result: bitfieldRuns,
    cost: "walk",
    run: async ([miner, key], { node }) => shownRuns(await faultsOf(node, miner, key)),
  }),
  StateMinerRecoveries: method({
    summary: "A miner's faulty sectors that are expected to be proven next time.",
    params: of,
    result: bitfieldRuns,
    cost: "walk",
    run: async ([miner, key], { node }) =>
      shownRuns(await sectorsWhere(await openMiner(node, miner, key), ({ recovering }) => recovering)),
  }),
  StateAllMinerFaults: method({
    summary: "Miners with faulty sectors at the last tipset of some epochs, with the epoch at which they were seen.",
    params: [param("lookback", anyEpoch), param("tipsetKey", tipsetKey)],
    result: list(object("Fault", { Miner: address, Epoch: epoch }), MANY),
    run: () => {
      // The reference's method ends with an error, too: faults are not kept by the epoch at which they began.
      throw new RpcError(RPC_CODE.untyped, "the state does not tell when faults began; see StateMinerFaults");
    },
  }),
  StateMinerSectorCount: method({
    summary: "How many of a miner's sectors live, count and are faulty.",
    params: of,
    result: object("MinerSectors", { Live: uint64, Active: uint64, Faulty: uint64 }),
    cost: "walk",
    async run([miner, key], { node }) {
      const { live, active, faulty } = await sectorCounts(await openMiner(node, miner, key));
      return { Live: live, Active: active, Faulty: faulty };
    },
  }),
  StateMinerActiveSectors: method({
    summary: "A miner's sectors that count: proven, not faulty, not terminated.",
    params: of,
    result: list(sectorInfo, MANY),
    cost: "walk",
    async run([miner, key], { node, signal }) {
      const state = await openMiner(node, miner, key);
      const breath = breather(signal);
      let active: Runs = [];
      for await (const one of allPartitions(state)) active = unionRuns(active, one.active);
      const out: Json[] = [];
      for await (const [number, sector] of state.elements("Sectors")) {
        await breath();
        if (hasBit(active, number)) out.push(sector);
      }
      return out;
    },
  }),
  StateMinerAllocated: method({
    summary: "All sector numbers that a miner has ever used.",
    params: of,
    result: nullable(bitfieldRuns),
    run: async ([miner, key], { node }) =>
      shownRuns(runsOf(await (await openMiner(node, miner, key)).object("AllocatedSectors"))),
  }),
  StateMinerSectorAllocated: method({
    summary: "Whether a miner has ever used a sector number.",
    params: ofSector,
    result: boolean,
    run: async ([miner, number, key], { node }) =>
      hasBit(runsOf(await (await openMiner(node, miner, key)).object("AllocatedSectors")), number),
  }),
  StateSectorPreCommitInfo: method({
    summary: "What a miner has promised about a sector that it has yet to prove; null if nothing.",
    params: ofSector,
    result: nullable(stateJson("SectorPreCommitOnChainInfo", minerSchema.module, publishedMiner.module)),
    run: async ([miner, number, key], { node }) =>
      (await openMiner(node, miner, key)).element("PreCommittedSectors", uvarint(number)),
  }),
  StateSectorExpiration: method({
    summary:
      "The epoch at which a sector ends and, if it is faulty, the one at which it ends early; 0 where it does not.",
    params: ofSector,
    result: object("SectorExpiration", { OnTime: epoch, Early: epoch }),
    cost: "walk",
    async run([miner, number, key], { node }) {
      const { onTime, early } = await sectorExpiration(await openMiner(node, miner, key), number);
      return { OnTime: onTime, Early: early };
    },
  }),
  StateSectorPartition: method({
    summary: "The deadline and partition in which a sector is proven.",
    params: ofSector,
    result: object("SectorLocation", { Deadline: epoch, Partition: epoch }),
    cost: "walk",
    async run([miner, number, key], { node }) {
      const found = await findSector(await openMiner(node, miner, key), number);
      return { Deadline: found.deadline, Partition: found.index };
    },
  }),
  StateMinerAvailableBalance: method({
    summary: "What a miner may withdraw or pledge: its balance less what is locked, with what has vested.",
    params: of,
    result: amount,
    async run([miner, key], { node }) {
      const { height } = await node.chain.tipset(key);
      const { balance } = await orNotFound((await viewAt(node, key)).requireActor(miner));
      const state = await openMiner(node, miner, key);
      return availableBalance(state, balance) + (await vestedFunds(state, height));
    },
  }),
});
