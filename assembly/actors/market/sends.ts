/** What the market sends to other actors. */
import { Big } from "../../base/big";
import { EMPTY } from "../../base/bytes";
import { METHOD_SEND, requireSuccess } from "../../runtime/builtin";
import { Runtime, SendResult } from "../../runtime/runtime";
import { CurrentTotalPowerReturn, ThisEpochRewardReturn, VerifiedBytesParams } from "../../runtime/shared.gen";
import { Address } from "../../types/address";
import { BURNT_FUNDS, POWER, REWARD, VERIFIED_REGISTRY } from "../../types/singletons";
import { NetworkFigures } from "./policy";

const METHOD_REWARD_THIS_EPOCH_REWARD: u64 = 3;
const METHOD_POWER_CURRENT_TOTAL_POWER: u64 = 9;
const METHOD_VERIFREG_USE_BYTES: u64 = 5;
const METHOD_VERIFREG_RESTORE_BYTES: u64 = 6;

/** Asks the reward actor, then the power actor, for what bounds collateral. */
export function requestNetworkFigures(rt: Runtime): NetworkFigures {
  const reward = rt.send(REWARD, METHOD_REWARD_THIS_EPOCH_REWARD, EMPTY, Big.ZERO);
  requireSuccess(rt, reward, "failed to check epoch baseline power");
  const baseline = rt.returned<ThisEpochRewardReturn>(reward.value).thisEpochBaselinePower;
  const power = rt.send(POWER, METHOD_POWER_CURRENT_TOTAL_POWER, EMPTY, Big.ZERO);
  requireSuccess(rt, power, "failed to check current power");
  const total = rt.returned<CurrentTotalPowerReturn>(power.value);
  return new NetworkFigures(total.rawBytePower, total.qualityAdjPower, baseline);
}

function dataCap(rt: Runtime, method: u64, client: Address, size: u64): SendResult {
  const params = new VerifiedBytesParams();
  params.address = client;
  params.dealSize = Big.fromU64(size);
  return rt.send(VERIFIED_REGISTRY, method, rt.encode(params), Big.ZERO);
}

/** Takes the size of a verified deal from its client's data cap. */
export function useBytes(rt: Runtime, client: Address, size: u64): void {
  requireSuccess(rt, dataCap(rt, METHOD_VERIFREG_USE_BYTES, client, size), "failed to use data cap of a client");
}

/** Gives the size of a verified deal back; a failure is nobody's concern. */
export function restoreBytes(rt: Runtime, client: Address, size: u64): void {
  dataCap(rt, METHOD_VERIFREG_RESTORE_BYTES, client, size);
}

export function payOut(rt: Runtime, recipient: Address, amount: Big): void {
  requireSuccess(rt, rt.send(recipient, METHOD_SEND, EMPTY, amount), "failed to send funds");
}

export function burn(rt: Runtime, amount: Big): void {
  requireSuccess(rt, rt.send(BURNT_FUNDS, METHOD_SEND, EMPTY, amount), "failed to burn funds");
}
