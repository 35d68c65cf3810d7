/** What a miner's part tells of its failures: with addresses as its network spells them, in the alert, the health and the events. */
import { expect, test } from "vitest";
import type { MiningEvent } from "../../../src/miner/mining-loop.ts";
import { MiningPart, type MiningPartOptions } from "../../../src/node/mining-part.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";

test("a failure of a room that knows no network is told with the network's letter", async () => {
  let moved: () => void = () => undefined;
  let tell: (event: MiningEvent) => void = () => undefined;
  const told = new Promise<MiningEvent>((resolve) => {
    tell = resolve;
  });
  const options = {
    prefix: "t",
    ...{ times: { genesisTime: 0, blockDelay: 30 }, miners: [], makesBlocks: false, store: new MemoryStore() },
    site: { isAway: () => false },
    poster: { headMoved: () => Promise.reject(new Error("no post", { cause: new Error("f0100 is no miner") })) },
    onHeadChange: (listener: () => void) => {
      moved = listener;
      return () => undefined;
    },
    onEvent: (event: MiningEvent) => tell(event),
  };
  const part = new MiningPart(options as unknown as MiningPartOptions<unknown>);
  await part.start();
  moved();
  expect(await told).toMatchObject({ kind: "failed", error: { cause: { message: "t0100 is no miner" } } });
  expect(part.alert.lastActive?.message).toBe("no post: t0100 is no miner");
  await part.stop();
});
