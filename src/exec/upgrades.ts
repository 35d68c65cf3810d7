/**
 * Changes of the state itself at the epochs of network upgrades, by name: a tipset's rules name them, so that they cross
 * to a worker as data and run where the tipset runs.
 */
import { Vm } from "../core/vm.ts";
import { codeSwap } from "./code-swap.ts";
import type { Migration } from "./migration.ts";

/** From actors v0 to v2, after the last epoch under v0 (138,720 on the main network). */
const actorsV2: Migration = async (root, epoch, blocks, options) => {
  const world = {
    peek: blocks.peek,
    ticketRandomness: noRandomness,
    beaconRandomness: noRandomness,
    verifyPoSt: () => false,
    verifySeal: () => false,
  };
  const vm = await Vm.create(world, options);
  const upgraded = vm.upgradeActorsV2(root, epoch);
  for (const block of vm.madeBlocks()) blocks.put(block);
  return upgraded;
};

export const MIGRATIONS = {
  "actors-v2": actorsV2,
  "actors-v9": codeSwap(9),
  "actors-v10": codeSwap(10),
  "actors-v11": codeSwap(11),
  "actors-v12": codeSwap(12),
  "actors-v13": codeSwap(13),
  "actors-v14": codeSwap(14),
  "actors-v15": codeSwap(15),
  "actors-v16": codeSwap(16),
  "actors-v17": codeSwap(17),
  "actors-v18": codeSwap(18),
} as const satisfies Readonly<Record<string, Migration>>;

export type UpgradeName = keyof typeof MIGRATIONS;

/** Name of the migration to an actors version. Throws `RangeError` where it is not built: without it the actors would stay as they are. */
export function upgradeTo(actorsVersion: number): UpgradeName {
  const name = `actors-v${actorsVersion}`;
  if (!(name in MIGRATIONS)) throw new RangeError(`no upgrade to actors v${actorsVersion} is built`);
  return name as UpgradeName;
}

function noRandomness(): never {
  throw new Error("an upgrade draws no randomness");
}
