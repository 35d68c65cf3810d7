/** Every described module, in the order of the floors. Adding an actor adds a line in both lists. */
import { account } from "./actors/account.ts";
import { chaos } from "./actors/chaos.ts";
import { cron } from "./actors/cron.ts";
import { init } from "./actors/init.ts";
import { market } from "./actors/market.ts";
import { miner } from "./actors/miner.ts";
import { multisig } from "./actors/multisig.ts";
import { paych } from "./actors/paych.ts";
import { power } from "./actors/power.ts";
import { reward } from "./actors/reward.ts";
import { sharedTypes } from "./actors/shared.ts";
import { system } from "./actors/system.ts";
import { verifreg } from "./actors/verifreg.ts";
import { chainTypes } from "./chain.ts";
import type { ActorDescription, SchemaModule } from "./kit.ts";
import { proofTypes } from "./proof.ts";
import { publishedDatacap } from "./published/datacap.ts";
import { publishedMarket } from "./published/market.ts";
import { publishedMiner } from "./published/miner.ts";
import { publishedPower } from "./published/power.ts";
import { publishedVerifreg } from "./published/verifreg.ts";
import type { ActorsVersion } from "./versions/rows.ts";

export const ACTORS: readonly ActorDescription[] = [
  account,
  cron,
  init,
  market,
  miner,
  multisig,
  paych,
  power,
  reward,
  system,
  verifreg,
];

/** Published actors, v8 to v18, whose state or methods are not those of the native machine. No code is made of them. */
export const PUBLISHED_ACTORS: readonly ActorDescription[] = [
  publishedDatacap,
  publishedMarket,
  publishedMiner,
  publishedPower,
  publishedVerifreg,
];

/** Actors versions whose state, methods and parameters are described. */
export const DESCRIBED_ACTORS: readonly ActorsVersion[] = [0, 2];

/** Actors of test builds. */
const TEST_ACTORS: readonly ActorDescription[] = [chaos];

export const SCHEMA_MODULES: readonly SchemaModule[] = [
  chainTypes,
  proofTypes,
  sharedTypes,
  ...ACTORS.map((actor) => actor.module),
  ...TEST_ACTORS.map((actor) => actor.module),
];
