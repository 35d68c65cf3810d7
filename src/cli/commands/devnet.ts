/** `filigree devnet`: a local network that accepts messages, until it is told to stop. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Bundles } from "../../exec/bundles.ts";
import { parseMnemonic } from "../../keys/mnemonic.ts";
import { isDamage } from "../../node/damage.ts";
import type { Devnet, DevnetOptions } from "../../node/devnet.ts";
import { DEVNET_BOUNDS } from "../../node/devnet-bounds.ts";
import { checkRetention, type LocalUpgrade, SHORTEST_BLOCK_TIME } from "../../node/devnet-options.ts";
import type { WholeProgress } from "../../node/fork/fetch-whole.ts";
import type { LocalProving } from "../../node/local-proving.ts";
import type { MachinePlace } from "../../node/machines.ts";
import type { Retention } from "../../node/node.ts";
import type { Presealing } from "../../node/presealed.ts";
import type { ProofMode } from "../../node/proof-mode.ts";
import { checkRpcOptions } from "../../node/rpc-part.ts";
import { DEVNET_VERSION, LOCAL_SECTOR_SIZES, type LocalSectorSize } from "../../params/networks.ts";
import type { ByteSource } from "../../storage/car-reader.ts";
import { parseFil } from "../../types/amount.ts";
import { bundleFor, bundlesAtHand } from "../bundle-files.ts";
import { BUNDLE_FOLDER } from "../bundle-store.ts";
import { readingCar } from "../car-input.ts";
import { openOutput } from "../devnet-output.ts";
import { systemReason, UsageError } from "../errors.ts";
import { openBytes } from "../input.ts";
import { commandLine, stopSignal, unlessStopped } from "../interrupt.ts";
import { keepToken } from "../kept-token.ts";
import { settleForm } from "../network-forms.ts";
import { awayText, otherTime } from "../node-output.ts";
import { collect, DEFAULT_DATA, parseRetention, wholeNumber, wholeNumberOr } from "../options.ts";
import { SEALED_FOLDER, withSealing } from "../presealing.ts";
import { openKeys, proofOptions } from "../real-proofs.ts";
import { parseAmount } from "../remote.ts";
import { countText, tellingLine } from "../terminal.ts";
import { versionFacts } from "../version-text.ts";

type Options = {
  readonly accounts: number;
  readonly balance?: bigint;
  readonly seed?: string;
  readonly blockTime: number;
  readonly nodes: number;
  readonly listen?: string;
  readonly miners?: number;
  readonly proofs: ProofMode;
  readonly seals?: ProofMode;
  readonly params: string;
  readonly sectors: number;
  readonly sectorSize?: LocalSectorSize;
  readonly sealed: string;
  readonly apart?: number;
  readonly genesisTime?: number;
  readonly port: number;
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly cors: readonly string[];
  readonly data?: string;
  readonly memory?: boolean;
  readonly load?: string;
  readonly fork?: string;
  readonly forkAt?: number;
  readonly forkWhole?: true;
  readonly machine: MachinePlace;
  readonly retention?: Retention;
  readonly reset?: boolean;
  readonly repair?: boolean;
  readonly mnemonic?: string;
  readonly networkVersion: number;
  readonly predeploy?: true;
  readonly upgrade: readonly ScheduledUpgrade[];
  readonly bundle?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
};

/** Miners with sealed sectors of a network that is made. */
const DEFAULT_MINERS = 1;
/** FIL; named in the help by hand, as commander shows defaults as JSON, which has no bigint. */
const DEFAULT_BALANCE = "1000000";
/** Genesis time of networks whose seed is given: the main network's, so that the same seed gives the same CIDs. */
const FIXED_GENESIS_TIME = 1_598_306_400;

const [, MAX_BLOCK_TIME] = DEVNET_BOUNDS.blockTime;

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > MAX_BLOCK_TIME || (value > 0 && value < SHORTEST_BLOCK_TIME))
    throw new InvalidArgumentError(`0, or ${SHORTEST_BLOCK_TIME} to ${MAX_BLOCK_TIME} seconds are allowed.`);
  return value;
}

function epochSeconds(text: string): number {
  return text === "now" ? Math.floor(Date.now() / 1000) : wholeNumberOr("now", ...DEVNET_BOUNDS.genesisTime)(text);
}

function parseVersion(text: string): number {
  if (text === `${DEVNET_VERSION}`) return DEVNET_VERSION;
  return wholeNumberOr(`${DEVNET_VERSION}`, ...DEVNET_BOUNDS.networkVersion)(text);
}

/** Versions that others with published actors lead to. */
const UPGRADED = [DEVNET_BOUNDS.networkVersion[0] + 1, DEVNET_BOUNDS.networkVersion[1]] as const;

type ScheduledUpgrade = { readonly networkVersion: number; readonly epoch: number };

function parseUpgrade(text: string, before: readonly ScheduledUpgrade[]): ScheduledUpgrade[] {
  const [, version, epoch] = /^(\d{1,3})@(\d{1,9})$/.exec(text) ?? [];
  if (version === undefined || epoch === undefined)
    throw new InvalidArgumentError("a network version and an epoch expected, such as 28@100");
  const [low, high] = UPGRADED;
  const networkVersion = Number(version);
  if (networkVersion < low || networkVersion > high)
    throw new InvalidArgumentError(`version ${version}: one from ${low} to ${high} is needed, as in ${high}@100.`);
  return [...before, { networkVersion, epoch: Number(epoch) }];
}

/** The words of a mnemonic, or the file that holds them. */
function mnemonicWords(text: string): string {
  try {
    return parseMnemonic(/\s/.test(text.trim()) ? text : readFileSync(text, "utf8"));
  } catch (error) {
    throw new InvalidArgumentError(`${systemReason(error as Error)} (words, or a file that holds them).`);
  }
}

export function registerDevnet(program: Command): void {
  proofOptions(program.command("devnet"))
    .description("start a local Filecoin network: offline, ten funded accounts, miners with sealed sectors")
    .option("--accounts <n>", "funded accounts", wholeNumber(...DEVNET_BOUNDS.accounts), 10)
    .option("--balance <FIL>", `FIL on each address (default: ${DEFAULT_BALANCE})`, parseAmount)
    .option(
      "--mnemonic <words|file>",
      "BIP-39 words of the accounts (default: the seed's; without one, test … junk)",
      mnemonicWords,
    )
    .option("--seed <text>", "decides keys, genesis and beacon; given, the genesis time is fixed too")
    .option("--block-time <seconds>", "seconds between epochs; 0 makes a tipset when a message arrives", seconds, 1)
    .option(
      "--miners <n>",
      "miners with sealed sectors that are elected (default: 1; where --network-version is given, 0); 0: one producer without election and proofs",
      wholeNumber(...DEVNET_BOUNDS.miners),
    )
    .option(
      "--nodes <n>",
      "nodes of the network, each with its own store, identity and peers, in this process; miners are dealt out in turn",
      wholeNumber(...DEVNET_BOUNDS.nodes),
      1,
    )
    .option(
      "--listen <multiaddr>",
      "where the first node listens for peers, the others on the ports after it (default with --nodes: free ports of loopback)",
    )
    .option("--sectors <n>", "sectors of each miner", wholeNumber(...DEVNET_BOUNDS.sectors), 1)
    .addOption(
      new Option(
        "--sector-size <size>",
        "their size (default: 2KiB); sectors of 8 MiB are sealed on first use, most of a minute of two cores each, and kept",
      ).choices(Object.keys(LOCAL_SECTOR_SIZES)),
    )
    .option(
      "--sealed <folder>",
      "where sealed sectors of 8 MiB are kept, for every network of the same seed",
      SEALED_FOLDER,
    )
    .option(
      "--apart <n>",
      "how many of the miners, the last ones, other processes mine with (`filigree miner run`)",
      wholeNumber(...DEVNET_BOUNDS.miners),
    )
    .option(
      "--network-version <n>",
      `5, with actors of this engine's own, or ${DEVNET_BOUNDS.networkVersion.join(" to ")}, with published ones`,
      parseVersion,
      DEVNET_VERSION,
    )
    .option(
      "--bundle <file>",
      `published actors of that version, or of a network that is forked or loaded, a .car or vN.tar.zst (default: those in ${BUNDLE_FOLDER})`,
    )
    .option(
      "--upgrade <n@epoch>",
      "a later network version and the first epoch at which it is in force, of a network of 16 or later, one for each version whose actors are others; its actors are those that are kept (repeatable)",
      parseUpgrade,
      [],
    )
    .option("--predeploy", "with Multicall3 and the deterministic deployer in the genesis, from network version 18 on")
    .option("--genesis-time <unix|now>", "time of the genesis block", epochSeconds)
    .option("--port <n>", "port of the JSON-RPC server; 0 takes a free one", wholeNumber(0, 65535), 1234)
    .option("--host <address>", "address to listen on; any but loopback needs tokens", "127.0.0.1")
    .option("--allow-host <name>", "further Host header to accept (repeatable)", collect, [])
    .option("--cors <origin>", "origin of pages that may call (repeatable)", collect, [])
    .option("--data <folder>", `where the chain is kept (default: ${DEFAULT_DATA})`)
    .option("--memory", "keep nothing on disk")
    .option(
      "--fork <url>",
      "go on from the state of a local network that runs there; what it needs is fetched and kept",
    )
    .option("--fork-at <epoch>", "the epoch of that network's chain (default: its head)", wholeNumber(0, 2 ** 40))
    .option("--fork-whole", "fetch the whole state at once, to go on without that network")
    .option("--load <file>", "go on with a network that `lab dump` wrote; what was fixed with it is the file's")
    .addOption(
      new Option("--machine <place>", "where messages are executed").choices(["worker", "thread"]).default("worker"),
    )
    .option(
      "--retention <epochs|archive>",
      "epochs whose states are kept, at least 1000, from network version 16 on 1900 (default: archive; with --memory the fewest)",
      parseRetention,
    )
    .option("--reset", "forget an earlier network in the data folder, whatever its form")
    .option("--repair", "go on with what can be read of a damaged data folder")
    .option("--quiet", "say nothing but the address and what fails")
    .option("--verbose", "say every tipset and all messages with their CIDs")
    .option("--json", "one JSON object a line instead of text")
    .action(run);
}

async function run(options: Options, command: Command): Promise<void> {
  const { host, port, blockTime } = options;
  if (options.quiet === true && options.verbose === true)
    throw new UsageError("--quiet and --verbose exclude each other");
  const { allowHost: allowHosts, cors: allowOrigins } = options;
  checkRpcOptions({ host, port: port === 0 ? 0 : port + options.nodes - 1, allowHosts, allowOrigins });
  if (options.memory === true && options.data !== undefined)
    throw new UsageError("--memory keeps nothing on disk, --data names a folder: give one of them");
  const data = options.memory === true ? null : path.resolve(options.data ?? DEFAULT_DATA);
  // What is made from here on is for its owner alone.
  process.umask(0o077);
  // Looked at first: a port that is taken must not cost the earlier network.
  for (let i = 0; i < (port === 0 ? 1 : options.nodes); i++) await portIsFree(host, port + i);
  const { load, fork } = options;
  if (load !== undefined && fork !== undefined) throw new UsageError("--load and --fork exclude each other");
  if (load !== undefined) refuseFixed(command, `--load ${load}`, "the file");
  if (fork !== undefined) refuseFixed(command, `--fork ${fork}`, "the other network");
  refuseAlone(command, options);
  const isReal = options.proofs === "groth16";
  if (isReal && fork !== undefined) throw new UsageError("no miner proves on a fork: leave out --proofs groth16");
  if (isReal && options.miners === 0) throw new UsageError("real proofs are those of miners: give --miners 1 or more");
  if (!isReal && options.seals === "groth16") throw new UsageError("--seals groth16 is for --proofs groth16");
  const proving = isReal ? await openKeys(options.params, blockTime, options.seals) : undefined;
  try {
    await withSealing(options.sealed, (presealing) => runNetwork(options, data, command, { proving, presealing }));
  } finally {
    await proving?.close();
  }
}

async function runNetwork(
  options: Options,
  data: string | null,
  command: Command,
  { proving, presealing }: { readonly proving: LocalProving | undefined; readonly presealing: Presealing },
): Promise<void> {
  const { host, port, seed, mnemonic, accounts, blockTime, machine, miners } = options;
  const balance = options.balance ?? parseFil(DEFAULT_BALANCE);
  const now = Math.floor(Date.now() / 1000);
  const size = options.sectorSize === undefined ? {} : { sectorSize: options.sectorSize };
  const real = { ...(proving === undefined ? {} : { proving }), ...size, presealing };
  // Real proofs are for others to validate: where epochs pass by the clock, such a network has peers; one of a file has none.
  const hasPeers = proving !== undefined && options.load === undefined && blockTime >= 1 && Number.isInteger(blockTime);
  const { networkVersion } = options;
  const isNative = networkVersion === DEVNET_VERSION;
  if (options.predeploy === true && isNative)
    throw new UsageError("--predeploy goes with --network-version 18 to 28: this one has no contracts");
  const isFromElsewhere = options.fork !== undefined || options.load !== undefined;
  if (options.bundle !== undefined && isNative && !isFromElsewhere)
    throw new UsageError("--bundle goes with --network-version 16 to 28");
  const isReset = options.reset === true;
  // Looked at before an earlier network goes.
  if (!isFromElsewhere) checkRetention(options.retention, networkVersion);
  const bundle = isNative ? undefined : await bundleFor(networkVersion, options.bundle, isReset);
  const upgrades: LocalUpgrade[] = [];
  for (const upgrade of options.upgrade) {
    const next = await bundleFor(upgrade.networkVersion, undefined, false);
    upgrades.push({ ...upgrade, ...(next === undefined ? {} : { bundle: next }) });
  }
  if (options.nodes > 1 || options.listen !== undefined || options.apart !== undefined || hasPeers) {
    // A network of several nodes takes half a second to load, one node a quarter: only who needs them waits for that.
    const { runSeveralNodes } = await import("../several-nodes.ts");
    await runSeveralNodes(
      {
        ...{ seed, mnemonic, accounts, balance, blockTime, machine, data, host, port },
        ...real,
        miners: miners ?? DEFAULT_MINERS,
        ...(isNative ? {} : { networkVersion }),
        ...(bundle === undefined ? {} : { bundle }),
        ...(upgrades.length === 0 ? {} : { upgrades }),
        nodes: options.nodes,
        sectors: options.sectors,
        apart: options.apart ?? 0,
        listen: options.listen,
        ...(options.retention === undefined ? {} : { retention: options.retention }),
        genesisTime: options.genesisTime ?? now,
        wantsTime: options.genesisTime !== undefined,
        allowHosts: options.allowHost,
        allowOrigins: options.cors,
        reset: options.reset === true,
        repair: options.repair === true,
        json: options.json === true,
        quiet: options.quiet === true,
        verbose: options.verbose === true,
        version: command.parent?.version() ?? "",
      },
      stopSignal(),
    );
    return;
  }
  const { load, fork } = options;
  const atHand = isFromElsewhere ? { bundles: await bundlesAtHand(options.bundle) } : {};
  if (isReset) await unlessStopped(checkSource({ ...options, ...atHand }), commandLine());
  if (data !== null) await settleForm(data, { nodes: 0, reset: isReset });
  const { Devnet } = await import("../../node/devnet.ts");
  const place = {
    ...real,
    data,
    ...(options.retention === undefined ? {} : { retention: options.retention }),
    reset: isReset,
    version: command.parent?.version() ?? "",
    machine,
    ...atHand,
  };
  const time = isGiven(command, "blockTime") ? { blockTime } : {};
  const line = tellingLine();
  const onProgress = ({ blocks, bytes }: WholeProgress): void =>
    line.show(`fetching the whole state: ${countText(blocks, "block")}, ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  const at = options.forkAt === undefined ? {} : { at: options.forkAt };
  const made =
    fork !== undefined
      ? Devnet.fork(fork, { ...place, ...time, ...at, whole: options.forkWhole === true && { onProgress } }).finally(
          () => line.clear(),
        )
      : load !== undefined
        ? loadNetwork(load, { ...place, ...time })
        : Devnet.open({
            ...place,
            ...(isNative ? {} : { networkVersion }),
            ...(bundle === undefined ? {} : { bundle }),
            ...(upgrades.length === 0 ? {} : { upgrades }),
            ...(options.predeploy === true ? { predeploy: true } : {}),
            ...(seed === undefined ? {} : { seed }),
            ...(mnemonic === undefined ? {} : { mnemonic }),
            ...{ accounts, balance, blockTime, minersOfNew: isNative ? DEFAULT_MINERS : 0 },
            ...(miners === undefined ? {} : { miners }),
            sectors: options.sectors,
            genesisTime: options.genesisTime ?? (seed === undefined ? now : FIXED_GENESIS_TIME),
            repair: options.repair === true,
          });
  // Another node may not answer, a file may be long; what is written of them at any moment is whole.
  const net = await (isFromElsewhere ? unlessStopped(made, commandLine()) : made);
  try {
    await serveUntilStopped(net, options, data);
  } finally {
    await net.close();
  }
}

/** Options that are fixed with a network, or make one of several nodes. */
const FIXED: readonly string[] = [
  ...[
    "accounts",
    "balance",
    "mnemonic",
    "seed",
    "miners",
    "sectors",
    "sectorSize",
    "genesisTime",
    "nodes",
    "listen",
    "apart",
    "repair",
  ],
  ...["networkVersion", "predeploy", "upgrade"],
];

function isGiven(command: Command, name: string): boolean {
  return command.getOptionValueSource(name) === "cli";
}

function refuseFixed(command: Command, by: string, whose: string): void {
  const given = FIXED.find((name) => isGiven(command, name));
  if (given === undefined) return;
  const option = command.options.find((one) => one.attributeName() === given)?.long;
  throw new UsageError(`${by}: ${option} is that of ${whose}; leave it out`);
}

/** Options that say something only beside others, which are not given. */
function refuseAlone(command: Command, { fork, miners, nodes, listen, apart }: Options): void {
  const partOf = (names: readonly string[], why: string): void => {
    const given = names.find((name) => isGiven(command, name));
    const option = command.options.find((one) => given !== undefined && one.attributeName() === given)?.long;
    if (option !== undefined) throw new UsageError(`${option} ${why}`);
  };
  if (fork === undefined) partOf(["forkAt", "forkWhole"], "goes with --fork <url>");
  if (miners === 0) partOf(["sectors", "sectorSize"], "is for miners: give --miners 1 or more");
  if (nodes > 1 || listen !== undefined || apart !== undefined)
    partOf(["predeploy"], "is for networks of one node without --listen and --apart: deploy the contracts by messages");
}

async function loadNetwork(file: string, options: Partial<DevnetOptions>): Promise<Devnet> {
  const { Devnet } = await import("../../node/devnet.ts");
  return fromFile(file, (source) => Devnet.load(source, options));
}

async function fromFile<Result>(file: string, work: (source: ByteSource) => Promise<Result>): Promise<Result> {
  const source = await openBytes(file);
  try {
    return await readingCar(file, () => work(source));
  } finally {
    await source.close();
  }
}

/** That there is something to go on with, before an earlier network, of whatever form, is forgotten for it. */
async function checkSource({ fork, forkAt, load, bundles }: Options & { readonly bundles?: Bundles }): Promise<void> {
  if (fork !== undefined) {
    const { askFork } = await import("../../node/fork/open-fork.ts");
    await askFork(fork, forkAt, bundles);
  }
  if (load !== undefined) {
    const [{ askFile }, { loadCrypto }] = await Promise.all([
      import("../../node/devnet-dump.ts"),
      import("../../core/crypto.ts"),
    ]);
    await fromFile(load, async (source) => askFile(source, await loadCrypto(), bundles));
  }
}

/** Serves and mines until a signal, or until the data turns out to be damaged, which is thrown. */
async function serveUntilStopped(net: Devnet, options: Options, data: string | null): Promise<void> {
  const { host, port, allowHost: allowHosts, cors: allowOrigins, genesisTime: wanted } = options;
  const resumed = net.head.height === 0 ? null : net.head.height;
  const { url, port: served } = await net.serve({ host, port, allowHosts, allowOrigins });
  const token = await keepToken({ host, port: served }, net.services.tokenSecret, data);
  const loudness = options.quiet === true ? "quiet" : options.verbose === true ? "verbose" : "normal";
  const output = openOutput(options.json === true, loudness);
  const version = await versionFacts(net.network, net.node.chain);
  output.start(net, { url, data, resumed, version, token });
  const began = net.options.genesisTime;
  if (wanted !== undefined && began !== wanted) output.warn(otherTime(began));
  for (const folder of (await net.sealing?.folders.look()) ?? []) output.warn(awayText(folder));
  const { log } = net.services;
  net.services.chain.onHeadChange((changes) => {
    if (!log.prints("chain", "info")) return;
    for (const { type, tipset } of changes) if (type === "apply") output.tipset(net, tipset);
  });
  net.node.pool.onNote((note) => {
    if (log.prints("mpool", "warn")) output.note(net, note);
  });
  const damaged = new Promise<never>((_, reject) => {
    net.clock.onError = (error) => {
      if (isDamage(error)) reject(error);
      else if (log.prints("miner", "error")) output.error(error);
    };
  });
  const stopping = stopSignal();
  const working = (async () => {
    // By the clock the first tipset comes at once; without one, only a message makes a tipset.
    if (net.clock.blockTime > 0 && net.clock.isAutomatic) await net.clock.mine(1);
    net.clock.start();
    await stopping;
  })();
  await Promise.race([working, damaged]);
  await output.stop();
}

/** Throws the system's error if the address cannot be listened on. */
async function portIsFree(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
