/** Five nodes and three miners in one process for two minutes, as the command line runs them. */
import { expect, test } from "vitest";
import { call } from "../support/devnet.ts";
import { waitFor } from "../support/local-network.ts";
import { LineProcess, MAIN } from "../support/network-processes.ts";

const NODES = 5;
const SECONDS = 120;

type Tip = { readonly Height: number; readonly Cids: readonly unknown[] };

test("all nodes are on one chain, several producers, several tipsets with more than one block", async () => {
  const args = [
    "--nodes",
    `${NODES}`,
    "--miners",
    "3",
    "--memory",
    "--block-time",
    "1",
    "--port",
    "0",
    "--json",
    "--verbose",
  ];
  const net = new LineProcess(process.execPath, [MAIN, "devnet", ...args]);
  try {
    await waitFor("the network", () => net.line("start"));
    await new Promise((resolve) => setTimeout(resolve, 1000 * SECONDS));
    const { nodes } = net.line("start") as unknown as { readonly nodes: readonly { readonly rpc: string }[] };
    const urls = nodes.map(({ rpc }) => rpc);
    const tips = await Promise.all(urls.map(async (url) => (await call<Tip>(url, "Filecoin.ChainHead")).Height));
    // The newest two may still change.
    const top = Math.min(...tips) - 2;
    const differ: number[] = [];
    let several = 0;
    for (let epoch = 1; epoch <= top; epoch++) {
      const found = await Promise.all(
        urls.map((url) => call<Tip>(url, "Filecoin.ChainGetTipSetByHeight", [epoch, []])),
      );
      if (new Set(found.map(({ Cids }) => JSON.stringify(Cids))).size !== 1) differ.push(epoch);
      if (found[0]?.Height === epoch && found[0].Cids.length > 1) several++;
    }
    const producers = new Set(net.lines.filter(({ state }) => state === "made").map(({ miner }) => miner));
    const refused = net.lines.filter(({ state }) => state === "refused").length;
    console.log(
      `nodes ${NODES}, miners 3, ${SECONDS} s: heads at ${tips.join(", ")}; ${top - differ.length} of ${top} epochs the same on all; ${several} with several blocks; ${producers.size} producers; ${refused} refused`,
    );
    expect(top).toBeGreaterThan(20);
    // Only the last few epochs may stand on a fork that is about to lose.
    expect(differ.filter((epoch) => epoch < top - 10)).toEqual([]);
    expect(producers.size).toBe(3);
    expect(several).toBeGreaterThan(3);
    expect(new Set([...net.heads.keys()]).size).toBe(NODES);
    expect(net.lines.filter(({ event }) => event === "error")).toEqual([]);
  } finally {
    await net.kill("SIGTERM");
  }
});
