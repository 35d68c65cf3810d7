/** What a running network says while nothing is sent. */
import { afterEach, expect, test, vi } from "vitest";
import { openOutput } from "../../../src/cli/devnet-output.ts";
import type { Devnet } from "../../../src/node/devnet.ts";
import type { Tipset } from "../../../src/types/block-header.ts";

afterEach(() => vi.restoreAllMocks());

/** As much of a network as tipsets without messages need. */
const net = {
  ...{ network: { prefix: "t" }, miner: "t01000", accounts: [] },
  services: { pool: { size: 0 }, chain: { tipsetMessages: async () => [] } },
} as unknown as Devnet;
const tipset = (height: number): Tipset => ({ height, key: [], blocks: [] }) as unknown as Tipset;

test("the first tipset is told, then one line a minute", async () => {
  let said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  let now = 0;
  const output = openOutput(false, "normal", () => now);
  for (let height = 1; height <= 125; height++, now += 1000) output.tipset(net, tipset(height));
  await output.stop();
  expect(said).toBe(
    "epoch 1  the network runs\nepoch 61  60 tipsets more, 0 messages pending\n" +
      "epoch 121  60 tipsets more, 0 messages pending\nstopping\n",
  );
  said = "";
  const quiet = openOutput(false, "quiet", () => now);
  quiet.tipset(net, tipset(1));
  await quiet.stop();
  expect(said).toBe("");
});
