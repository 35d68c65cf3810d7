/** Devnet.*: time of a local network, with the names that other development networks use. */
import { tipsetToJson } from "../../types/block-header.ts";
import { booleanAt, integerAt } from "../arguments.ts";
import type { MethodTable, Params } from "../dispatcher.ts";
import { badParams } from "../errors.ts";
import type { DevControl, NodeServices } from "../services.ts";
import { withPermission } from "./common.ts";

/** Epochs that one call may pass. */
const MAX_EPOCHS = 100_000n;

function countAt(params: Params, at: number): number {
  const value = params[at];
  // Ethereum's tools write numbers as 0x text.
  const count =
    typeof value === "string" && /^0x[0-9a-f]{1,8}$/i.test(value) ? BigInt(value) : integerAt(params, at, "count", 1n);
  return count >= 1n && count <= MAX_EPOCHS ? Number(count) : badParams(`count: 1 to ${MAX_EPOCHS} expected`);
}

export function devMethods(node: NodeServices, dev: DevControl): MethodTable {
  const mine = withPermission("admin", async (params) =>
    tipsetToJson(await dev.mine(countAt(params, 0)), node.network.letter),
  );
  const automine = (on: boolean) =>
    withPermission("admin", () => {
      dev.setAutomine(on);
      return true;
    });
  return {
    "Devnet.mine": mine,
    "Devnet.skipRounds": withPermission("admin", async (params) =>
      tipsetToJson(await dev.skipRounds(countAt(params, 0)), node.network.letter),
    ),
    "Devnet.setAutomine": withPermission("admin", (params) => {
      dev.setAutomine(booleanAt(params, 0, true));
      return true;
    }),
    "Devnet.setBlockTime": withPermission("admin", (params) => {
      const seconds = params[0];
      if (typeof seconds !== "number" || seconds < 0 || seconds > 3600) return badParams("seconds: 0 to 3600 expected");
      dev.setBlockTime(seconds);
      return true;
    }),
    "Devnet.info": withPermission("read", () => dev.info()),
    evm_mine: mine,
    hardhat_mine: mine,
    "Ganache.MineTipset": mine,
    "Ganache.EnableMiner": automine(true),
    "Ganache.DisableMiner": automine(false),
  };
}
