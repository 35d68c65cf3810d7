/**
 * Multisig wallet: signers propose messages, and a message is sent once enough of them have approved it.
 *
 * Methods 5 to 9 change the wallet itself and can be called by itself only, that is, through a proposal.
 * A failed proposal is removed from the pending ones like a successful one; its exit code is part of the return value.
 * Exits: 16 illegal argument, 17 no such transaction, 18 not a signer or not allowed, 19 locked or missing funds.
 * Source: specs-actors builtin/multisig, v0.9.12 and v2.1.0.
 */
import { ActorDef } from "../../runtime/actor";
import { approve, cancel, propose } from "./methods/proposals";
import { addSigner, changeThreshold, construct, lockBalance, removeSigner, swapSigner } from "./methods/wallet";

export function multisigActor(): ActorDef {
  return new ActorDef("multisig")
    .method(1, "Constructor", construct)
    .method(2, "Propose", propose)
    .method(3, "Approve", approve)
    .method(4, "Cancel", cancel)
    .method(5, "AddSigner", addSigner)
    .method(6, "RemoveSigner", removeSigner)
    .method(7, "SwapSigner", swapSigner)
    .method(8, "ChangeNumApprovalsThreshold", changeThreshold)
    .method(9, "LockBalance", lockBalance);
}
