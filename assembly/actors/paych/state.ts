/**
 * What redeeming a voucher does to a channel.
 *
 * Amounts of a lane only grow, and a voucher states the lane's new total. What the channel owes grows by
 *     amount - (redeemed of this lane + redeemed of all merged lanes)
 * since merged lanes end in this one. A merge raises the nonce of the merged lane, so its old vouchers are void.
 */
import { Big } from "../../base/big";
import { ArrayOf } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { ERR_ILLEGAL_ARGUMENT } from "../../types/exit-code";
import { LaneState, PaychState, SignedVoucher } from "./codec.gen";
import { MAX_LANE } from "./policy";

function findLane(rt: Runtime, lanes: ArrayOf<LaneState>, id: u64): LaneState | null {
  rt.require(id <= MAX_LANE, ERR_ILLEGAL_ARGUMENT, "maximum lane ID is 2^63-1");
  return lanes.get(id);
}

/** Takes over the merged lanes and returns the sum of what they had redeemed. */
function mergeLanes(rt: Runtime, lanes: ArrayOf<LaneState>, voucher: SignedVoucher): Big {
  let redeemed = Big.ZERO;
  for (let i = 0; i < voucher.merges.length; i++) {
    const merge = voucher.merges[i];
    rt.require(merge.lane != voucher.lane, ERR_ILLEGAL_ARGUMENT, "voucher cannot merge lanes into its own lane");
    const other = findLane(rt, lanes, merge.lane);
    if (other === null) {
      rt.abort(ERR_ILLEGAL_ARGUMENT, "voucher specifies invalid merge lane");
      return redeemed;
    }
    rt.require(other.nonce < merge.nonce, ERR_ILLEGAL_ARGUMENT, "merged lane in voucher has outdated nonce");
    redeemed = redeemed.add(other.redeemed);
    other.nonce = merge.nonce;
    lanes.set(merge.lane, other);
  }
  return redeemed;
}

/** Redeems a voucher whose signature and conditions were found good. */
export function redeem(rt: Runtime, st: PaychState, voucher: SignedVoucher): void {
  const lanes = ArrayOf.load<LaneState>(rt, st.laneStates);
  const found = findLane(rt, lanes, voucher.lane);
  const lane = found === null ? new LaneState() : found;
  if (found !== null) rt.require(lane.nonce < voucher.nonce, ERR_ILLEGAL_ARGUMENT, "voucher has an outdated nonce");

  const redeemedFromOthers = mergeLanes(rt, lanes, voucher);
  lane.nonce = voucher.nonce;
  const owed = st.toSend.add(voucher.amount.sub(redeemedFromOthers.add(lane.redeemed)));
  lane.redeemed = voucher.amount;
  rt.require(!owed.negative, ERR_ILLEGAL_ARGUMENT, "voucher would leave channel balance negative");
  rt.require(owed.le(rt.currentBalance()), ERR_ILLEGAL_ARGUMENT, "not enough funds in channel to cover voucher");
  st.toSend = owed;

  if (voucher.minSettleHeight != 0) {
    if (st.settlingAt != 0 && st.settlingAt < voucher.minSettleHeight) st.settlingAt = voucher.minSettleHeight;
    if (st.minSettleHeight < voucher.minSettleHeight) st.minSettleHeight = voucher.minSettleHeight;
  }
  lanes.set(voucher.lane, lane);
  st.laneStates = lanes.root();
}
