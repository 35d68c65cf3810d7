/**
 * What several actors do in the same way: resolving addresses to ids, asking a miner who controls it, and the policy
 * that depends on the seal proof type. Source: specs-actors builtin/shared.go, sector.go, network.go.
 */
import { Big } from "../base/big";
import { EMPTY } from "../base/bytes";
import { Address } from "../types/address";
import { ERR_ILLEGAL_STATE } from "../types/exit-code";
import { Runtime, SendResult } from "./runtime";
import { MinerAddrs } from "./shared.gen";

/** Plain transfer of funds. */
export const METHOD_SEND: u64 = 0;
export const METHOD_CONSTRUCTOR: u64 = 1;

/** Seconds; fixed by consensus. */
export const EPOCH_DURATION_SECONDS: i64 = 30;
export const EPOCHS_IN_HOUR: i64 = 3600 / EPOCH_DURATION_SECONDS;
export const EPOCHS_IN_DAY: i64 = 24 * EPOCHS_IN_HOUR;
/** 365 days. */
export const EPOCHS_IN_YEAR: i64 = 365 * EPOCHS_IN_DAY;

/** Expected winners of an epoch, over which its reward is spread. */
export const EXPECTED_LEADERS_PER_EPOCH: i64 = 5;

/** attoFIL in one FIL. */
export const TOKEN_PRECISION: Big = Big.fromU64(1000000000000000000);

/** Callers that stand for people: accounts and multisigs. */
export function signableTypes(): Array<string> {
  return ["account", "multisig"];
}

/** Ends the method with the exit code of a failed send. */
export function requireSuccess(rt: Runtime, result: SendResult, why: string): void {
  if (!result.ok) rt.abort(result.code, why);
}

/**
 * The ID address of `address`. An address not seen yet is made known by sending it nothing, which creates an account
 * for a key address. If that send fails the method ends with `sendFailed`, or with the send's own code if that is 0;
 * if the address stays unknown it ends with `otherwise`.
 */
export function resolveToId(
  rt: Runtime,
  address: Address,
  otherwise: i32 = ERR_ILLEGAL_STATE,
  sendFailed: i32 = 0,
): Address {
  const known = rt.resolveAddress(address);
  if (known !== null) return known;
  const sent = rt.send(address, METHOD_SEND, EMPTY, Big.ZERO);
  if (!sent.ok) rt.abort(sendFailed != 0 ? sendFailed : sent.code, "failed to send zero balance to an unknown address");
  const made = rt.resolveAddress(address);
  if (made === null) {
    rt.abort(otherwise, "address does not resolve even after a send");
    return address;
  }
  return made;
}

/** Owner, worker and control addresses of a miner; ends with the miner's exit code if it fails. */
export function requestMinerAddrs(rt: Runtime, miner: Address): MinerAddrs {
  const METHOD_CONTROL_ADDRESSES: u64 = 2;
  const sent = rt.send(miner, METHOD_CONTROL_ADDRESSES, EMPTY, Big.ZERO);
  requireSuccess(rt, sent, "failed fetching control addresses");
  return rt.returned<MinerAddrs>(sent.value);
}
