/** A node of a demonstration in a process of its own: told by its parent what the time is, and when to stop. */
import { platform } from "#platform";
import { openJoinedNode } from "../../node/joined-node.ts";
import type { PeerPart } from "../../node/peer-part.ts";
import { Random } from "../../sim/random.ts";
import { TableStore } from "../../storage/table-store.ts";
import { type Losses, loseSome } from "./losses.ts";
import { MovedClock } from "./moved-clock.ts";

/** What the parent says; what has an id is answered when it is done. */
export type ToNode =
  | { readonly kind: "clock"; readonly ahead: number; readonly id: number }
  /** Asks whether deals and sealing have done what they do before the next head. */
  | { readonly kind: "rest"; readonly id: number }
  /** Asks whether the node has its connections, and has fetched what it was told of; after some seconds it has not. */
  | { readonly kind: "joined"; readonly id: number }
  | { readonly kind: "stop" };

/** What the node says. */
export type FromNode =
  | { readonly kind: "ready"; readonly url: string; readonly multiaddrs: readonly string[] }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "head"; readonly epoch: number; readonly key: string }
  | { readonly kind: "fault"; readonly text: string }
  | { readonly kind: "lost"; readonly counts: Readonly<Record<string, number>> }
  /** Others that it has banned, when it stops: nobody of a demonstration has done anything wrong. */
  | { readonly kind: "banned"; readonly peers: readonly string[] };

export type NodeSpec = {
  readonly data: string;
  /** Multiaddr and port that it has at every start. */
  readonly listen: string;
  readonly port: number;
  readonly bootstrap: readonly string[];
  readonly mine: readonly string[];
  /** Milliseconds that its clock is ahead of the machine's. */
  readonly ahead: number;
  /** Share of what it sends that is lost, and what decides which. */
  readonly loss: number;
  readonly lossSeed: string;
};

/** Real time that a node is given to dial and to fetch before the clocks are moved on, and between two looks at it. */
const JOINED_MS = 20_000;
const JOINED_LOOK_MS = 50;

const say = (message: FromNode): void => void process.send?.(message);

async function run({ data, listen, port, bootstrap, mine, ahead, loss, lossSeed }: NodeSpec): Promise<void> {
  const clock = new MovedClock(ahead);
  const store = await TableStore.open(data, platform.openTable, { create: false });
  const node = await openJoinedNode({
    ...{ store, data, secrets: await platform.openSecrets(data), listen: [listen], bootstrap, mine },
    ...{ machine: "thread", version: "demo", time: clock },
    onFault: (where, error) => say({ kind: "fault", text: `${where}: ${error}` }),
    onMining: (event) => {
      if (event.kind === "failed") say({ kind: "fault", text: `mining: ${event.error}` });
    },
  });
  const { chain } = node.node;
  const told = (): void => say({ kind: "head", epoch: chain.head.height, key: `${chain.head.key}` });
  let losses: Losses | null = null;
  const stop = async (): Promise<void> => {
    losses?.stop();
    if (losses !== null) say({ kind: "lost", counts: losses.count() });
    const banned = node.peers.book.list().filter(({ bans }) => bans > 0);
    say({ kind: "banned", peers: banned.map(({ id, lastOffence }) => `${id} for ${lastOffence}`) });
    await node.stop();
    process.disconnect?.();
  };
  process.on("message", (message: ToNode) => {
    if (message.kind === "stop") return void stop();
    const done = (): void => say({ kind: "done", id: message.id });
    if (message.kind === "rest") return void node.deals.rest().then(done, done);
    if (message.kind === "joined") return void joined(node.peers, bootstrap.length).then(done);
    clock.move(message.ahead);
    done();
  });
  process.on("disconnect", () => process.exit());
  // Its parent may have ended as it started.
  if (!process.connected) process.exit();
  chain.onHeadChange(told);
  if (loss > 0) {
    // Its parts begin to speak with the others as they start, and lose from then on.
    const { peers } = node;
    const start = peers.start.bind(peers);
    peers.start = async () => {
      await start();
      if (peers.network !== null) losses = loseSome(peers.network, loss, new Random(lossSeed));
    };
  }
  const { url } = await node.serve({ port });
  say({ kind: "ready", url, multiaddrs: node.peers.addresses() });
  told();
}

/** Resolves when a node is connected to those that it keeps connected to and fetches nothing, or some seconds later. */
async function joined({ network, syncer }: PeerPart, peers: number): Promise<void> {
  const until = Date.now() + JOINED_MS;
  const isJoined = (): boolean => {
    const connected = new Set(network?.connected().map(({ id }) => id));
    return connected.size >= peers && syncer.status().active.length === 0;
  };
  while (!isJoined() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, JOINED_LOOK_MS));
}

await run(JSON.parse(process.argv[2] as string) as NodeSpec);
