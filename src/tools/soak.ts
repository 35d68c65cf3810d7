/**
 * Whether a node's memory stays flat: `npm run test:soak -- [--minutes 60] [--peers 30] [--bound 16] [--json]`.
 *
 * A node with two miners and its data on the disk makes an epoch a second, takes a message every other second, keeps the
 * states of the last 1,000 epochs, and has peers in another process (`soak-peers.ts`). Every minute it prints what it holds: what is
 * left after a full collection of garbage (objects and buffers), and what the process occupies. At the end a line is laid
 * through what was held in the last half; what it rises over that time may be `--bound` MiB beside what more chain explains
 * (`BYTES_PER_TIPSET`: a header that is cached costs 3 KiB, of 2,048 tipsets; the caches are full after some 40 minutes).
 * Ends with 1 above the bound, or if the node's head or its peers were not there.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { toHex } from "../base/bytes.ts";
import { sleepFor } from "../base/sleep.ts";
import { PUBLIC_MNEMONIC } from "../node/accounts.ts";
import { LocalNetwork } from "../node/local-network.ts";
import type { NetworkNode } from "../node/network-node.ts";
import { FIL } from "../types/amount.ts";
import { encodeHeader } from "../types/block-header.ts";

const MIB = 2 ** 20;
/** Bytes that a tipset more may cost: the index and the cached headers. */
const BYTES_PER_TIPSET = 3 << 10;
const KEPT_EPOCHS = 1000;
const SEND_MS = 2000;
/** Peers that may be missing at any moment: one is replaced every 20 seconds, and another may just have left. */
const COMING = 2;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    peers: { type: "string", default: "30" },
    bound: { type: "string", default: "16" },
    json: { type: "boolean", default: false },
  },
});
const [minutes, peerCount, bound] = [values.minutes, values.peers, values.bound].map((text) => {
  const number = Number(text);
  if (!(Number.isFinite(number) && number > 0)) {
    process.stderr.write(`a number above 0 is expected, not "${text}"\n`);
    process.exit(2);
  }
  return number;
}) as [number, number, number];
const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) {
  process.stderr.write("run it with node --expose-gc, as npm run test:soak does\n");
  process.exit(2);
}

type Sample = {
  readonly minute: number;
  readonly epoch: number;
  readonly peers: number;
  readonly heldMiB: number;
  readonly rssMiB: number;
  /** What the node thinks ill of: peers banned now, and offences by kind. */
  readonly banned: number;
  readonly offences: Readonly<Record<string, number>>;
  readonly others: unknown;
};

function blame({ peers: { book } }: NetworkNode): Pick<Sample, "banned" | "offences"> {
  const offences: Record<string, number> = {};
  const list = book.list();
  for (const { lastOffence } of list)
    if (lastOffence !== null) offences[lastOffence] = (offences[lastOffence] ?? 0) + 1;
  return { banned: list.filter(({ id }) => book.isBanned(id)).length, offences };
}

function held(): number {
  // Twice: what finalisers let go of is taken the second time.
  gc?.();
  gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** By how much a straight line through the points rises from the first to the last (least squares). */
function rise(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
  return under === 0 ? 0 : (over / under) * (last - first);
}

async function keepSending({ dispatcher }: NetworkNode, [from, to]: readonly string[], signal: AbortSignal) {
  let [sent, failed] = [0, 0];
  const run = (async () => {
    while (!signal.aborted) {
      await sleepFor(SEND_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const message = { Version: 0, From: from, To: to, Value: "1", Method: 0, Params: null, Nonce: 0, GasLimit: 0 };
      const fees = { GasFeeCap: "0", GasPremium: "0" };
      await dispatcher.request("Filecoin.MpoolPushMessage", { ...message, ...fees }, null).then(
        () => sent++,
        () => failed++,
      );
    }
  })();
  return { run, counts: () => ({ sent, failed }) };
}

const folder = await mkdtemp(path.join(tmpdir(), "filigree-soak-"));
const stopping = new AbortController();
const faults: string[] = [];
const net = await LocalNetwork.open({
  ...{ nodes: 1, miners: 2, sectors: 1, accounts: 2, balance: 1000n * FIL, seed: "soak", mnemonic: PUBLIC_MNEMONIC },
  ...{ blockTime: 1, genesisTime: Math.floor(Date.now() / 1000), listen: "/ip4/127.0.0.1/tcp/0" },
  ...{ dataOf: () => folder, reset: false, repair: false, machine: "worker", retention: KEPT_EPOCHS, version: "soak" },
  onFault: (_, where, error) => faults.push(`${where}: ${error instanceof Error ? error.message : error}`),
});
const node = net.nodes[0] as NetworkNode;
const child = spawn(
  process.execPath,
  [
    fileURLToPath(new URL("soak-peers.js", import.meta.url)),
    node.peers.addresses()[0] as string,
    net.network.name,
    toHex(encodeHeader((await node.node.chain.genesis()).blocks[0] as Parameters<typeof encodeHeader>[0])),
    `${peerCount}`,
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
let others: unknown = null;
createInterface({ input: child.stdout }).on("line", (line) => {
  if (line.startsWith("{")) others = JSON.parse(line);
});

const samples: Sample[] = [];
const { accounts } = net.describe();
const sending = await keepSending(node, [accounts[0]?.secp256k1 ?? "", accounts[1]?.secp256k1 ?? ""], stopping.signal);
try {
  for (let minute = 1; minute <= minutes; minute++) {
    await sleepFor(60_000, stopping.signal);
    const { chain } = node.node;
    const sample = {
      minute,
      epoch: chain.head.height,
      peers: new Set((node.peers.network?.connected() ?? []).map(({ id }) => id)).size,
      heldMiB: held() / MIB,
      rssMiB: process.memoryUsage().rss / MIB,
      ...blame(node),
      others,
    };
    samples.push(sample);
    const { epoch, peers, heldMiB, rssMiB, banned, offences } = sample;
    const rest = JSON.stringify({ banned, offences, peers: others, messages: sending.counts() });
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ ...sample, messages: sending.counts() })}\n`
        : `minute ${minute}: epoch ${epoch}, ${peers} peers, ${heldMiB.toFixed(1)} MiB held, ${rssMiB.toFixed(0)} MiB resident; ${rest}\n`,
    );
  }
} finally {
  stopping.abort(new Error("the soak is over"));
  child.kill();
  await sending.run;
  await net.close();
  await rm(folder, { recursive: true, force: true });
}

const half = samples.slice(Math.floor(samples.length / 2));
const [first, last] = [half[0] as Sample, half.at(-1) as Sample];
const explained = ((last.epoch - first.epoch) * BYTES_PER_TIPSET) / MIB;
const report = {
  minutes,
  epochs: last.epoch,
  heldRise: rise(half.map(({ minute, heldMiB }) => [minute, heldMiB])),
  residentRise: rise(half.map(({ minute, rssMiB }) => [minute, rssMiB])),
  explained,
  bound,
  peakRss: Math.max(...samples.map(({ rssMiB }) => rssMiB)),
  faults: faults.length,
};
const reasons = [
  ...(report.heldRise > explained + bound ? [`what is held rose by ${report.heldRise.toFixed(1)} MiB`] : []),
  ...(report.residentRise > explained + 4 * bound
    ? [`resident memory rose by ${report.residentRise.toFixed(0)} MiB`]
    : []),
  ...(half.length > 1 && last.epoch <= first.epoch ? ["the chain stood still"] : []),
  ...(half.some(({ peers }) => peers < peerCount - COMING) ? ["peers were gone"] : []),
];
process.stdout.write(`${JSON.stringify({ ok: reasons.length === 0, ...report, reasons, fault: faults[0] ?? null })}\n`);
process.exitCode = reasons.length === 0 ? 0 : 1;
