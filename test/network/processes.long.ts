/**
 * Five nodes in five processes, one of them Deno, each with a miner of its own: they agree; are killed at fifty random
 * moments; are parted two against three for forty epochs and heal. Beside them a node watches every block: no miner may
 * ever sign two of one epoch.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initNode, openJoinedNode } from "../../src/node/joined-node.ts";
import type { NetworkNode } from "../../src/node/network-node.ts";
import { memorySecrets } from "../../src/platform/secrets.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { type BlockHeader, headerCid } from "../../src/types/block-header.ts";
import { random as randomOf } from "../attack/tally.ts";
import { waitFor } from "../support/local-network.ts";
import { commonEpoch, NodeProcess, type Prepared, prepareNetwork } from "../support/network-processes.ts";

const NODES = 5;
const KILLS = Number(process.env["FILIGREE_KILLS"] ?? "50");
const PARTED_EPOCHS = Number(process.env["FILIGREE_PARTED"] ?? "40");
/** Milliseconds that a killed node is away, and between kills, at most. */
const AWAY = 3000;
const LONG = 300_000;

let folder: string;
let prepared: Prepared;
let watcher: NetworkNode;
const nodes: NodeProcess[] = [];
/** By miner and epoch: CIDs of the blocks seen. */
const seen = new Map<string, Set<string>>();

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function note(header: BlockHeader): void {
  const name = `${header.miner}@${header.height}`;
  const cids = seen.get(name) ?? new Set<string>();
  seen.set(name, cids.add(`${headerCid(header)}`));
}

function peersOf(node: NodeProcess): string[] {
  return nodes.filter((other) => other !== node).map(({ address }) => address);
}

async function agree(what: string, above: number): Promise<number> {
  return waitFor(
    what,
    async () => {
      const epoch = await commonEpoch(nodes);
      return epoch !== null && epoch > above ? epoch : null;
    },
    LONG,
  );
}

/** What tells why a node does not come along. */
async function stateOf(node: NodeProcess): Promise<Record<string, unknown>> {
  const [head, peers, sync, blocked] = await Promise.all([
    node.call<{ readonly Height: number }>("ChainHead").then(({ Height }) => Height),
    node.call<unknown[]>("NetPeers"),
    node.call("SyncState"),
    node.call("NetBlockList"),
  ]);
  const scores = await node.call("NetPubsubScores");
  return { head, peers: peers.length, sync, blocked, scores };
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-network-"));
  prepared = await prepareNetwork(folder, NODES, 40, "processes");
  for (let i = 0; i < NODES; i++) {
    const mine = [prepared.description.miners[i]?.address ?? ""];
    const runtime = i === NODES - 1 ? "deno" : "node";
    nodes.push(await NodeProcess.init(path.join(folder, `node-${i}`), prepared, { mine, runtime }));
  }
  for (const node of nodes) node.start(peersOf(node));
  for (const node of nodes) await waitFor("a node", () => node.run?.line("start") ?? null);
  const store = new MemoryStore();
  const { car } = prepared;
  await initNode(store, prepared.description, { size: car.length, read: async (from, n) => car.slice(from, from + n) });
  watcher = await openJoinedNode({
    store,
    secrets: memorySecrets(),
    listen: ["/ip4/127.0.0.1/tcp/0"],
    bootstrap: nodes.map(({ address }) => address),
    mine: [],
    machine: "worker",
    version: "watcher",
  });
  watcher.peers.intake.onBlock(note);
  await watcher.start();
}, 300_000);

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()));
  await watcher?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("five processes, one of them Deno, are on one chain", async () => {
  const epoch = await agree("a common chain of forty epochs", 40);
  const producers = new Set([...seen.keys()].map((name) => name.split("@")[0]));
  console.log(`five processes agree at epoch ${epoch}; ${producers.size} producers, ${seen.size} blocks`);
  expect(producers.size).toBe(NODES);
});

test("killed at random moments, they come back and agree", async () => {
  const draw = randomOf(20_261_128);
  const random = (): number => draw(1_000_000) / 1_000_000;
  const before = await agree("a common chain", 0);
  for (let kill = 0; kill < KILLS; kill++) {
    const node = nodes[Math.floor(random() * NODES)] as NodeProcess;
    await sleep(random() * AWAY);
    await node.kill();
    await sleep(random() * AWAY);
    node.start(peersOf(node));
    // Some are killed again while they start.
    if (random() < 0.7) await waitFor("the node again", () => node.run?.line("start") ?? null);
    const died = node.run?.isRunning === false ? node.run.errors.join("") : "";
    expect(died).toBe("");
  }
  for (const node of nodes) await waitFor("all nodes", () => node.run?.line("start") ?? null);
  const epoch = await agree("a common chain after the kills", before + 10);
  console.log(`${KILLS} kills: all agree at epoch ${epoch} (before ${before}); ${seen.size} blocks watched`);
  expect([...seen].filter(([, cids]) => cids.size > 1)).toEqual([]);
});

test("parted two against three they go two ways, and heal", async () => {
  const start = await agree("a common chain", 0);
  const ids = await Promise.all(nodes.map((node) => node.call<string>("ID")));
  const groups = [nodes.slice(0, 2), nodes.slice(2)] as const;
  // Nobody may carry blocks across.
  await watcher.stop();
  const list = (others: readonly string[]) => ({ Peers: others, IPAddrs: [], IPSubnets: [] });
  const other = (node: NodeProcess): string[] => ids.filter((_, i) => groups[0].includes(node) !== i < 2);
  for (const node of nodes) await node.call("NetBlockAdd", list(other(node)));
  await waitFor(
    "forty epochs apart",
    async () => Math.min(...(await Promise.all(nodes.map((node) => node.height())))) > start + PARTED_EPOCHS + 2,
    LONG,
  );
  const keys = await Promise.all(groups.map(([node]) => (node as NodeProcess).keyAt(start + PARTED_EPOCHS)));
  expect(new Set(keys).size).toBe(2);
  for (const node of nodes) await node.call("NetBlockRemove", list(other(node)));
  const healed = await agree("one chain again", start + PARTED_EPOCHS + 5).catch(async (error: unknown) => {
    for (const node of nodes) console.log(JSON.stringify(await stateOf(node)));
    throw error;
  });
  console.log(`parted from epoch ${start} for ${PARTED_EPOCHS} epochs: two chains; healed at epoch ${healed}`);
  const refused = nodes.flatMap(({ run }) => run?.lines.filter(({ state }) => state === "refused") ?? []);
  console.log(`${refused.length} blocks were refused by slash filters`);
  const faults = nodes.flatMap(({ run }) => run?.lines.filter(({ event }) => event === "fault") ?? []);
  expect(faults).toEqual([]);
});
