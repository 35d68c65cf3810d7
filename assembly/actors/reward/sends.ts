/** What the reward actor sends to others. */
import { Big } from "../../base/big";
import { EMPTY } from "../../base/bytes";
import { METHOD_SEND } from "../../runtime/builtin";
import { Runtime, SendResult } from "../../runtime/runtime";
import { ApplyRewardParams } from "../../runtime/shared.gen";
import { Address } from "../../types/address";
import { Amount } from "../../types/codec";
import { BURNT_FUNDS } from "../../types/singletons";

/** AddLockedFund in actors v0, ApplyRewards in v2. */
const METHOD_MINER_REWARD: u64 = 14;

export function burn(rt: Runtime, amount: Big): SendResult {
  return rt.send(BURNT_FUNDS, METHOD_SEND, EMPTY, amount);
}

/** Pays a miner; v2 also tells him his penalty. */
export function payMiner(rt: Runtime, miner: Address, amount: Big, penalty: Big): SendResult {
  if (!rt.version.minerAppliesPenalty) return rt.send(miner, METHOD_MINER_REWARD, rt.encode(Amount.of(amount)), amount);
  const params = new ApplyRewardParams();
  params.reward = amount;
  params.penalty = penalty;
  return rt.send(miner, METHOD_MINER_REWARD, rt.encode(params), amount);
}
