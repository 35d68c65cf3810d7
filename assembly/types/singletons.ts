/** Addresses of the actors made at genesis. Source: specs-actors builtin/singletons.go. */
import { Address } from "./address";

export const SYSTEM_ID: u64 = 0;
export const INIT_ID: u64 = 1;
export const REWARD_ID: u64 = 2;
export const CRON_ID: u64 = 3;
export const POWER_ID: u64 = 4;
export const MARKET_ID: u64 = 5;
export const VERIFIED_REGISTRY_ID: u64 = 6;
export const DATACAP_ID: u64 = 7;
export const EAM_ID: u64 = 10;
export const CHAOS_ID: u64 = 98;
export const BURNT_FUNDS_ID: u64 = 99;
/** Ids from here on are given out by the init actor. */
export const FIRST_NON_SINGLETON_ID: u64 = 100;

export const SYSTEM: Address = Address.id(SYSTEM_ID);
export const INIT: Address = Address.id(INIT_ID);
export const REWARD: Address = Address.id(REWARD_ID);
export const CRON: Address = Address.id(CRON_ID);
export const POWER: Address = Address.id(POWER_ID);
export const MARKET: Address = Address.id(MARKET_ID);
export const VERIFIED_REGISTRY: Address = Address.id(VERIFIED_REGISTRY_ID);
export const BURNT_FUNDS: Address = Address.id(BURNT_FUNDS_ID);
