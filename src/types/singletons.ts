/**
 * Addresses of the actors that every network has from its genesis on. The core's own: `assembly/types/singletons.ts`.
 * Sources: specs-actors builtin/singletons.go (v2.1.0); builtin-actors v18.0.0 runtime/src/builtin/singletons.rs; lotus at b835fab702eb build/buildconstants/params_shared_vals.go (reserve).
 */
import { Address } from "./address.ts";

export const SYSTEM = Address.id(0);
export const INIT = Address.id(1);
export const REWARD = Address.id(2);
export const CRON = Address.id(3);
export const POWER = Address.id(4);
export const MARKET = Address.id(5);
export const VERIFIED_REGISTRY = Address.id(6);
/** Tokens of verified registries, from actors v9 on, and the manager of Ethereum's addresses, from v10 on. */
export const DATACAP = Address.id(7);
export const EAM = Address.id(10);
/** Holds what was not given out at genesis. */
export const RESERVE = Address.id(90);
/** Its balance is lost: burnt fees and penalties. */
export const BURNT_FUNDS = Address.id(99);
/** Ids from here on are given out by the init actor. */
export const FIRST_NON_SINGLETON_ID = 100;
