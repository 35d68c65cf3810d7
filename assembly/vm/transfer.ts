/**
 * Moving value between actors.
 *
 * The order of the checks is consensus: a transfer to oneself ends before a negative amount or a lack of funds is
 * noticed. Source: lotus v1.0.0 chain/vm/vm.go (transfer).
 */
import { endRun } from "../abi/engine";
import { Big } from "../base/big";
import { Address } from "../types/address";
import { OK, SYS_FORBIDDEN, SYS_INSUFFICIENT_FUNDS } from "../types/exit-code";
import { copyOf, StateTree } from "./state-tree";

/** Moves `amount` and returns 0, or the exit code. Both actors must exist, else there is no receipt. */
export function transfer(tree: StateTree, from: Address, to: Address, amount: Big): i32 {
  if (from.eq(to)) return OK;
  const fromId = tree.resolve(from);
  const toId = tree.resolve(to);
  if (fromId < 0 || toId < 0) endRun("transfer from or to an address that does not resolve");
  if (fromId == toId) return OK;
  if (amount.negative) return SYS_FORBIDDEN;
  const sender = tree.get(<u64>fromId);
  const receiver = tree.get(<u64>toId);
  if (sender === null || receiver === null) {
    endRun("transfer from or to an actor that does not exist");
    return SYS_FORBIDDEN;
  }
  if (sender.balance.lt(amount)) return SYS_INSUFFICIENT_FUNDS;
  const poorer = copyOf(sender);
  poorer.balance = sender.balance.sub(amount);
  const richer = copyOf(receiver);
  richer.balance = receiver.balance.add(amount);
  tree.set(<u64>fromId, poorer);
  tree.set(<u64>toId, richer);
  return OK;
}
