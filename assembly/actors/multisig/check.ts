/** Invariants of a multisig wallet. */
import { CheckContext } from "../../runtime/check";
import { MapOf, parseIntKey } from "../../runtime/collections";
import { MultisigState, Transaction } from "./codec.gen";
import { MAX_SIGNERS } from "./policy";
import { isSigner } from "./state";

export function checkMultisig(st: MultisigState, at: CheckContext): void {
  const limitsSigners = at.version.multisigLimitsSigners;
  const count = st.signers.length;
  at.that(!limitsSigners || count <= MAX_SIGNERS, count.toString() + " signers are too many");
  at.that(count > 0, "there is no signer");
  at.that(<u64>count >= st.numApprovalsThreshold, "fewer signers than approvals needed");
  for (let i = 0; i < count; i++) {
    at.that(st.signers[i].isId, "signer " + i.toString() + " is not an ID address");
    for (let j = 0; j < i; j++) at.that(!st.signers[i].eq(st.signers[j]), "signer " + i.toString() + " occurs twice");
  }
  // An amount without a duration locks nothing; wallets of the main network's genesis have one.
  at.that(st.unlockDuration >= 0, "the unlock duration is negative");
  checkPending(st, at);
}

function checkPending(st: MultisigState, at: CheckContext): void {
  // v0 keeps the approvals of signers that were removed.
  const approversAreSigners = at.version.multisigPurgesApprovals;
  const cursor = MapOf.load<Transaction>(at, st.pendingTxns).cursor();
  while (cursor.next()) {
    const id = parseIntKey(cursor.key);
    const name = "transaction " + id.toString();
    const transaction = cursor.value();
    at.that(id < st.nextTxnID, name + " has an id not given out yet");
    at.that(transaction.approved.length > 0, name + " has no approval");
    for (let i = 0; i < transaction.approved.length; i++) {
      const approver = transaction.approved[i];
      at.that(!approversAreSigners || isSigner(st, approver), name + " is approved by someone who is no signer");
      for (let j = 0; j < i; j++) at.that(!approver.eq(transaction.approved[j]), name + " is approved twice by one");
    }
  }
}
