/** `filigree net`: the peers of a running node. */
import type { Command } from "commander";
import { ipOf, isPeerId } from "../../rpc/methods/net-parts.ts";
import { UsageError } from "../errors.ts";
import { collect, DEFAULT_DATA } from "../options.ts";
import { ownTokenFor } from "../own-token.ts";
import { Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { table } from "../table.ts";

type Peer = { readonly ID: string; readonly Addrs: readonly string[] };
type Score = {
  readonly ID: string;
  readonly Score: {
    readonly Score: number;
    readonly IPColocationFactor: number;
    readonly BehaviourPenalty: number;
    readonly Topics: Readonly<Record<string, unknown>>;
  };
};
type Bans = {
  readonly Peers: readonly string[];
  readonly IPAddrs: readonly string[];
  readonly IPSubnets: readonly string[];
};

export function registerNet(program: Command): void {
  const net = program.command("net").description("the peers of a running node");
  withRemote(
    net
      .command("peers")
      .description("the peers that are connected")
      .option("--agent", "with what each says that it is"),
  ).action(peers);
  withRemote(
    net
      .command("connect")
      .description("connect to peers")
      .argument("<multiaddr...>", "address with the peer's identity: /ip4/…/tcp/…/p2p/12D3KooW…"),
  ).action(connectTo);
  withRemote(net.command("id").description("the node's identity and the addresses at which it listens")).action(id);
  withRemote(
    net
      .command("nodes")
      .description("all nodes of the local network that this one is of: addresses, miners, and where their tokens are")
      .option("--data <folder>", "where the network is kept, for the tokens", DEFAULT_DATA),
  ).action(nodes);
  withRemote(net.command("scores").description("scores of the peers in the gossip mesh")).action(scores);
  withRemote(
    net
      .command("bans")
      .description("peers and hosts that are not let in; with options, changes them")
      .option("--add <peer|ip>", "ban a peer or a host for good (repeatable)", collect, [])
      .option("--remove <peer|ip>", "lift the ban of a peer or a host (repeatable)", collect, []),
  ).action(bans);
}

async function peers(options: RemoteOptions & { readonly agent?: true }): Promise<void> {
  const remote = await Remote.open(options);
  const found: { id: string; addresses: readonly string[]; agent?: string }[] = [];
  for (const { ID: peer, Addrs: addresses } of await remote.call<Peer[]>("NetPeers")) {
    // One that has gone meanwhile has no name.
    const name = options.agent === true ? await remote.call<string>("NetAgentVersion", peer).catch(() => "") : null;
    found.push({ id: peer, addresses, ...(name === null ? {} : { agent: name }) });
  }
  const head = ["peer", "address", ...(options.agent === true ? ["agent"] : [])];
  const rows = found.map(({ id: peer, addresses, agent }) => [peer, addresses[0] ?? "", agent ?? ""]);
  say(options.json, { peers: found }, found.length === 0 ? ["no peer is connected"] : table(head, rows));
}

async function connectTo(addresses: readonly string[], options: RemoteOptions): Promise<void> {
  const wanted = addresses.map((address) => {
    const [, peer] = /\/p2p\/([1-9A-HJ-NP-Za-km-z]{46,64})$/.exec(address) ?? [];
    if (peer === undefined || !address.startsWith("/"))
      throw new UsageError(`${address}: a multiaddr that ends with /p2p/<identity> expected`);
    return { ID: peer, Addrs: [address] };
  });
  const remote = await Remote.open(options);
  for (const peer of wanted) await remote.call("NetConnect", peer);
  const ids = wanted.map(({ ID: peer }) => peer);
  say(
    options.json,
    { connected: ids },
    ids.map((peer) => `connected to ${peer}`),
  );
}

async function id(options: RemoteOptions): Promise<void> {
  const { ID: own, Addrs } = await (await Remote.open(options)).call<Peer>("NetAddrsListen");
  const addresses = Addrs.map((address) => `${address}/p2p/${own}`);
  say(options.json, { id: own, addresses }, [own, ...addresses]);
}

type Described = {
  readonly rpc?: readonly string[];
  readonly multiaddrs?: readonly string[];
  readonly miners?: readonly { readonly address: string; readonly node?: number | null }[];
};

async function nodes(options: RemoteOptions & { readonly data: string }): Promise<void> {
  const remote = await Remote.open(options, options.data);
  const found = await remote.ask<Described>("Devnet.info");
  if (found === null)
    throw new Error(`${remote.url} is no local network, which alone knows all of its nodes; see filigree net peers`);
  const { rpc = [remote.url], multiaddrs = [], miners = [] } = found;
  const peers = [...new Set(multiaddrs.map(peerOf))];
  const rows = [];
  for (const [node, url] of rpc.entries()) {
    const own = multiaddrs.filter((address) => peerOf(address) === peers[node]);
    // A network of one process has one node, whose miners are not said to be a node's.
    const mines = miners.filter((miner) => (miner.node === undefined ? 0 : miner.node) === node);
    const token = await ownTokenFor(options.data, url);
    rows.push({
      ...{ node, rpc: url, page: new URL("/", url).href, multiaddrs: own },
      miners: mines.map(({ address }) => address),
      tokenFile: token?.file ?? null,
    });
  }
  const lines = rows.flatMap(({ node, rpc: url, page, multiaddrs: own, miners: mines, tokenFile }) => [
    `Node ${node}  ${url}  ${mines.length === 0 ? "follows" : `mines as ${mines.join(", ")}`}`,
    ...[`page ${page}`, ...own, ...(tokenFile === null ? [] : [`token in ${tokenFile}`])].map(
      (text) => `        ${text}`,
    ),
  ]);
  say(options.json, { nodes: rows }, lines);
}

const peerOf = (multiaddr: string): string => /\/p2p\/(\w+)$/.exec(multiaddr)?.[1] ?? "";

async function scores(options: RemoteOptions): Promise<void> {
  const found = await (await Remote.open(options)).call<Score[]>("NetPubsubScores");
  const rows = found.map(({ ID: peer, Score: one }) => [
    peer,
    one.Score.toFixed(2),
    `${one.BehaviourPenalty}`,
    `${one.IPColocationFactor}`,
    `${Object.keys(one.Topics).length}`,
  ]);
  const head = ["peer", "score", "penalty", "same address", "topics"];
  say(options.json, { scores: found }, rows.length === 0 ? ["no peer is connected"] : table(head, rows));
}

type BanOptions = RemoteOptions & { readonly add: readonly string[]; readonly remove: readonly string[] };

async function bans(options: BanOptions): Promise<void> {
  for (const name of options.add)
    if (!isPeerId(name) && ipOf(name) === null)
      throw new UsageError(`--add ${name}: the identity of a peer (12D3KooW…) or an IP address expected`);
  const add = listOf(options.add);
  const remove = listOf(options.remove);
  const remote = await Remote.open(options);
  if (options.remove.length > 0) refuseUnbanned(options.remove, await remote.call<Bans>("NetBlockList"));
  if (options.add.length > 0) await remote.call("NetBlockAdd", add);
  if (options.remove.length > 0) await remote.call("NetBlockRemove", remove);
  const { Peers, IPAddrs } = await remote.call<Bans>("NetBlockList");
  say(
    options.json,
    { peers: Peers, hosts: IPAddrs },
    Peers.length + IPAddrs.length === 0
      ? ["nobody is banned"]
      : [...Peers.map((peer) => `peer  ${peer}`), ...IPAddrs.map((host) => `host  ${host}`)],
  );
}

/** Before anything is changed. */
function refuseUnbanned(names: readonly string[], { Peers, IPAddrs }: Bans): void {
  const banned = [...Peers, ...IPAddrs];
  const free = names.filter((name) => !banned.includes(name) && !banned.includes(ipOf(name) ?? name));
  if (free.length === 0) return;
  const [who, is] = [free.join(", "), free.length === 1 ? "is" : "are"];
  throw new Error(`--remove: ${who} ${is} not banned; \`filigree net bans\` lists who is`);
}

/** Peers by their identities, hosts by their addresses. */
function listOf(names: readonly string[]): Bans {
  const isHost = (name: string): boolean => /^[\d.]+$|:/.test(name);
  return { Peers: names.filter((name) => !isHost(name)), IPAddrs: names.filter(isHost), IPSubnets: [] };
}
