/** A network whose beacon is drand's: a node that is given servers mines with the entries that it fetches from them. */
import { afterEach, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { sameDrand } from "../../src/beacon/drand.ts";
import { type LocalBeacon, localBeacon } from "../../src/beacon/local.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import { initNode, openJoinedNode } from "../../src/node/joined-node.ts";
import { LocalNetwork } from "../../src/node/local-network.ts";
import type { NetworkNode } from "../../src/node/network-node.ts";
import { memorySecrets } from "../../src/platform/secrets.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import type { Tipset } from "../../src/types/block-header.ts";
import { closeJsonServers, serveJson } from "../support/json-server.ts";
import { networkOptions } from "../support/local-network.ts";
import { until } from "../support/until.ts";

afterEach(closeJsonServers);

test("a miner of a network of drand fetches entries from servers, the ones that answer, and waits for none that are false", async () => {
  const crypto = await loadCrypto();
  const genesisTime = Math.floor(Date.now() / 1000);
  // Not the key of the network's seed.
  const drand: LocalBeacon = localBeacon(crypto, "a drand network", { genesisTime, blockDelay: 1 });
  const asked: bigint[] = [];
  const server = await serveJson(async (path) => {
    const round = BigInt(/^\/([0-9a-f]+)\/public\/(\d+)$/.exec(path)?.[2] ?? 0);
    if (path !== `/${toHex(drand.info.chainHash)}/public/${round}`) return null;
    asked.push(round);
    const { data } = await drand.source.entry(drand.info, round, new AbortController().signal);
    return { round: Number(round), signature: toHex(data) };
  });
  const liar = await serveJson((path) => ({ round: Number(path.split("/").at(-1)), signature: "00".repeat(48) }));
  const net = await LocalNetwork.open(
    networkOptions({ nodes: 1, miners: 2, apart: 1, beacon: drand, genesisTime, seed: "of drand" }),
  );
  let node: NetworkNode | null = null;
  try {
    const description = net.describe();
    expect(sameDrand(description.beacon, drand.info)).toBe(true);
    const car = await net.genesisCar();
    const bytes = { size: car.length, read: async (from: number, length: number) => car.slice(from, from + length) };
    const store = new MemoryStore();
    await initNode(store, description, bytes);
    const mine = description.miners[1]?.address as string;
    const open = (beaconServers: readonly string[]) =>
      openJoinedNode({
        ...{ store, secrets: memorySecrets(), listen: [], mine: [mine], machine: "thread", version: "test" },
        beaconServers,
      });
    await expect(open([])).rejects.toMatchObject({ code: "NO_BEACON" });
    node = await open([liar, server]);
    await node.start();
    const { chain } = (net.nodes[0] as NetworkNode).node;
    const own = (tipset: Tipset) => tipset.blocks.find(({ miner }) => `${miner}`.slice(1) === mine.slice(1));
    await until("a block of the miner on the other node's chain", async () => {
      for (let at: Tipset | null = chain.head; at !== null && at.height > 0; at = await chain.parent(at)) {
        const last = own(at)?.beaconEntries.at(-1);
        if (last === undefined) continue;
        return asked.includes(last.round);
      }
      return false;
    });
    const entry = (await node.dispatcher.request("StateGetBeaconEntry", chain.head.height)) as { Round: number };
    expect(entry.Round).toBeGreaterThan(0);
  } finally {
    await node?.stop();
    await net.close();
  }
}, 120_000);
