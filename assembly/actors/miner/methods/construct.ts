/** Making a miner. Source: specs-actors builtin/miner/miner_actor.go. */
import { be64, Bytes, concat, ptrOf } from "../../../base/bytes";
import { BitField } from "../../../ipld/bitfield";
import { NOTHING } from "../../../runtime/actor";
import { ArrayOf, MapOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { MinerConstructorParams } from "../../../runtime/shared.gen";
import { ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { AddressItem } from "../../../types/codec";
import { INIT } from "../../../types/singletons";
import { MinerState, SectorOnChainInfo, SectorPreCommitOnChainInfo, VestingFunds } from "../codec.gen";
import { CHALLENGE_WINDOW, isSupportedSealProof, PROVING_PERIOD } from "../policy";
import { CRON_PROVING_DEADLINE, enrollCron } from "../sends";
import { BitFieldItem } from "../state/bitfield-queue";
import { newDeadline, newDeadlines } from "../state/deadlines";
import {
  checkControlCount,
  checkPeerInfo,
  newInfo,
  resolveControl,
  resolveControls,
  resolveWorker,
} from "../state/info";

/** Offset of the proving period: the hash of the miner's address and the epoch, modulo the period. */
function provingPeriodOffset(rt: Runtime): i64 {
  const seed = concat(rt.encode(AddressItem.of(rt.receiver)), be64(<u64>rt.epoch));
  const digest = rt.hashBlake2b(seed);
  return <i64>(bswap<u64>(load<u64>(ptrOf(digest))) % <u64>PROVING_PERIOD);
}

/** The last epoch up to now that begins a proving period of this offset. */
function currentPeriodStart(epoch: i64, offset: i64): i64 {
  const phase = epoch % PROVING_PERIOD;
  const progress = phase >= offset ? phase - offset : PROVING_PERIOD - (offset - phase);
  return epoch - progress;
}

/**
 * Constructor. Allowed: init. Exits: 16 unsupported seal proof or unfit addresses.
 * v0 begins with the next proving period, v2 in the middle of the present one.
 */
export function constructor_(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<MinerConstructorParams>(params);
  rt.allowOnly([INIT]);
  checkControlCount(rt, p.controlAddrs);
  checkPeerInfo(rt, p.peerId, p.multiaddrs);
  rt.require(isSupportedSealProof(rt, p.sealProofType), ERR_ILLEGAL_ARGUMENT, "seal proof type not allowed");
  const owner = resolveControl(rt, p.ownerAddr);
  const worker = resolveWorker(rt, p.workerAddr);
  const control = resolveControls(rt, p.controlAddrs);

  const emptyMap = MapOf.empty<SectorPreCommitOnChainInfo>(rt).root();
  const emptyArray = ArrayOf.empty<SectorOnChainInfo>(rt).root();
  const emptySet = rt.putObject(BitFieldItem.of(new BitField()));
  const emptyDeadline = rt.putObject(newDeadline(emptyArray));
  const deadlines = rt.putObject(newDeadlines(emptyDeadline));
  const vesting = rt.putObject(new VestingFunds());

  const current = currentPeriodStart(rt.epoch, provingPeriodOffset(rt));
  const st = new MinerState();
  let firstEvent: i64;
  if (rt.version.minerStartsInPeriod) {
    st.provingPeriodStart = current;
    st.currentDeadline = <u64>((rt.epoch - current) / CHALLENGE_WINDOW);
    firstEvent = current + CHALLENGE_WINDOW * (1 + <i64>st.currentDeadline) - 1;
  } else {
    st.provingPeriodStart = current + PROVING_PERIOD;
    firstEvent = st.provingPeriodStart - 1;
  }
  st.info = rt.putObject(newInfo(owner, worker, control, p.peerId, p.multiaddrs, p.sealProofType));
  st.vestingFunds = vesting;
  st.preCommittedSectors = emptyMap;
  st.preCommittedSectorsExpiry = emptyArray;
  st.allocatedSectors = emptySet;
  st.sectors = emptyArray;
  st.deadlines = deadlines;
  rt.create(st);
  enrollCron(rt, firstEvent, CRON_PROVING_DEADLINE);
  return NOTHING;
}
