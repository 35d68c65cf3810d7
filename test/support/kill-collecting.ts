/** Kills a network that collects at some moment, then looks whether everything is there that must stay. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Chain } from "../../src/chain/chain.ts";
import { stateName } from "../../src/chain/states-from.ts";
import { platform } from "../../src/platform/node.ts";
import { TableStore } from "../../src/storage/table-store.ts";
import { checkWhole } from "./whole-chain.ts";

const CHILD = fileURLToPath(new URL("collecting-net.mjs", import.meta.url));

export type Left = {
  /** Epoch of the head, and that from which states are kept. */
  readonly head: number;
  readonly from: number;
  /** Whether a collection was under way: states below that epoch were not all gone. */
  readonly isPartly: boolean;
};

/** Lets it mine some tipsets more, kills it `ms` later, and gives the epochs of head and lowest state that it leaves. */
export async function killCollecting(data: string, tipsets: number, ms: number): Promise<Left> {
  const child = spawn(process.execPath, [CHILD, data], { stdio: ["ignore", "pipe", "inherit"] });
  let seen = 0;
  let told = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    told = Number(line.split(" ")[1]);
    if (++seen === tipsets) setTimeout(() => child.kill("SIGKILL"), ms);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  if (child.signalCode !== "SIGKILL") throw new Error("the network ended by itself");
  const store = await TableStore.open(data, platform.openTable);
  try {
    const chain = await Chain.open({ blocks: store });
    if (chain.head.height < told) throw new Error(`epoch ${told} was announced, the head is at ${chain.head.height}`);
    await checkWhole(chain);
    const from = chain.statesFrom;
    const left = await store.metadataBetween(stateName(1), stateName(from), { limit: 1, descending: false });
    return { head: chain.head.height, from, isPartly: left.length > 0 };
  } finally {
    await store.close();
  }
}
