/** Changes of the state itself at the epochs of network upgrades, as `ExecutionRules` take them. */
import { Vm, type VmOptions } from "../core/vm.ts";
import type { StateUpgrade } from "./types.ts";

/** The upgrade from actors v0 to v2 after `epoch`, the last one under v0 (138,720 on the main network). */
export function actorsV2Upgrade(epoch: number, options: VmOptions = {}): StateUpgrade {
  return {
    epoch,
    migrate: async (root, blocks) => {
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
    },
  };
}

function noRandomness(): never {
  throw new Error("an upgrade draws no randomness");
}
