/** Extension of sectors' lives. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { ExpirationExtension, ExtendSectorExpirationParams, MinerState, SectorOnChainInfo } from "../codec.gen";
import { ADDRESSED_SECTORS_MAX, PERIOD_DEADLINES } from "../policy";
import { addPower, NO_POWER, subPower } from "../power-pair";
import { updatePledge, updatePower } from "../sends";
import { loadPartitions, mustPartition } from "../state/deadline";
import { loadDeadline, saveDeadline } from "../state/deadlines";
import { allowControllers, loadInfo } from "../state/info";
import { replaceSectors } from "../state/partition";
import { Sectors, withExpiration } from "../state/sectors";
import { loadDeadlines, quantFor, saveDeadlines } from "../state/state";
import { validateExpiration } from "./precommit";

/**
 * Gives active sectors later expirations; their power is computed anew. Allowed: controllers.
 * Exits: 16 too many or unfit expirations; 17 no such partition or sector; 18 expired already (v2); 20 not active.
 */
export function extendSectorExpiration(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ExtendSectorExpirationParams>(params);
  requireAddressable(rt, p.extensions);

  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  const deadlines = loadDeadlines(rt, st);
  const sectors = new Sectors(rt, st.sectors);
  let power = NO_POWER;
  let pledge = Big.ZERO;
  const order = deadlinesInOrder(p.extensions);
  for (let d = 0; d < order.length; d++) {
    const index = order[d];
    const deadline = loadDeadline(rt, deadlines, index);
    const partitions = loadPartitions(rt, deadline);
    const quant = quantFor(st, index);
    for (let i = 0; i < p.extensions.length; i++) {
      const extension = p.extensions[i];
      if (extension.deadline != index) continue;
      const partition = mustPartition(rt, partitions, extension.partition);
      const old = sectors.load(extension.sectors);
      const young = extended(rt, old, extension.newExpiration);
      sectors.store(young);
      const change = replaceSectors(rt, partition, old, young, info.sectorSize, quant);
      power = addPower(power, subPower(change.added.power, change.removed.power));
      pledge = pledge.add(change.added.pledge.sub(change.removed.pledge));
      partitions.set(extension.partition, partition);
    }
    deadline.partitions = partitions.root();
    saveDeadline(rt, deadlines, index, deadline);
  }
  st.sectors = sectors.root();
  saveDeadlines(rt, st, deadlines);
  rt.commit(st);

  updatePower(rt, power);
  // Nothing, as long as an extension leaves pledges alone.
  updatePledge(rt, pledge);
  return NOTHING;
}

function requireAddressable(rt: Runtime, extensions: Array<ExpirationExtension>): void {
  const few = <u64>extensions.length <= <u64>rt.version.addressedPartitionsMax;
  rt.require(few, ERR_ILLEGAL_ARGUMENT, "too many declarations");
  let total: u64 = 0;
  for (let i = 0; i < extensions.length; i++) {
    rt.require(extensions[i].deadline < PERIOD_DEADLINES, ERR_ILLEGAL_ARGUMENT, "invalid deadline");
    rt.require(extensions[i].sectors.valid, ERR_ILLEGAL_ARGUMENT, "sector bitfield is malformed");
    const count = extensions[i].sectors.count();
    rt.require(count <= u64.MAX_VALUE - total, ERR_ILLEGAL_ARGUMENT, "overflow when counting sectors");
    total += count;
  }
  rt.require(total <= ADDRESSED_SECTORS_MAX, ERR_ILLEGAL_ARGUMENT, "too many sectors");
}

/** Deadlines in the order of their first declaration. */
function deadlinesInOrder(extensions: Array<ExpirationExtension>): Array<u64> {
  const order: Array<u64> = [];
  for (let i = 0; i < extensions.length; i++) {
    if (!order.includes(extensions[i].deadline)) order.push(extensions[i].deadline);
  }
  return order;
}

function extended(rt: Runtime, old: Array<SectorOnChainInfo>, expiration: i64): Array<SectorOnChainInfo> {
  const young: Array<SectorOnChainInfo> = [];
  for (let i = 0; i < old.length; i++) {
    const sector = old[i];
    // An expired sector stays in the queue to the end of its deadline.
    if (rt.version.minerRefusesExpired) rt.require(sector.expiration >= rt.epoch, ERR_FORBIDDEN, "sector has expired");
    rt.require(expiration >= sector.expiration, ERR_ILLEGAL_ARGUMENT, "expiration cannot be reduced");
    validateExpiration(rt, sector.activation, expiration, sector.sealProof);
    young.push(withExpiration(sector, expiration));
  }
  return young;
}
