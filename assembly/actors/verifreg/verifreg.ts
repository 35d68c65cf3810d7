/**
 * Verified registry: a root key appoints verifiers, verifiers grant data cap to clients, the market uses it up.
 *
 * Both tables map an address to a data cap in bytes. v0 keys them by the address as given, v2 by its ID address (which
 * may create an account). No address may be root key, verifier and client at once.
 * Exits: 16 illegal argument, 17 no such verifier or client, 20 a verifier to remove is not there.
 * Source: specs-actors builtin/verifreg, v0.9.12 and v2.1.0.
 */
import { Big } from "../../base/big";
import { Bytes } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { resolveToId } from "../../runtime/builtin";
import { addressKey, MapOf } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { VerifiedBytesParams } from "../../runtime/shared.gen";
import { Address } from "../../types/address";
import { AddressItem, Amount } from "../../types/codec";
import { ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE, ERR_NOT_FOUND } from "../../types/exit-code";
import { MARKET, SYSTEM } from "../../types/singletons";
import { AddVerifiedClientParams, AddVerifierParams, VerifregState } from "./codec.gen";

export function verifregActor(): ActorDef {
  return new ActorDef("verifiedregistry")
    .asSingleton()
    .method(1, "Constructor", construct)
    .method(2, "AddVerifier", addVerifier)
    .method(3, "RemoveVerifier", removeVerifier)
    .method(4, "AddVerifiedClient", addVerifiedClient)
    .method(5, "UseBytes", useBytes)
    .method(6, "RestoreBytes", restoreBytes);
}

/** The address under which the tables know someone. */
function tableAddress(rt: Runtime, address: Address): Address {
  return rt.version.verifregKeysAreIds ? resolveToId(rt, address) : address;
}

/** The smallest verified deal, in bytes; no smaller data cap is granted or kept. */
function minDealSize(rt: Runtime): Big {
  return Big.fromU64(rt.profile.minVerifiedDealSize);
}

function requireDealSize(rt: Runtime, size: Big): void {
  rt.require(size.ge(minDealSize(rt)), ERR_ILLEGAL_ARGUMENT, "below the minimum verified deal size");
}

/** Allowed: the system. */
function construct(rt: Runtime, params: Bytes): Bytes {
  const rootKey = rt.params<AddressItem>(params).value;
  rt.allowOnly([SYSTEM]);
  const id = rt.resolveAddress(rootKey);
  if (id === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "root should be an ID address");
    return NOTHING;
  }
  const empty = MapOf.empty<Amount>(rt).root();
  const st = new VerifregState();
  st.rootKey = id;
  st.verifiers = empty;
  st.verifiedClients = empty;
  rt.create(st);
  return NOTHING;
}

/** Sets a verifier's data cap. Allowed: the root key. */
function addVerifier(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AddVerifierParams>(params);
  requireDealSize(rt, p.allowance);
  const verifier = tableAddress(rt, p.address);
  const seen = rt.state<VerifregState>();
  rt.allowOnly([seen.rootKey]);
  rt.require(!verifier.eq(seen.rootKey), ERR_ILLEGAL_ARGUMENT, "root key cannot be added as verifier");

  const st = rt.begin<VerifregState>();
  const verifiers = MapOf.load<Amount>(rt, st.verifiers);
  const clients = MapOf.load<Amount>(rt, st.verifiedClients);
  const isClient = clients.has(addressKey(verifier));
  rt.require(!isClient, ERR_ILLEGAL_ARGUMENT, "verified client cannot become a verifier");
  verifiers.put(addressKey(verifier), Amount.of(p.allowance));
  st.verifiers = verifiers.root();
  rt.commit(st);
  return NOTHING;
}

/** Allowed: the root key. */
function removeVerifier(rt: Runtime, params: Bytes): Bytes {
  const address = rt.params<AddressItem>(params).value;
  const verifier = tableAddress(rt, address);
  rt.allowOnly([rt.state<VerifregState>().rootKey]);

  const st = rt.begin<VerifregState>();
  const verifiers = MapOf.load<Amount>(rt, st.verifiers);
  rt.require(verifiers.delete(addressKey(verifier)), ERR_ILLEGAL_STATE, "failed to remove verifier");
  st.verifiers = verifiers.root();
  rt.commit(st);
  return NOTHING;
}

/** Grants data cap to a new client, out of the caller's. Allowed: verifiers. */
function addVerifiedClient(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AddVerifiedClientParams>(params);
  if (rt.version.verifregAllowsFirst) rt.allowAny();
  requireDealSize(rt, p.allowance);
  if (!rt.version.verifregAllowsFirst) rt.allowAny();
  const client = tableAddress(rt, p.address);
  const seen = rt.state<VerifregState>();
  rt.require(!seen.rootKey.eq(client), ERR_ILLEGAL_ARGUMENT, "root key cannot be added as a verified client");

  const st = rt.begin<VerifregState>();
  const verifiers = MapOf.load<Amount>(rt, st.verifiers);
  const clients = MapOf.load<Amount>(rt, st.verifiedClients);
  const verifierKey = addressKey(rt.caller);
  const clientKey = addressKey(client);
  const cap = verifiers.get(verifierKey);
  if (cap === null) {
    rt.abort(ERR_NOT_FOUND, "no such verifier");
    return NOTHING;
  }
  rt.require(!verifiers.has(clientKey), ERR_ILLEGAL_ARGUMENT, "verifier cannot be added as a verified client");
  rt.require(cap.value.ge(p.allowance), ERR_ILLEGAL_ARGUMENT, "more data cap than the verifier has");
  verifiers.put(verifierKey, Amount.of(cap.value.sub(p.allowance)));
  rt.require(!clients.has(clientKey), ERR_ILLEGAL_ARGUMENT, "verified client already exists");
  clients.put(clientKey, Amount.of(p.allowance));
  st.verifiers = verifiers.root();
  st.verifiedClients = clients.root();
  rt.commit(st);
  return NOTHING;
}

/** Takes a deal's size off a client's data cap; a rest too small for a deal is dropped. Allowed: the market. */
function useBytes(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<VerifiedBytesParams>(params);
  rt.allowOnly([MARKET]);
  const client = tableAddress(rt, p.address);
  requireDealSize(rt, p.dealSize);

  const st = rt.begin<VerifregState>();
  const clients = MapOf.load<Amount>(rt, st.verifiedClients);
  const key = addressKey(client);
  const cap = clients.get(key);
  if (cap === null) {
    rt.abort(ERR_NOT_FOUND, "no such verified client");
    return NOTHING;
  }
  rt.invariant(!cap.value.negative, "negative data cap");
  rt.require(p.dealSize.le(cap.value), ERR_ILLEGAL_ARGUMENT, "deal size exceeds the client's data cap");
  const rest = cap.value.sub(p.dealSize);
  if (rest.ge(minDealSize(rt))) clients.put(key, Amount.of(rest));
  else rt.require(clients.delete(key), ERR_ILLEGAL_STATE, "failed to delete verified client");
  st.verifiedClients = clients.root();
  rt.commit(st);
  return NOTHING;
}

/** Gives a client back the size of a deal that never started. Allowed: the market. */
function restoreBytes(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<VerifiedBytesParams>(params);
  rt.allowOnly([MARKET]);
  requireDealSize(rt, p.dealSize);
  const client = tableAddress(rt, p.address);
  const seen = rt.state<VerifregState>();
  rt.require(!seen.rootKey.eq(client), ERR_ILLEGAL_ARGUMENT, "cannot restore allowance for the root key");

  const st = rt.begin<VerifregState>();
  const clients = MapOf.load<Amount>(rt, st.verifiedClients);
  const verifiers = MapOf.load<Amount>(rt, st.verifiers);
  const key = addressKey(client);
  rt.require(!verifiers.has(key), ERR_ILLEGAL_ARGUMENT, "cannot restore allowance for a verifier");
  const cap = clients.get(key);
  const before = cap === null ? Big.ZERO : cap.value;
  clients.put(key, Amount.of(before.add(p.dealSize)));
  st.verifiedClients = clients.root();
  rt.commit(st);
  return NOTHING;
}
