/** State that a call is to find otherwise: by address balance, nonce, code, all of the storage, or some slots of it. */
import type { ActorEdit } from "../../exec/edits.ts";
import { type Codec, expected } from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { data, ethAddress, hash, quantity } from "./codecs.ts";

/** Addresses, and slots of each, that a call may have otherwise. */
const MAX_ADDRESSES = 1000;
const MAX_SLOTS = 10_000;
const FIELDS = ["balance", "nonce", "code", "state", "stateDiff"];

export const overrides: Codec<readonly ActorEdit[], unknown> = {
  schema: { title: "StateOverrides", type: "object", additionalProperties: { type: "object" } },
  nullable: true,
  decode: (json, path) => {
    if (json === undefined || json === null) return [];
    const entries = Object.entries(recordOf(json, path));
    if (entries.length > MAX_ADDRESSES) badParams(`${path}: at most ${MAX_ADDRESSES} addresses`);
    return entries.map(([address, given]) => editOf(address, recordOf(given, `${path}.${address}`), path));
  },
  encode: (value) => value,
};

function recordOf(json: unknown, path: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  return expected(path, "object", json);
}

function editOf(address: string, given: Record<string, unknown>, path: string): ActorEdit {
  const at = `${path}.${address}`;
  const unknown = Object.keys(given).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) badParams(`${at}: ${unknown} cannot be overridden; ${FIELDS.join(", ")} can`);
  const { balance, nonce, code, state, stateDiff } = given;
  if (state != null && stateDiff != null) badParams(`${at}: all of the storage (state), or some of it (stateDiff)`);
  const slots = state ?? stateDiff;
  return {
    address: ethAddress.decode(address, path).bytes,
    ...(balance == null ? {} : { balance: quantity().decode(balance, `${at}.balance`) }),
    ...(nonce == null ? {} : { nonce: quantity(64).decode(nonce, `${at}.nonce`) }),
    ...(code == null ? {} : { code: data().decode(code, `${at}.code`) }),
    ...(slots == null ? {} : { storage: { isWhole: state != null, slots: slotsOf(slots, `${at}.state`) } }),
  };
}

function slotsOf(json: unknown, path: string): [Uint8Array, Uint8Array][] {
  const entries = Object.entries(recordOf(json, path));
  if (entries.length > MAX_SLOTS) badParams(`${path}: at most ${MAX_SLOTS} slots`);
  return entries.map(([key, value]) => [hash.decode(key, path), hash.decode(value, `${path}.${key}`)]);
}
