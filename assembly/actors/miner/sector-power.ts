/**
 * What a sector's deals make of its power.
 *
 * Space-time is size x duration. Space without deals counts 10, with deals 10, with verified deals 100; quality is the
 * weighted mean over the space-time, as a fraction of 10 with 20 bits of precision:
 *     quality = (((st - d - v) 10 + d 10 + v 100) << 20) / st / 10
 *     power   = (size x quality) >> 20
 * with Euclidean division, each one rounded. Source: specs-actors builtin/miner/policy.go, builtin/network.go.
 */
import { Big } from "../../base/big";
import { Runtime } from "../../runtime/runtime";
import { PowerPair, SectorOnChainInfo } from "./codec.gen";
import { powerPair } from "./power-pair";

const QUALITY_BASE: Big = Big.fromU64(10);
const DEAL_WEIGHT: Big = Big.fromU64(10);
const VERIFIED_DEAL_WEIGHT: Big = Big.fromU64(100);
const QUALITY_PRECISION: u32 = 20;

/** Quality-adjusted power of a sector, from its size, duration and deal weights (byte-epochs). */
export function qaPowerForWeight(rt: Runtime, size: u64, duration: i64, dealWeight: Big, verifiedWeight: Big): Big {
  rt.invariant(size != 0 && duration != 0, "division by zero: sector without space-time");
  if (rt.version.minerChecksSpaceTime) {
    const spaceTime = Big.fromU64(size).mul(Big.fromI64(duration));
    rt.invariant(spaceTime.ge(dealWeight.add(verifiedWeight)), "deals exceed space-time");
  }
  return weighedPower(size, duration, dealWeight, verifiedWeight);
}

/** The formula alone; size and duration must not be 0. */
export function weighedPower(size: u64, duration: i64, dealWeight: Big, verifiedWeight: Big): Big {
  // Without deals the roundings are exact: quality is one.
  if (dealWeight.isZero && verifiedWeight.isZero) return Big.fromU64(size);
  const spaceTime = Big.fromU64(size).mul(Big.fromI64(duration));
  const weighted = spaceTime
    .sub(dealWeight.add(verifiedWeight))
    .mul(QUALITY_BASE)
    .add(dealWeight.mul(DEAL_WEIGHT))
    .add(verifiedWeight.mul(VERIFIED_DEAL_WEIGHT));
  const quality = weighted.lsh(QUALITY_PRECISION).div(spaceTime).div(QUALITY_BASE);
  return Big.fromU64(size).mul(quality).rsh(QUALITY_PRECISION);
}

export function qaPowerOfSector(rt: Runtime, size: u64, sector: SectorOnChainInfo): Big {
  const duration = sector.expiration - sector.activation;
  return qaPowerForWeight(rt, size, duration, sector.dealWeight, sector.verifiedDealWeight);
}

export function powerOfSector(rt: Runtime, size: u64, sector: SectorOnChainInfo): PowerPair {
  return powerPair(Big.fromU64(size), qaPowerOfSector(rt, size, sector));
}

export function powerOfSectors(rt: Runtime, size: u64, sectors: Array<SectorOnChainInfo>): PowerPair {
  let qa = Big.ZERO;
  for (let i = 0; i < sectors.length; i++) qa = qa.add(qaPowerOfSector(rt, size, sectors[i]));
  return powerPair(Big.fromU64(size).mul(Big.fromU64(sectors.length)), qa);
}
