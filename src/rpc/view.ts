/**
 * States of a tipset, and the errors of looking things up in them.
 *
 * As in the reference, a tipset's state is the one before its messages, which its headers commit to: what they change shows
 * in the next tipset. Only the message pool looks at the state after the head.
 * Source: lotus chain/stmgr/read.go at b835fab702eb.
 */
import { StateError, type StateView } from "../state/state-view.ts";
import type { Address } from "../types/address.ts";
import type { TipsetKey } from "./codec/chain-types.ts";
import { RPC_CODE, RpcError } from "./errors.ts";
import type { NodeServices } from "./services.ts";

/** The state before a tipset, by key; none means the head. */
export async function viewAt(node: NodeServices, key: TipsetKey): Promise<StateView> {
  return node.states.stateBefore(await node.chain.tipset(key));
}

/** Public-key address of an account, also of one that the tipset makes. */
export async function keyAt(node: NodeServices, address: Address, key: TipsetKey): Promise<Address> {
  const tipset = await node.chain.tipset(key);
  return orNotFound(node.states.accountKey(address, tipset)).catch((error: unknown) => {
    if (!(error instanceof StateError && error.code === "NOT_AN_ACCOUNT")) throw error;
    throw new RpcError(RPC_CODE.untyped, `${address.toString(node.network.prefix)} is not an account actor`);
  });
}

/** Turns "no such actor" into the network's error. */
export async function orNotFound<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StateError && error.code === "ACTOR_NOT_FOUND")
      throw new RpcError(RPC_CODE.actorNotFound, "actor not found");
    throw error;
  }
}

/** ID address of any address, in the state of a tipset. */
export async function idAt(node: NodeServices, address: Address, key: TipsetKey): Promise<Address> {
  return orNotFound((await viewAt(node, key)).requireId(address));
}
