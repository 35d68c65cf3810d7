/**
 * Operations on a multisig's state: signers, the linear lock, the pending transactions.
 *
 * Of an amount A locked at epoch s for d epochs, at epoch e the part
 *     v0: floor(A / d) (d - (e - s))         v2: ceil(A (d - (e - s)) / d)
 * is still locked while 0 <= e - s < d.
 */
import { Big } from "../../base/big";
import { Bytes } from "../../base/bytes";
import { MapOf } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";
import { MultisigState, ProposalHashData, Transaction } from "./codec.gen";
import { NetworkVersion } from "../../runtime/versions.gen";

export function isSigner(st: MultisigState, address: Address): bool {
  return indexOf(st.signers, address) >= 0;
}

export function indexOf(addresses: Array<Address>, wanted: Address): i32 {
  for (let i = 0; i < addresses.length; i++) if (addresses[i].eq(wanted)) return i;
  return -1;
}

/** `addresses` without `unwanted`, order kept. */
export function without(addresses: Array<Address>, unwanted: Address): Array<Address> {
  const rest: Array<Address> = [];
  for (let i = 0; i < addresses.length; i++) if (!addresses[i].eq(unwanted)) rest.push(addresses[i]);
  return rest;
}

export function setLocked(st: MultisigState, startEpoch: i64, unlockDuration: i64, amount: Big): void {
  st.startEpoch = startEpoch;
  st.unlockDuration = unlockDuration;
  st.initialBalance = amount;
}

/** attoFIL still locked, `elapsed` epochs after the start. */
export function amountLocked(st: MultisigState, elapsed: i64, version: NetworkVersion): Big {
  if (elapsed >= st.unlockDuration) return Big.ZERO;
  const roundsUp = version.multisigRoundsUp;
  if (elapsed < 0 || (roundsUp && elapsed == 0)) return st.initialBalance;
  const duration = Big.fromI64(st.unlockDuration);
  const remaining = duration.sub(Big.fromI64(elapsed));
  if (!roundsUp) return st.initialBalance.div(duration).mul(remaining);
  const numerator = st.initialBalance.mul(remaining);
  const locked = numerator.div(duration);
  return numerator.mod(duration).isZero ? locked : locked.add(Big.ONE);
}

/** True if `amount` may leave a wallet that holds `balance`. */
export function isAvailable(st: MultisigState, balance: Big, amount: Big, rt: Runtime): bool {
  if (amount.negative || balance.lt(amount)) return false;
  if (rt.version.multisigPassesZero && amount.isZero) return true;
  return balance.sub(amount).ge(amountLocked(st, rt.epoch - st.startEpoch, rt.version));
}

/** Takes `address` out of every list of approvals, and drops transactions that are left without any (actors v2). */
export function purgeApprovals(st: MultisigState, rt: Runtime, address: Address): void {
  const pending = MapOf.load<Transaction>(rt, st.pendingTxns);
  const keys: Array<Bytes> = [];
  const changed: Array<Transaction> = [];
  const cursor = pending.cursor();
  while (cursor.next()) {
    const transaction = cursor.value();
    if (indexOf(transaction.approved, address) < 0) continue;
    keys.push(cursor.key);
    changed.push(transaction);
  }
  for (let i = 0; i < keys.length; i++) {
    const transaction = changed[i];
    transaction.approved = without(transaction.approved, address);
    if (transaction.approved.length > 0) pending.put(keys[i], transaction);
    else pending.delete(keys[i]);
  }
  st.pendingTxns = pending.root();
}

/** Hash by which an approver names a proposal; charged. Traps on a transaction without a proposer. */
export function proposalHash(rt: Runtime, transaction: Transaction): Bytes {
  rt.invariant(transaction.approved.length > 0, "transaction without a proposer");
  const data = new ProposalHashData();
  data.requester = transaction.approved[0];
  data.to = transaction.to;
  data.value = transaction.value;
  data.method = transaction.method;
  data.params = transaction.params;
  return rt.hashBlake2b(rt.encode(data));
}
