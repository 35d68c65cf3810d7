/** Names of scenarios: those of accounts and miners, and those that steps give. */
import type { DevAccount } from "../node/accounts.ts";
import { Address } from "../types/address.ts";

/** "alice", "alice-bls", "miner", "miner/1", or an address in text. Throws for anything else. */
export function partyOf(name: string, accounts: readonly DevAccount[], miners: readonly Address[]): Address {
  const [, base, bls] = /^(\w+?)(-bls)?$/.exec(name) ?? [];
  const account = accounts.find((one) => one.name === base);
  if (account !== undefined) return bls === undefined ? account.secp256k1 : account.bls;
  const [isMiner, index = "0"] = /^miner(?:\/(\d{1,3}))?$/.exec(name) ?? [];
  const miner = isMiner === undefined ? undefined : miners[Number(index)];
  if (miner !== undefined) return miner;
  if (/^[ft]\d/.test(name)) return Address.parse(name);
  throw new Error(`${name} is no account or miner of this network, and no address`);
}

/** What a step has given a name. Throws with the names that there are. */
export function known<T>(names: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = names.get(name);
  if (found !== undefined) return found;
  const all = [...names.keys()];
  throw new Error(`no step has named a ${kind} ${name}${all.length === 0 ? "" : `; there are ${all.join(", ")}`}`);
}
