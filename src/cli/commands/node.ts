/** `filigree node`: a node of its own in a network that others began. */
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { platform } from "#platform";
import { equal } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { type DrandInfo, parseDrandInfo } from "../../beacon/drand.ts";
import { fetchDrandInfo, isServer } from "../../beacon/drand-servers.ts";
import { loadCrypto } from "../../core/crypto.ts";
import type { DhtMode } from "../../network/dht.ts";
import { isDamage } from "../../node/damage.ts";
import type { MachinePlace } from "../../node/machines.ts";
import { type NetworkDescription, parseDescription } from "../../node/network-description.ts";
import type { NetworkNode } from "../../node/network-node.ts";
import type { Retention } from "../../node/node.ts";
import { DEVNET, DEVNET_VERSION } from "../../params/networks.ts";
import { readCar } from "../../storage/car.ts";
import { TableStore } from "../../storage/table-store.ts";
import { decodeHeader, headerCid } from "../../types/block-header.ts";
import { readingCar } from "../car-input.ts";
import { UsageError } from "../errors.ts";
import { openBytes } from "../input.ts";
import { interruptible, shellWord, stoppedBy, stopSignal } from "../interrupt.ts";
import { joinedLines, pageOf } from "../joined-output.ts";
import { printJson } from "../json.ts";
import { keepToken, tokenText } from "../kept-token.ts";
import { nodeOutput, tellAway } from "../node-output.ts";
import { collect, collectMultiaddr, parseRetention, wholeNumber } from "../options.ts";
import { SEALED_FOLDER, withSealing } from "../presealing.ts";
import { readText } from "../read-at-most.ts";
import { KEYS_GO_ON, PARAMS_FOLDER, proofsText, shownKeys } from "../real-proofs.ts";
import { versionFacts } from "../version-text.ts";

/** Milliseconds after the start at which it is told that no peer was reached. */
const ALONE_MS = 8_000;

/** Loaded when it is needed: libraries of the peer-to-peer network take half a second. */
const joinedNode = (): Promise<typeof import("../../node/joined-node.ts")> => import("../../node/joined-node.ts");

const DEFAULT_NODE_DATA = ".filigree/node";
/** Longest genesis file that is read whole, bytes. */
const MAX_GENESIS = 64 << 20;

type InitOptions = {
  readonly network: string;
  readonly genesis?: string;
  readonly importSnapshot?: string;
  readonly beacon?: string;
  readonly epochSeconds: number;
  readonly data: string;
  readonly json?: boolean;
};

type StartOptions = {
  readonly data: string;
  readonly bootstrap: readonly string[];
  readonly listen: readonly string[];
  readonly mine: readonly string[];
  readonly beacon: readonly string[];
  readonly dht?: DhtMode;
  readonly params: string;
  readonly host: string;
  readonly port: number;
  readonly allowHost: readonly string[];
  readonly cors: readonly string[];
  readonly machine: MachinePlace;
  readonly retention?: Retention;
  readonly repair?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
};

export function registerNode(program: Command): void {
  const node = program.command("node").description("a node that joins a local network which others began");
  node
    .command("init")
    .description("make the data folder of a node from a network's genesis or a snapshot of its chain")
    .requiredOption(
      "--network <devnet.json|local>",
      "description that `filigree devnet --nodes` writes; or local, with --beacon",
    )
    .option("--genesis <car>", "the network's genesis: genesis.car beside the description (- for standard input)")
    .option("--import-snapshot <car>", "a snapshot of the chain instead of the genesis alone")
    .option(
      "--beacon <json|url>",
      "for local: the beacon's chain info as drand's interface gives it, a file or a server",
    )
    .option("--epoch-seconds <n>", "for local: seconds between epochs", wholeNumber(1, 3600), 1)
    .option("--data <folder>", "where the node is kept", DEFAULT_NODE_DATA)
    .option("--json", "the result as JSON")
    .action(init);
  node
    .command("start")
    .description("run the node: it dials its peers, synchronises, validates every block and serves JSON-RPC")
    .option("--data <folder>", "where the node is kept", DEFAULT_NODE_DATA)
    .option(
      "--bootstrap <multiaddr>",
      "peer to stay connected to (repeatable; default: those of the description)",
      collectMultiaddr,
      [],
    )
    .option(
      "--listen <multiaddr>",
      "where to listen for peers (repeatable; default: a free port of loopback)",
      collectMultiaddr,
      [],
    )
    .option(
      "--mine <address>",
      "miner of the local network that this node owns, by its ID address (repeatable)",
      collect,
      [],
    )
    .option(
      "--beacon <url>",
      "drand server to fetch the beacon's entries from (repeatable; default: they follow from the network's seed)",
      collectServer,
      [],
    )
    .addOption(
      new Option("--dht <mode>", "find peers by the network's DHT; a server also answers its questions").choices([
        "client",
        "server",
      ]),
    )
    .option("--params <folder>", "for --mine where proofs are real: where their keys are kept, or made", PARAMS_FOLDER)
    .option(
      "--port <n>",
      "port of the JSON-RPC server; 0 takes a free one, another at every start",
      wholeNumber(0, 65535),
      0,
    )
    .option("--host <address>", "address to serve JSON-RPC on; any but loopback needs tokens", "127.0.0.1")
    .option("--allow-host <name>", "further Host header to accept (repeatable)", collect, [])
    .option("--cors <origin>", "origin of pages that may call (repeatable)", collect, [])
    .addOption(
      new Option("--machine <place>", "where messages are executed").choices(["worker", "thread"]).default("worker"),
    )
    .option(
      "--retention <epochs|archive>",
      "epochs whose states are kept, at least 1000, from network version 16 on 1900 (default: archive)",
      parseRetention,
    )
    .option("--repair", "go on with what can be read of a damaged data folder")
    .option("--quiet", "say nothing but the address and what fails")
    .option("--verbose", "say every block that is made")
    .option("--json", "one JSON object a line instead of text")
    .action(start);
}

async function init(options: InitOptions): Promise<void> {
  const { genesis, importSnapshot } = options;
  const file = genesis ?? importSnapshot;
  if (file === undefined || (genesis !== undefined && importSnapshot !== undefined))
    throw new UsageError("give --genesis <car> or --import-snapshot <car>");
  process.umask(0o077);
  const car = await openBytes(file);
  try {
    const description = await readingCar(file, () => describe(options, car));
    const data = path.resolve(options.data);
    const store = await TableStore.open(data, platform.openTable);
    try {
      const { initNode, JoinError } = await joinedNode();
      const startIt = `filigree node start --data ${shellWord(options.data)}`;
      const head = await readingCar(file, () =>
        interruptible((signal) => initNode(store, description, car, { signal })),
      ).catch((cause: unknown) => {
        if (!(cause instanceof JoinError) || cause.code !== "NOT_EMPTY") throw cause;
        throw new JoinError(cause.data, `${data} holds a node already: start it with \`${startIt}\``);
      });
      const result = {
        ok: true,
        data,
        network: description.network,
        genesis: description.genesis.cid,
        epoch: head.height,
      };
      if (options.json === true) printJson(result);
      else
        process.stdout.write(
          `a node of "${description.network}" at epoch ${head.height} in ${data}\nstart it: ${startIt}\n`,
        );
    } finally {
      await store.close();
    }
  } finally {
    await car.close();
  }
}

function collectServer(text: string, before: readonly string[]): string[] {
  if (!isServer(text)) throw new InvalidArgumentError(`not an http or https address: ${text}`);
  return [...before, text];
}

/** The network as its description says, or, for "local", as genesis and beacon do. */
async function describe(
  { network, beacon, epochSeconds, importSnapshot }: InitOptions,
  car: Awaited<ReturnType<typeof openBytes>>,
): Promise<NetworkDescription> {
  if (network !== "local") {
    if (["mainnet", "calibrationnet", "calibnet"].includes(network))
      throw new UsageError(
        `${network} cannot be followed: no verifying key of its proofs is at hand, the way from its genesis leads over network versions ` +
          "10 to 15, which are not run, and from 16 on its actors are files that a node does not take (local networks do). " +
          "A recorded chain of versions 0 to 5 is checked in full by: filigree replay <car> --validate",
      );
    return parseDescription(await readText(network));
  }
  if (beacon === undefined || importSnapshot !== undefined)
    throw new UsageError("--network local needs --genesis and --beacon <file>; or give the network's devnet.json");
  if (car.size > MAX_GENESIS) throw new UsageError(`a genesis of ${car.size} bytes; at most ${MAX_GENESIS} are read`);
  const { roots, blocks } = readCar(await car.read(0, car.size));
  const found = blocks.find(({ cid }) => roots.length === 1 && equal(cid, roots[0] as Uint8Array));
  if (found === undefined) throw new UsageError("the CAR file does not hold the one genesis block that it should name");
  const header = decodeHeader(found.bytes);
  return {
    network: DEVNET.name,
    chainId: DEVNET.chainId,
    networkVersion: DEVNET_VERSION,
    epochSeconds,
    genesis: { cid: `${headerCid(header)}`, time: Number(header.timestamp) },
    beacon: await readBeacon(beacon),
    seed: "",
    proofs: { mode: "attested" },
    rpc: [],
    multiaddrs: [],
    miners: [],
    accounts: [],
  };
}

async function readBeacon(file: string): Promise<DrandInfo> {
  if (isServer(file)) return fetchDrandInfo(file, await loadCrypto());
  const text = await readText(file);
  try {
    return parseDrandInfo(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file} is not a beacon's chain info`, { cause });
  }
}

async function start(options: StartOptions, command: Command): Promise<void> {
  process.umask(0o077);
  const data = path.resolve(options.data);
  const { host, port, bootstrap, listen, mine, machine } = options;
  const loudness = {
    json: options.json === true,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
  };
  const output = nodeOutput(loudness, "node");
  const stopped = stopSignal();
  let end: { readonly stop: () => void; readonly fail: (error: unknown) => void } = {
    stop: () => undefined,
    fail: () => undefined,
  };
  const ended = new Promise<void>((resolve, reject) => {
    end = { stop: resolve, fail: reject };
  });
  ended.catch(() => undefined);
  const look = (error: unknown): void => {
    if (isDamage(error)) end.fail(error);
  };
  const { openJoinedNode, notInitialised } = await joinedNode();
  const open = { repair: options.repair === true, create: false };
  const store = await TableStore.open(data, platform.openTable, open).catch((cause: unknown) => {
    throw isFilError(cause, "MISSING") ? notInitialised(cause) : cause;
  });
  let node: NetworkNode;
  const { clear, params } = shownKeys(options.params, stoppedBy(KEYS_GO_ON));
  try {
    const secrets = await platform.openSecrets(data);
    node = await withSealing(SEALED_FOLDER, (presealing) =>
      openJoinedNode({
        store,
        data,
        params,
        presealing,
        secrets,
        listen: listen.length > 0 ? listen : ["/ip4/127.0.0.1/tcp/0"],
        ...(bootstrap.length > 0 ? { bootstrap } : {}),
        mine,
        machine,
        beaconServers: options.beacon,
        ...(options.dht === undefined ? {} : { dht: options.dht }),
        ...(options.retention === undefined ? {} : { retention: options.retention }),
        version: command.parent?.parent?.version() ?? "",
        onMining: (event) => {
          if (event.kind === "failed") look(event.error);
          output.mining(0, event);
        },
        onReport: (report) => output.report(0, report),
        onFault: (where, error) => {
          look(error);
          output.fault(0, where, error);
        },
        onShutdown: () => end.stop(),
      }),
    );
  } catch (error) {
    await store.close();
    throw error;
  } finally {
    clear();
  }
  const { chain } = node.node;
  let alone: NodeJS.Timeout | undefined;
  chain.onHeadChange(() => output.head(0, chain.head));
  try {
    const { url, port: served } = await node.serve({
      ...{ host, port, allowHosts: options.allowHost, allowOrigins: options.cors },
    });
    const token = await keepToken({ host, port: served }, node.services.tokenSecret, data);
    const multiaddrs = node.peers.addresses();
    const version = await versionFacts(node.node.network, chain);
    const { toCome: _, ...running } = version;
    const text = joinedLines({
      ...{ url, isFixed: port !== 0, network: node.node.network.name, epoch: chain.head.height, mine, version },
      ...{ proofs: proofsText(node.proofs), multiaddrs, data, token: token === null ? null : tokenText(token, data) },
    });
    output.say(text, {
      event: "start",
      proofs: node.proofs.mode,
      ...running,
      url,
      page: pageOf(url),
      multiaddrs,
      epoch: chain.head.height,
      miners: mine,
      data,
      ...(token === null ? {} : { tokenFile: token.file }),
    });
    await tellAway(output, 0, node.sealing);
    alone = setTimeout(() => {
      const health = node.peers.health();
      if (health.status === "failing") output.fault(0, "peers", new Error(health.reason));
    }, ALONE_MS);
    await Promise.race([stopped, ended]);
    output.say([], { event: "stop" });
  } finally {
    clearTimeout(alone);
    await node.stop();
  }
}
