/** `filigree devnet --nodes` or `--listen`: a local network of several nodes in this process, which others may join. */
import { lstat, mkdir } from "node:fs/promises";
import path from "node:path";
import type { Chain } from "../chain/chain.ts";
import { loadCrypto } from "../core/crypto.ts";
import { mnemonicOfSeed, PUBLIC_MNEMONIC } from "../node/accounts.ts";
import { isDamage } from "../node/damage.ts";
import { LocalNetwork, type LocalNetworkOptions } from "../node/local-network.ts";
import { descriptionToJson } from "../node/network-description.ts";
import { accountJson, chainIdNote, ethereumLine, hasEthereum } from "./account-words.ts";
import { UsageError } from "./errors.ts";
import { type KeptToken, keepToken, tokenText } from "./kept-token.ts";
import { DESCRIPTION_FILE, GENESIS_FILE, settleForm } from "./network-forms.ts";
import { nodeOutput, otherTime, tellAway } from "./node-output.ts";
import { writeOutput } from "./output.ts";
import { proofsText } from "./real-proofs.ts";
import { sizeText } from "./terminal.ts";
import { ComingVersions, upgradeText, type VersionFacts, versionFacts, versionLine } from "./version-text.ts";

export type SeveralOptions = Pick<
  LocalNetworkOptions,
  | "nodes"
  | "miners"
  | "sectors"
  | "sectorSize"
  | "presealing"
  | "networkVersion"
  | "bundle"
  | "upgrades"
  | "apart"
  | "accounts"
  | "balance"
  | "blockTime"
  | "genesisTime"
  | "reset"
  | "repair"
  | "machine"
  | "retention"
  | "proving"
  | "version"
> & {
  readonly seed: string | undefined;
  readonly mnemonic: string | undefined;
  /** Whether the genesis time was asked for. */
  readonly wantsTime: boolean;
  readonly listen: string | undefined;
  readonly data: string | null;
  readonly host: string;
  readonly port: number;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
};

const DEFAULT_LISTEN = "/ip4/127.0.0.1/tcp/0";
const DEFAULT_SEED = "filigree";
const MAX_PORT = 65_535;

/** Runs until a signal, or until the data of a node turns out to be damaged, which is thrown. */
export async function runSeveralNodes(options: SeveralOptions, stopped: Promise<void>): Promise<void> {
  const { seed, mnemonic, listen, data, host, port, allowHosts, allowOrigins, wantsTime, ...rest } = options;
  if (options.miners < 1) throw new UsageError("several nodes agree by elections: give --miners 1 or more");
  if (options.blockTime < 1 || !Number.isInteger(options.blockTime))
    throw new UsageError("epochs of several nodes pass by the clock, in whole seconds: give --block-time 1 or more");
  checkPorts(options);
  if (data !== null) {
    await checkFolder(data);
    await settleForm(data, options);
  }
  const output = nodeOutput(options);
  let damaged: (error: unknown) => void = () => undefined;
  const damage = new Promise<never>((_, reject) => {
    damaged = reject;
  });
  damage.catch(() => undefined);
  const look = (error: unknown): void => {
    if (isDamage(error)) damaged(error);
  };
  // Where everything is comes first, as scripts read it; what happened before is told behind it.
  let early: (() => void)[] | null = [];
  const tellLater = (say: () => void): void => {
    if (early === null) say();
    else early.push(say);
  };
  // Node 0 speaks for all.
  const coming = new ComingVersions(options.upgrades ?? []);
  const net = await LocalNetwork.open({
    ...rest,
    seed: seed ?? DEFAULT_SEED,
    mnemonic: mnemonic ?? (seed === undefined ? PUBLIC_MNEMONIC : mnemonicOfSeed(await loadCrypto(), seed)),
    listen: listen ?? DEFAULT_LISTEN,
    dataOf: data === null ? null : (index) => nodeFolder(data, index),
    onHead: (node, head) =>
      tellLater(() => {
        output.head(node, head);
        for (const one of node === 0 ? coming.at(head.height) : [])
          output.say([...(options.quiet ? [] : [upgradeText(one)])], { event: "upgrade", ...one });
      }),
    onMining: (node, event) => {
      if (event.kind === "failed") look(event.error);
      tellLater(() => output.mining(node, event));
    },
    onReport: (node, report) => tellLater(() => output.report(node, report)),
    onFault: (node, where, error) => {
      look(error);
      tellLater(() => output.fault(node, where, error));
    },
  });
  try {
    const tokens: (KeptToken | null)[] = [];
    for (const [index, node] of net.nodes.entries()) {
      const place = { host, port: port === 0 ? 0 : port + index };
      const { port: served } = await node.serve({ ...place, allowHosts, allowOrigins });
      const folder = data === null ? null : nodeFolder(data, index);
      tokens.push(await keepToken({ host, port: served }, node.services.tokenSecret, folder));
    }
    const written = data === null ? null : await writeDescription(net, data);
    const version = await versionFacts(net.network, net.nodes[0]?.node.chain as Chain);
    tell(net, output, { written, tokens, data, version, quiet: options.quiet });
    if (wantsTime && net.options.genesisTime !== options.genesisTime)
      output.fault(0, "start", new Error(otherTime(net.options.genesisTime)));
    for (const [index, { sealing }] of net.nodes.entries()) await tellAway(output, index, sealing);
    for (const say of early) say();
    early = null;
    await Promise.race([stopped, damage]);
    output.say([], { event: "stop" });
  } finally {
    await net.close();
  }
}

const nodeFolder = (data: string, index: number): string => path.join(data, `node-${index}`);

/** Refuses ports that JSON-RPC and peers would both take, and ports that there are not. */
function checkPorts({ nodes, port, listen }: SeveralOptions): void {
  const first = Number(/\/tcp\/(\d{1,5})/.exec(listen ?? "")?.[1] ?? 0);
  if (first === 0) return;
  const last = first + nodes - 1;
  if (last > MAX_PORT)
    throw new UsageError(`--listen: the last of ${nodes} nodes would have port ${last}; ${MAX_PORT} is the highest`);
  if (port === 0 || port > last || first > port + nodes - 1) return;
  throw new UsageError(
    `--port takes ${portsText(port, nodes)} for JSON-RPC and --listen ${portsText(first, nodes)} for peers: give ports that do not meet`,
  );
}

function portsText(first: number, count: number): string {
  return count === 1 ? `port ${first}` : `ports ${first} to ${first + count - 1}`;
}

/** Refuses a folder in which files of the description's names stand that no network of this folder wrote. */
async function checkFolder(data: string): Promise<void> {
  const isThere = (name: string): Promise<boolean> =>
    lstat(path.join(data, name)).then(
      () => true,
      () => false,
    );
  if (await isThere("node-0")) return;
  for (const name of [DESCRIPTION_FILE, GENESIS_FILE])
    if (await isThere(name))
      throw new UsageError(
        `${path.join(data, name)} is there, and is of no network in that folder; name another --data`,
      );
}

/** Writes what others need to join: `devnet.json` and `genesis.car`. */
async function writeDescription(net: LocalNetwork, data: string): Promise<{ description: string; genesis: string }> {
  await mkdir(data, { recursive: true });
  const [description, genesis] = [path.join(data, DESCRIPTION_FILE), path.join(data, GENESIS_FILE)];
  const car = await net.genesisCar();
  await writeOutput(genesis, { force: true }, (handle) => handle.writeFile(car));
  const text = `${JSON.stringify(descriptionToJson(net.describe()), null, 2)}\n`;
  await writeOutput(description, { force: true }, (handle) => handle.writeFile(text));
  return { description, genesis };
}

type Told = {
  readonly written: { readonly description: string; readonly genesis: string } | null;
  /** Of the nodes, by their index. */
  readonly tokens: readonly (KeptToken | null)[];
  readonly data: string | null;
  readonly version: VersionFacts;
  readonly quiet: boolean;
};

/** What is common to all nodes once, and what each has on lines of its own. */
function tell(
  net: LocalNetwork,
  output: ReturnType<typeof nodeOutput>,
  { written, tokens, data, version, quiet }: Told,
): void {
  const described = net.describe();
  const [first] = net.accounts;
  const minersOf = (index: number): string[] =>
    described.miners.filter(({ node }) => node === index).map(({ address }) => address);
  const nodes = net.nodes.map(({ url, peers }, index) => ({
    node: index,
    rpc: url,
    multiaddrs: peers.addresses(),
    miners: minersOf(index),
    ...tokenJson(tokens[index] ?? null),
  }));
  const apart = described.miners.filter(({ node }) => node === null).map(({ address }) => address);
  const tokenLine = (index: number): string[] => {
    const token = tokens[index] ?? null;
    return token === null ? [] : [`           ${tokenText(token, data === null ? null : nodeFolder(data, index))}`];
  };
  const lines = [
    `Network    "${described.network}" of ${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}, elections over sealed sectors of ${sizeText(described.miners[0]?.sectorBytes ?? 0)}; ${proofsText(described.proofs)}`,
    versionLine(version),
    "",
    ...nodes.flatMap(({ node, rpc, multiaddrs, miners }) => [
      `Node ${node}     ${rpc}  ${miners.length === 0 ? "follows" : `mines as ${miners.join(", ")}`}`,
      ...multiaddrs.map((address) => `           ${address}`),
      ...tokenLine(node),
    ]),
    `Page       ${new URL("/", described.rpc[0]).href}  (in a browser; each node serves one)`,
    `Again      filigree net nodes --rpc ${described.rpc[0]}  (addresses and miners of all nodes, while they run)`,
    ...(apart.length === 0
      ? []
      : [
          `Apart      ${apart.join(", ")}: no node here mines with ${apart.length === 1 ? "it" : "them"}: filigree miner init --actor ${apart[0]} --genesis --rpc ${described.rpc[0]}`,
        ]),
    "",
    ...described.accounts.map(({ name, id, secp256k1 }) => `${name?.padEnd(10)} ${id}  ${secp256k1}`),
    "THESE ACCOUNTS ARE PUBLIC: never use them on a real network. Their keys are in the wallet of each of these nodes.",
    "",
    `Mnemonic   ${net.options.mnemonic}  (m/44'/461'/0'/0/n)`,
    ...(hasEthereum(version.networkVersion) && first !== undefined
      ? [
          ethereumLine(first, net.network, false),
          "           each of these nodes signs for them (eth_accounts); one that joins has no keys of accounts",
        ]
      : []),
    `Chain id   ${described.chainId} (${chainIdNote(version)})`,
    `Genesis    ${described.genesis.cid}, ${new Date(described.genesis.time * 1000).toISOString()}`,
    ...(written === null
      ? ["Joining    needs --data: the description and the genesis are files"]
      : described.upgrades !== undefined
        ? ["Joining    is not for networks with upgrades: nodes of other processes do not have the later actors"]
        : [
            `Joining    filigree node init --network ${written.description} --genesis ${written.genesis} --data <folder>`,
            "           filigree node start --data <folder>",
          ]),
    "",
  ];
  const least = [`JSON-RPC   ${described.rpc.join("  ")}`, ...nodes.flatMap(({ node }) => tokenLine(node))].join("\n");
  const { toCome: _, ...running } = version;
  // The description's version is the genesis'.
  output.say(quiet ? [least] : lines, {
    ...{ event: "start", nodes, files: written, running },
    ...descriptionToJson(described),
    ...{ chainIdNote: chainIdNote(version), mnemonic: net.options.mnemonic, keysArePublic: true },
    accounts: net.accounts.map((account) => accountJson(account, net.network, version.networkVersion)),
  });
}

/** With `--json` a token is told only where no file keeps it. */
function tokenJson(token: KeptToken | null): { readonly token?: string; readonly tokenFile?: string } {
  if (token === null) return {};
  return token.file === null ? { token: token.text } : { tokenFile: token.file };
}
