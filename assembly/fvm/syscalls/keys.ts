/** Keys behind addresses. Source: ref-fvm v2.12.1 fvm/src/kernel/default.rs (resolve_to_key_addr). */
import { Bytes } from "../../base/bytes";
import { CborReader } from "../../ipld/cbor-reader";
import { Address, PROTOCOL_BLS, PROTOCOL_SECP256K1, readAddress } from "../../types/address";
import { blockOf } from "../../vm/block-store";
import { Actor, ANY_ADDRESS } from "../actor";
import { DONE, FATAL, ILLEGAL_ARGUMENT, NOT_FOUND, OUT_OF_GAS } from "../errors";
import * as guest from "./guest";

/** What `findKey` found. */
export let keyFound: Address = Address.UNDEF;

/** The key behind an address, of the second generation: an account's state is opened for it, with or without charge. */
export function findKey(address: Address, charged: bool): i32 {
  const ctx = guest.ctx;
  keyFound = address;
  if (address.protocol == PROTOCOL_BLS || address.protocol == PROTOCOL_SECP256K1) return DONE;
  const id = ctx.tree.resolve(address);
  const actor: Actor | null = id < 0 ? null : ctx.tree.get(<u64>id);
  if (actor === null) return NOT_FOUND;
  if (!ctx.manifest.is(actor.code, "account")) return ILLEGAL_ARGUMENT;
  if (charged && !guest.charge(ctx.prices.blockOpen)) return OUT_OF_GAS;
  const state: Bytes = blockOf(actor.head);
  if (charged && !guest.charge(ctx.prices.blockOpenPerByte * <i64>state.length)) return OUT_OF_GAS;
  const r = new CborReader(state, ANY_ADDRESS);
  r.tuple(1);
  keyFound = readAddress(r);
  return r.ok ? DONE : FATAL;
}
