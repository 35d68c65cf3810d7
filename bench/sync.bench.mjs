/**
 * A fresh node synchronises a chain from one peer over loopback, with full validation of every block. The peer is a process
 * of its own; both keep their data in memory. `FILIGREE_SYNC_EPOCHS` sets the length (5,000 by default; making that chain
 * takes minutes and is not measured; with `FILIGREE_SYNC_CHAIN` it is kept in that folder for the next time).
 */
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const title = "Synchronisation of a fresh node";

const EPOCHS = Number(process.env.FILIGREE_SYNC_EPOCHS ?? "5000");
const NETWORK = { seed: "sync bench", miners: 3, sectors: 1, accounts: 2, machine: "worker" };
const SAMPLE_MS = 50;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function openNode(options, bootstrap) {
  const { Devnet } = await import("../dist/node/devnet.js");
  const { PeerPart } = await import("../dist/node/peer-part.js");
  const { memorySecrets } = await import("../dist/platform/secrets.js");
  const net = await Devnet.open({ ...NETWORK, ...options });
  net.clock.setAutomine(false);
  const peers = new PeerPart({
    node: net.node,
    validator: net.local.validator(net.node.states),
    verifyBls: (key, message, signature) => net.node.crypto.blsVerify(key, message, signature),
    ahead: net.local.verification.ahead(net.node.states),
    genesisTime: net.options.genesisTime,
    secrets: memorySecrets(),
    listen: ["/ip4/127.0.0.1/tcp/0"],
    bootstrap,
    userAgent: "filigree-bench",
    local: true,
    now: Date.now,
    onFault: (where, error) => process.stderr.write(`${where}: ${error?.stack ?? error}\n`),
  });
  net.node.add(peers);
  return { net, peers };
}

/** The peer: makes the chain, prints its address, serves until it is ended. */
async function serve() {
  const data = process.env.FILIGREE_SYNC_CHAIN ?? null;
  // A node in memory gives up old messages, and could give nobody the whole chain.
  const { net, peers } = await openNode({ data, retention: "archive" }, []);
  while (net.head.height < EPOCHS) await net.clock.mine(1);
  await net.node.start();
  process.stdout.write(`${JSON.stringify({ address: peers.addresses()[0], epoch: net.head.height })}\n`);
}

async function synchronise(address, epoch) {
  const { net, peers } = await openNode({}, [address]);
  const before = process.memoryUsage().rss;
  let peak = 0;
  const [start, startCpu] = [performance.now(), cpuMs()];
  let headersMs = 0;
  let headersCpu = 0;
  let cpuBefore = startCpu;
  await net.node.start();
  while (net.head.height < epoch) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    peak = Math.max(peak, process.memoryUsage().rss);
    const [run] = peers.syncer.status().active;
    if (run === undefined) cpuBefore = cpuMs();
    if (headersMs === 0 && run?.stage === "messages") {
      headersMs = Date.now() - run.started;
      headersCpu = cpuMs() - cpuBefore;
    }
  }
  const wall = performance.now() - start;
  const { ended, counts } = peers.syncer.status();
  const run = ended[0] ?? peers.syncer.status().active[0];
  process.stdout.write(
    `${JSON.stringify({
      tipsets: run.tipsets,
      blocks: counts.blocks,
      headers: run.headers,
      headersMs,
      headersCpu,
      wall,
      cpu: cpuMs() - startCpu,
      bytes: peers.network.exchange.received,
      peak,
      before,
    })}\n`,
  );
  process.exit(0);
}

/** CPU time of verifying a block's three signatures and its share of a beacon's entry, in single verifications. */
async function signaturesOfBlock(blocksPerTipset) {
  const { loadCrypto } = await import("../dist/core/crypto.js");
  const crypto = await loadCrypto();
  const secret = new Uint8Array(32).fill(1);
  const publicKey = crypto.blsPublicKey(secret);
  const signed = [1, 2, 3].map((i) => {
    const message = new Uint8Array(38).fill(i);
    return { publicKey, message, signature: crypto.blsSign(secret, message) };
  });
  const round = await import("node:crypto").then(({ createHash }) =>
    createHash("sha256").update(Buffer.alloc(8)).digest(),
  );
  const [beaconKey, entry] = [crypto.blsShortPublicKey(secret), crypto.blsShortSign(secret, round)];
  const time = (work) => {
    for (let i = 0; i < 50; i++) work();
    const start = cpuMs();
    for (let i = 0; i < 200; i++) work();
    return (cpuMs() - start) / 200;
  };
  const [one] = signed;
  const single = time(() => crypto.blsVerify(one.publicKey, one.message, one.signature));
  const three = time(() => crypto.blsVerifyBatch(signed, globalThis.crypto.getRandomValues(new Uint8Array(24))));
  const beacon = time(() => crypto.drandVerifyQuicknet(beaconKey, 0n, entry));
  return (three + beacon / blocksPerTipset) / single;
}

/** Starts this file in another process; gives the first line that it prints, as JSON. */
function child(role, args) {
  const self = fileURLToPath(import.meta.url);
  const nodeFlags = (process.env.FILIGREE_SYNC_NODE_FLAGS ?? "").split(" ").filter((flag) => flag !== "");
  const flags = role === "synchronise" ? nodeFlags : [];
  const running = spawn(process.execPath, [...flags, self, role, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const line = new Promise((resolve, reject) => {
    let text = "";
    running.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))));
    });
    running.on("exit", (code) => reject(new Error(`${role} ended with ${code} before it said anything`)));
  });
  return { running, line };
}

export async function facts() {
  const peer = child("serve", []);
  try {
    const { address, epoch } = await peer.line;
    const found = await child("synchronise", [address, `${epoch}`]).line;
    const seconds = found.wall / 1000;
    return [
      { name: "tipsets (blocks) synchronised", value: found.tipsets, unit: `(${found.blocks})` },
      { name: "tipsets a second, validated in full", value: found.tipsets / seconds, unit: "/s" },
      { name: "the same, a second of CPU time, both threads", value: found.tipsets / (found.cpu / 1000), unit: "/s" },
      { name: "CPU time a block, both threads", value: found.cpu / found.blocks, unit: "ms" },
      {
        name: "a block's signatures and beacon entry, in single verifications",
        value: await signaturesOfBlock(found.blocks / found.tipsets),
        unit: "",
        most: 2.5,
      },
      { name: "headers a second, backwards", value: found.headers / (found.headersMs / 1000), unit: "/s", least: 5000 },
      {
        name: "the same, a second of this process's CPU time",
        value: found.headers / (found.headersCpu / 1000),
        unit: "/s",
      },
      { name: "bytes received", value: found.bytes / 2 ** 20, unit: "MiB" },
      {
        name: "resident memory at the peak, more than before",
        value: (found.peak - found.before) / 2 ** 20,
        unit: "MiB",
      },
      { name: "resident memory at the peak", value: found.peak / 2 ** 20, unit: "MiB" },
    ];
  } finally {
    peer.running.kill();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [role, address, epoch] = process.argv.slice(2);
  await (role === "serve" ? serve() : synchronise(address, Number(epoch)));
}
