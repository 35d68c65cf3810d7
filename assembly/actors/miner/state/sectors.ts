/**
 * The sectors of a miner: an array from sector number to what was committed.
 * Source: specs-actors builtin/miner/sectors.go.
 */
import { BitField } from "../../../ipld/bitfield";
import { Cid } from "../../../ipld/cid";
import { ArrayCursor, ArrayOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { ERR_ILLEGAL_ARGUMENT, ERR_NOT_FOUND } from "../../../types/exit-code";
import { SectorOnChainInfo } from "../codec.gen";
import { MAX_SECTOR_NUMBER, SECTORS_MAX } from "../policy";

@final
export class Sectors {
  private readonly array: ArrayOf<SectorOnChainInfo>;

  constructor(
    private readonly rt: Runtime,
    root: Cid,
  ) {
    this.array = ArrayOf.load<SectorOnChainInfo>(rt, root);
  }

  root(): Cid {
    return this.array.root();
  }

  get(number: u64): SectorOnChainInfo | null {
    return this.array.get(number);
  }

  /** The sectors of a set; ends with `absent` if one is not there. */
  load(numbers: BitField, absent: i32 = ERR_NOT_FOUND): Array<SectorOnChainInfo> {
    this.rt.require(numbers.valid, ERR_ILLEGAL_ARGUMENT, "sector bitfield is malformed");
    const out: Array<SectorOnChainInfo> = [];
    const cursor = numbers.cursor();
    while (cursor.next()) {
      const sector = this.array.get(cursor.id);
      if (sector === null) this.rt.abort(absent, "sector not found");
      else out.push(sector);
    }
    return out;
  }

  store(sectors: Array<SectorOnChainInfo>): void {
    for (let i = 0; i < sectors.length; i++) {
      const number = sectors[i].sectorNumber;
      if (number > MAX_SECTOR_NUMBER) this.rt.fail("sector number out of range");
      this.array.set(number, sectors[i]);
    }
    if (this.rt.version.minerLimitsSectors && this.array.length > SECTORS_MAX) this.rt.fail("too many sectors");
  }

  delete(numbers: BitField): void {
    const cursor = numbers.cursor();
    while (cursor.next()) if (!this.array.delete(cursor.id)) this.rt.fail("sector to delete is missing");
  }

  cursor(): ArrayCursor<SectorOnChainInfo> {
    return this.array.cursor();
  }

  /** The smallest of the sectors that may be proven, by number; none if all are to be ignored. */
  static firstSound(proven: BitField, ignored: BitField): Array<u64> {
    const sound = proven.subtract(ignored);
    return sound.isEmpty ? [] : [sound.first()];
  }

  /** The sectors of a set in order, with the sector `standIn` in the place of those to be ignored. */
  loadForProof(proven: BitField, ignored: BitField, standIn: u64): Array<SectorOnChainInfo> {
    const good = this.must(standIn);
    if (ignored.count() > proven.count()) this.rt.fail("more sectors to ignore than to prove");
    const out: Array<SectorOnChainInfo> = [];
    const skipped = new Set<u64>();
    const walk = ignored.cursor();
    while (walk.next()) skipped.add(walk.id);
    const cursor = proven.cursor();
    while (cursor.next()) out.push(skipped.has(cursor.id) ? good : this.must(cursor.id));
    return out;
  }

  private must(number: u64): SectorOnChainInfo {
    const sector = this.array.get(number);
    if (sector === null) {
      this.rt.fail("sector not found");
      return new SectorOnChainInfo();
    }
    return sector;
  }
}

/** Those of `sectors` that are in a set; all members of the set must be among them. */
export function selectSectors(
  rt: Runtime,
  sectors: Array<SectorOnChainInfo>,
  numbers: BitField,
): Array<SectorOnChainInfo> {
  const wanted = numbers.count();
  if (wanted > <u64>sectors.length) rt.fail("more sectors to select than there are");
  const out: Array<SectorOnChainInfo> = [];
  if (wanted == 0) return out;
  for (let i = 0; i < sectors.length; i++) if (numbers.has(sectors[i].sectorNumber)) out.push(sectors[i]);
  if (<u64>out.length < wanted) rt.fail("sectors to select are missing");
  return out;
}

/** A copy of a sector with another expiration. */
export function withExpiration(sector: SectorOnChainInfo, expiration: i64): SectorOnChainInfo {
  const copy = new SectorOnChainInfo();
  copy.sectorNumber = sector.sectorNumber;
  copy.sealProof = sector.sealProof;
  copy.sealedCID = sector.sealedCID;
  copy.dealIDs = sector.dealIDs;
  copy.activation = sector.activation;
  copy.expiration = expiration;
  copy.dealWeight = sector.dealWeight;
  copy.verifiedDealWeight = sector.verifiedDealWeight;
  copy.initialPledge = sector.initialPledge;
  copy.expectedDayReward = sector.expectedDayReward;
  copy.expectedStoragePledge = sector.expectedStoragePledge;
  copy.replacedSectorAge = sector.replacedSectorAge;
  copy.replacedDayReward = sector.replacedDayReward;
  return copy;
}
