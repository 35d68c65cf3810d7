/** Every described module, in the order of the floors. Adding an actor adds a line in both lists. */
import { account } from "./actors/account.ts";
import { init } from "./actors/init.ts";
import { chainTypes } from "./chain.ts";
import type { ActorDescription, SchemaModule } from "./kit.ts";

export const ACTORS: readonly ActorDescription[] = [account, init];

export const SCHEMA_MODULES: readonly SchemaModule[] = [chainTypes, ...ACTORS.map((actor) => actor.module)];
