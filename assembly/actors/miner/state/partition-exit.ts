/**
 * How sectors leave a partition: terminated by the miner, expired, and the queue of early terminations whose fees are
 * still to be paid. Source: specs-actors builtin/miner/partition_state.go.
 */
import { BitField } from "../../../ipld/bitfield";
import { Runtime } from "../../../runtime/runtime";
import { ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { ExpirationSet, Partition } from "../codec.gen";
import { addPower, isNoPower, subPower } from "../power-pair";
import { NO_QUANTIZATION, QuantSpec } from "../quantize";
import { powerOfSectors } from "../sector-power";
import { TerminationResult } from "../termination";
import { BitfieldQueue } from "./bitfield-queue";
import { ExpirationQueue } from "./expiration-queue";
import { liveSectors, validatePartition } from "./partition";
import { Sectors, selectSectors } from "./sectors";

/** Notes the epoch of sectors that end early, for the fee. */
function recordEarlyTermination(rt: Runtime, p: Partition, epoch: i64, sectors: BitField): void {
  const queue = new BitfieldQueue(rt, p.earlyTerminated, NO_QUANTIZATION);
  queue.add(epoch, sectors);
  p.earlyTerminated = queue.root();
}

/** Terminates live sectors. Returns what they took along; its active power is what was really active. */
export function terminateSectors(
  rt: Runtime,
  p: Partition,
  sectors: Sectors,
  epoch: i64,
  numbers: BitField,
  sectorSize: u64,
  quant: QuantSpec,
): ExpirationSet {
  rt.require(liveSectors(p).containsAll(numbers), ERR_ILLEGAL_ARGUMENT, "only live sectors can be terminated");
  const infos = sectors.load(numbers);
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  const removal = queue.removeSectors(infos, p.faults, p.recoveries, sectorSize);
  const removed = removal.set;
  p.expirationsEpochs = queue.root();
  const gone = removed.onTimeSectors.union(removed.earlySectors);
  recordEarlyTermination(rt, p, epoch, gone);
  const unproven = gone.intersect(p.unproven);
  p.faults = p.faults.subtract(gone);
  p.recoveries = p.recoveries.subtract(gone);
  p.terminated = p.terminated.union(gone);
  p.livePower = subPower(subPower(p.livePower, removed.activePower), removed.faultyPower);
  p.faultyPower = subPower(p.faultyPower, removed.faultyPower);
  p.recoveringPower = subPower(p.recoveringPower, removal.recovering);
  if (rt.version.minerPowerAwaitsProof) {
    p.unproven = p.unproven.subtract(unproven);
    const lost = powerOfSectors(rt, sectorSize, selectSectors(rt, infos, unproven));
    p.unprovenPower = subPower(p.unprovenPower, lost);
    removed.activePower = subPower(removed.activePower, lost);
  }
  validatePartition(rt, p);
  return removed;
}

/** Terminates the sectors that expire up to an epoch. Everything must be proven or faulty, nothing recovering. */
export function popExpiredSectors(rt: Runtime, p: Partition, until: i64, quant: QuantSpec): ExpirationSet {
  if (!p.unproven.isEmpty) rt.fail("expirations of a partition with unproven sectors");
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  const popped = queue.popUntil(until);
  p.expirationsEpochs = queue.root();
  const expired = popped.onTimeSectors.union(popped.earlySectors);
  if (!p.recoveries.isEmpty) rt.fail("unexpected recoveries while processing expirations");
  if (!isNoPower(p.recoveringPower)) rt.fail("unexpected recovering power while processing expirations");
  if (p.terminated.containsAny(expired)) rt.fail("expiring sectors are terminated already");
  p.terminated = p.terminated.union(expired);
  p.faults = p.faults.subtract(expired);
  p.livePower = subPower(p.livePower, addPower(popped.activePower, popped.faultyPower));
  p.faultyPower = subPower(p.faultyPower, popped.faultyPower);
  recordEarlyTermination(rt, p, until, popped.earlySectors);
  validatePartition(rt, p);
  return popped;
}

/** Takes up to `maxSectors` out of the queue of early terminations. */
export function popEarlyTerminations(rt: Runtime, p: Partition, maxSectors: u64): PartitionTerminations {
  const queue = new BitfieldQueue(rt, p.earlyTerminated, NO_QUANTIZATION);
  const result = new TerminationResult();
  result.partitionsProcessed = 1;
  const processed: Array<u64> = [];
  let restEpoch: u64 = 0;
  let rest: BitField | null = null;
  const cursor = queue.cursor();
  while (cursor.next()) {
    const count = cursor.values.count();
    const limit = maxSectors - result.sectorsProcessed;
    let taken = cursor.values;
    if (limit < count) {
      taken = cursor.values.slice(0, limit);
      rest = cursor.values.subtract(taken);
      restEpoch = <u64>cursor.epoch;
      result.sectorsProcessed += limit;
    } else {
      processed.push(<u64>cursor.epoch);
      result.sectorsProcessed += count;
    }
    result.put(cursor.epoch, taken);
    if (result.sectorsProcessed >= maxSectors) break;
  }
  queue.batchDelete(processed);
  if (rest !== null) queue.set(restEpoch, rest);
  p.earlyTerminated = queue.root();
  validatePartition(rt, p);
  return new PartitionTerminations(result, queue.length > 0);
}

@final
export class PartitionTerminations {
  constructor(
    readonly result: TerminationResult,
    /** True if the queue is not empty. */
    readonly more: bool,
  ) {}
}
