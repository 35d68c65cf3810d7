/** Methods 2 to 4: propose, approve, cancel. */
import { Bytes, EMPTY, equal } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { signableTypes } from "../../../runtime/builtin";
import { intKey, MapOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { Address } from "../../../types/address";
import {
  ERR_FORBIDDEN,
  ERR_ILLEGAL_ARGUMENT,
  ERR_ILLEGAL_STATE,
  ERR_INSUFFICIENT_FUNDS,
  ERR_NOT_FOUND,
} from "../../../types/exit-code";
import { ApproveReturn, MultisigState, ProposeParams, ProposeReturn, Transaction, TxnIDParams } from "../codec.gen";
import { indexOf, isAvailable, isSigner, proposalHash } from "../state";

/** What became of a transaction that was looked at. */
@final
class Outcome {
  constructor(
    readonly applied: bool,
    readonly code: i32,
    readonly value: Bytes,
  ) {}
}

/** Records a message and the proposer's approval of it. Allowed: accounts and multisigs that are signers. */
export function propose(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ProposeParams>(params);
  rt.allowTypes(signableTypes());
  const proposer = rt.caller;
  rt.require(!p.value.negative, ERR_ILLEGAL_ARGUMENT, "proposed value must be non-negative");

  const st = rt.begin<MultisigState>();
  rt.require(isSigner(st, proposer), ERR_FORBIDDEN, "caller is not a signer");
  const pending = MapOf.load<Transaction>(rt, st.pendingTxns);
  const id = st.nextTxnID;
  st.nextTxnID = id + 1;
  const transaction = new Transaction();
  transaction.to = p.to;
  transaction.value = p.value;
  transaction.method = p.method;
  transaction.params = p.params;
  pending.put(intKey(id), transaction);
  st.pendingTxns = pending.root();
  rt.commit(st);

  const outcome = approveTransaction(rt, id, transaction);
  const result = new ProposeReturn();
  result.txnID = id;
  result.applied = outcome.applied;
  result.code = outcome.code;
  result.ret = outcome.value;
  return rt.encode(result);
}

/** Adds an approval; sends the message if that is enough. Allowed: signers. */
export function approve(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<TxnIDParams>(params);
  rt.allowTypes(signableTypes());
  const caller = rt.caller;

  const st = rt.begin<MultisigState>();
  rt.require(isSigner(st, caller), ERR_FORBIDDEN, "caller is not a signer");
  const transaction = findTransaction(rt, MapOf.load<Transaction>(rt, st.pendingTxns), p.id);
  const hash = proposalHash(rt, transaction);
  const matches = p.proposalHash.length == 0 || equal(p.proposalHash, hash);
  rt.require(matches, ERR_ILLEGAL_ARGUMENT, "hash does not match proposal");
  rt.commit(st);

  // A lowered threshold may have been met already: then nothing is added, not even by an earlier approver.
  let outcome = executeIfApproved(rt, st, p.id, transaction);
  if (!outcome.applied) outcome = approveTransaction(rt, p.id, transaction);
  const result = new ApproveReturn();
  result.applied = outcome.applied;
  result.code = outcome.code;
  result.ret = outcome.value;
  return rt.encode(result);
}

/** Withdraws a proposal. Allowed: its proposer, as long as he is a signer. */
export function cancel(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<TxnIDParams>(params);
  rt.allowTypes(signableTypes());
  const caller = rt.caller;

  const st = rt.begin<MultisigState>();
  rt.require(isSigner(st, caller), ERR_FORBIDDEN, "caller is not a signer");
  const pending = MapOf.load<Transaction>(rt, st.pendingTxns);
  const transaction = findTransaction(rt, pending, p.id);
  rt.invariant(transaction.approved.length > 0, "transaction without a proposer");
  rt.require(transaction.approved[0].eq(caller), ERR_FORBIDDEN, "cannot cancel another signer's transaction");
  const hash = proposalHash(rt, transaction);
  // Not the code that Approve gives for the same mistake.
  const matches = p.proposalHash.length == 0 || equal(p.proposalHash, hash);
  rt.require(matches, ERR_ILLEGAL_STATE, "hash does not match proposal");
  rt.require(pending.delete(intKey(p.id)), ERR_ILLEGAL_STATE, "failed to delete pending transaction");
  st.pendingTxns = pending.root();
  rt.commit(st);
  return NOTHING;
}

function findTransaction(rt: Runtime, pending: MapOf<Transaction>, id: i64): Transaction {
  const transaction = pending.get(intKey(id));
  if (transaction === null) {
    rt.abort(ERR_NOT_FOUND, "no such transaction");
    return new Transaction();
  }
  return transaction;
}

function approveTransaction(rt: Runtime, id: i64, transaction: Transaction): Outcome {
  const caller: Address = rt.caller;
  rt.require(indexOf(transaction.approved, caller) < 0, ERR_FORBIDDEN, "caller already approved this message");

  const st = rt.begin<MultisigState>();
  const pending = MapOf.load<Transaction>(rt, st.pendingTxns);
  transaction.approved.push(caller);
  pending.put(intKey(id), transaction);
  st.pendingTxns = pending.root();
  rt.commit(st);
  return executeIfApproved(rt, st, id, transaction);
}

function executeIfApproved(rt: Runtime, st: MultisigState, id: i64, transaction: Transaction): Outcome {
  if (<u64>transaction.approved.length < st.numApprovalsThreshold) return new Outcome(false, 0, EMPTY);
  const available = isAvailable(st, rt.currentBalance(), transaction.value, rt);
  rt.require(available, ERR_INSUFFICIENT_FUNDS, "insufficient funds unlocked");

  const sent = rt.send(transaction.to, transaction.method, transaction.params, transaction.value);

  // The message may have changed this wallet, so the state is read again.
  const after = rt.begin<MultisigState>();
  const pending = MapOf.load<Transaction>(rt, after.pendingTxns);
  rt.require(pending.delete(intKey(id)), ERR_ILLEGAL_STATE, "failed to delete transaction for cleanup");
  after.pendingTxns = pending.root();
  rt.commit(after);
  return new Outcome(true, sent.code, sent.ok ? sent.value : EMPTY);
}
