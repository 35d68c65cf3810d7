/**
 * Changes of the state itself at the epochs of network upgrades, by name: a tipset's rules name them, so that they cross
 * to a worker as data and run where the tipset runs.
 */
import { Vm, type VmOptions } from "../core/vm.ts";
import type { Block, CID } from "../types/cid.ts";

export type UpgradeBlocks = {
  /** A block if it is at hand; for one that is not, throw `BLOCK_MISSING` and be run again. */
  readonly peek: (cid: Uint8Array) => Uint8Array | undefined;
  readonly put: (block: Block) => void;
};

/** The new root of a state after `epoch`. Blocks are read and written through `blocks`; `options` are the machine's. */
export type Migration = (root: CID, epoch: number, blocks: UpgradeBlocks, options: VmOptions) => Promise<CID>;

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

export const MIGRATIONS = { "actors-v2": actorsV2 } as const satisfies Readonly<Record<string, Migration>>;

export type UpgradeName = keyof typeof MIGRATIONS;

function noRandomness(): never {
  throw new Error("an upgrade draws no randomness");
}
