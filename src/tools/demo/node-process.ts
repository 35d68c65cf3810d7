/** A node of a demonstration in a process of its own: told by its parent what the time is, and when to stop. */
import { platform } from "#platform";
import { openJoinedNode } from "../../node/joined-node.ts";
import { TableStore } from "../../storage/table-store.ts";
import { type Losses, loseSome } from "./losses.ts";
import { MovedClock } from "./moved-clock.ts";

/** What the parent says; what has an id is answered when it is done. */
export type ToNode =
  | { readonly kind: "clock"; readonly ahead: number; readonly id: number }
  /** Asks whether deals and sealing have done what they do before the next head. */
  | { readonly kind: "rest"; readonly id: number }
  | { readonly kind: "stop" };

/** What the node says. */
export type FromNode =
  | { readonly kind: "ready"; readonly url: string; readonly multiaddrs: readonly string[] }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "head"; readonly epoch: number; readonly key: string }
  | { readonly kind: "fault"; readonly text: string }
  | { readonly kind: "lost"; readonly counts: Readonly<Record<string, number>> };

export type NodeSpec = {
  readonly data: string;
  /** Multiaddr and port that it has at every start. */
  readonly listen: string;
  readonly port: number;
  readonly bootstrap: readonly string[];
  readonly mine: readonly string[];
  /** Milliseconds that its clock is ahead of the machine's. */
  readonly ahead: number;
  /** Share of what it sends that is lost. */
  readonly loss: number;
};

const say = (message: FromNode): void => void process.send?.(message);

async function run({ data, listen, port, bootstrap, mine, ahead, loss }: NodeSpec): Promise<void> {
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
    await node.stop();
    process.disconnect?.();
  };
  process.on("message", (message: ToNode) => {
    if (message.kind === "stop") return void stop();
    const done = (): void => say({ kind: "done", id: message.id });
    if (message.kind === "rest") return void node.deals.rest().then(done, done);
    clock.move(message.ahead);
    done();
  });
  process.on("disconnect", () => process.exit());
  chain.onHeadChange(told);
  if (loss > 0) {
    // Its parts begin to speak with the others as they start, and lose from then on.
    const { peers } = node;
    const start = peers.start.bind(peers);
    peers.start = async () => {
      await start();
      if (peers.network !== null) losses = loseSome(peers.network, loss);
    };
  }
  const { url } = await node.serve({ port });
  say({ kind: "ready", url, multiaddrs: node.peers.addresses() });
  told();
}

await run(JSON.parse(process.argv[2] as string) as NodeSpec);
