/** Tidying up: partitions without dead sectors, sector numbers without gaps. Source: specs-actors miner_actor.go. */
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE } from "../../../types/exit-code";
import { CompactPartitionsParams, CompactSectorNumbersParams, MinerState } from "../codec.gen";
import { isDeadlineMutable } from "../deadline-info";
import { loadPartitionsSectorsMax, MAX_SECTOR_NUMBER, PERIOD_DEADLINES } from "../policy";
import { samePower } from "../power-pair";
import { addDeadlineSectors } from "../state/deadline";
import { removePartitions } from "../state/deadline-exit";
import { loadDeadline, saveDeadline } from "../state/deadlines";
import { allowControllers, loadInfo } from "../state/info";
import { Sectors } from "../state/sectors";
import { deleteSectors, loadDeadlines, maskSectorNumbers, quantFor, saveDeadlines } from "../state/state";

/**
 * Removes partitions of a deadline, forgets their dead sectors and adds the live ones again. Allowed: controllers.
 * Exits: 16 too many or unfit partitions; 18 the deadline opens soon; 20 early terminations are not settled.
 * v0 forgets the sectors but does not write the deadline back.
 */
export function compactPartitions(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<CompactPartitionsParams>(params);
  rt.require(p.deadline < PERIOD_DEADLINES, ERR_ILLEGAL_ARGUMENT, "invalid deadline");
  rt.require(p.partitions.valid, ERR_ILLEGAL_ARGUMENT, "partition bitfield is malformed");
  const count = p.partitions.count();

  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  const mutable = isDeadlineMutable(st.provingPeriodStart, p.deadline, rt.epoch);
  rt.require(mutable, ERR_FORBIDDEN, "deadline opens too soon to be compacted");
  const limit = loadPartitionsSectorsMax(rt, info.windowPoStPartitionSectors);
  rt.require(count <= limit, ERR_ILLEGAL_ARGUMENT, "too many partitions");
  const quant = quantFor(st, p.deadline);
  const deadlines = loadDeadlines(rt, st);
  const deadline = loadDeadline(rt, deadlines, p.deadline);
  const removed = removePartitions(rt, deadline, p.partitions, quant);
  deleteSectors(rt, st, removed.dead);
  const moved = new Sectors(rt, st.sectors).load(removed.live);
  const size = info.windowPoStPartitionSectors;
  const power = addDeadlineSectors(rt, deadline, size, true, moved, info.sectorSize, quant);
  rt.require(samePower(power, removed.power), ERR_ILLEGAL_STATE, "power changed when compacting partitions");
  if (rt.version.minerSavesCompaction) {
    saveDeadline(rt, deadlines, p.deadline, deadline);
    saveDeadlines(rt, st, deadlines);
  }
  rt.commit(st);
  return NOTHING;
}

/** Marks sector numbers as used, so that the set of used ones becomes shorter. Allowed: controllers. */
export function compactSectorNumbers(rt: Runtime, params: Bytes): Bytes {
  const mask = rt.params<CompactSectorNumbersParams>(params).maskSectorNumbers;
  rt.require(mask.valid && !mask.isEmpty, ERR_ILLEGAL_ARGUMENT, "invalid mask of sector numbers");
  rt.require(mask.last() <= MAX_SECTOR_NUMBER, ERR_ILLEGAL_ARGUMENT, "sector number out of range");
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  maskSectorNumbers(rt, st, mask);
  rt.commit(st);
  return NOTHING;
}
