/** What the power actor sends to others. */
import { Big } from "../../base/big";
import { Bytes } from "../../base/bytes";
import { builtinCode } from "../../runtime/actor";
import { requireSuccess } from "../../runtime/builtin";
import { Runtime } from "../../runtime/runtime";
import { ConfirmSectorProofsParams, MinerConstructorParams } from "../../runtime/shared.gen";
import { Address } from "../../types/address";
import { Amount } from "../../types/codec";
import { INIT, REWARD } from "../../types/singletons";
import { ExecParams, ExecReturn } from "../init/codec.gen";

const METHOD_INIT_EXEC: u64 = 2;
const METHOD_REWARD_UPDATE_NETWORK_KPI: u64 = 4;
const METHOD_MINER_ON_DEFERRED_CRON_EVENT: u64 = 12;
const METHOD_MINER_CONFIRM_SECTOR_PROOFS_VALID: u64 = 17;

/** Has the init actor make a miner, handing on the value received. */
export function makeMiner(rt: Runtime, constructor: MinerConstructorParams): ExecReturn {
  const params = new ExecParams();
  params.codeCID = builtinCode(rt.actorsVersion, "storageminer");
  params.constructorParams = rt.encode(constructor);
  const sent = rt.send(INIT, METHOD_INIT_EXEC, rt.encode(params), rt.valueReceived);
  requireSuccess(rt, sent, "failed to init new actor");
  return rt.returned<ExecReturn>(sent.value);
}

/** Exit code of a miner's callback. */
export function callBack(rt: Runtime, miner: Address, payload: Bytes): i32 {
  return rt.send(miner, METHOD_MINER_ON_DEFERRED_CRON_EVENT, payload, Big.ZERO).code;
}

/** Tells a miner whose proofs are good; whether he can use it is his matter. */
export function confirmProofs(rt: Runtime, miner: Address, sectors: Array<u64>): void {
  const params = new ConfirmSectorProofsParams();
  params.sectors = sectors;
  rt.send(miner, METHOD_MINER_CONFIRM_SECTOR_PROOFS_VALID, rt.encode(params), Big.ZERO);
}

export function updateNetworkKpi(rt: Runtime, realizedPower: Big): void {
  const sent = rt.send(REWARD, METHOD_REWARD_UPDATE_NETWORK_KPI, rt.encode(Amount.of(realizedPower)), Big.ZERO);
  requireSuccess(rt, sent, "failed to update network KPI with reward actor");
}
