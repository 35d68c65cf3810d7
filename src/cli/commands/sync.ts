/** `filigree sync`: how far a running node is with the chain of its peers. */
import type { Command } from "commander";
import { sleepFor } from "../../base/sleep.ts";
import { interruptible } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { NodeRefusal, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { table } from "../table.ts";
import { countText, tellingLine } from "../terminal.ts";

type Tipset = { readonly Height: number; readonly Cids: readonly { readonly "/": string }[] };
type Run = {
  readonly Base: Tipset | null;
  readonly Target: Tipset | null;
  readonly Stage: number;
  readonly Height: number;
  readonly Start: string;
  readonly Message: string;
};
type State = { readonly ActiveSyncs: readonly Run[]; readonly VMApplied: number };
type Head = Tipset & { readonly Blocks: readonly { readonly Timestamp: number }[] };

/** Source: lotus api (SyncStateStage) at b835fab702eb. */
const STAGES = ["idle", "headers", "persisting headers", "messages", "complete", "error", "fetching messages"];
const COMPLETE = 4;
const FAILED = 5;
const POLL_MS = 500;
/** Epochs behind the clock at which a node counts as having caught up: the newest tipset takes a while to come. */
const NEAR = 2;
/** Seconds that are waited unless another number is given. */
const WAIT_SECONDS = 86_400;

export function registerSync(program: Command): void {
  const sync = program.command("sync").description("how far a running node is with the chain of its peers");
  withRemote(sync.command("status").description("what is being fetched, and what was")).action(status);
  withRemote(
    sync
      .command("wait")
      .description("wait until the node has caught up with its peers and the clock")
      .option("--timeout <seconds>", "how long to wait", wholeNumber(1, 10_000_000), WAIT_SECONDS),
  ).action(wait);
}

/** What a node says that has no network: a local one, whose epochs pass as its own clock has them. */
const NO_NETWORK = "this node has no peers";
const ALONE = `${NO_NETWORK}: it was started without a network, and makes its chain itself`;

/** What the table is of. */
const FETCHES =
  "Chains that were fetched of peers, the newest first (no line: blocks that came one by one as they were made). From: the tipset of this node's chain that they go on from; at: how far it has come.";

type Position = {
  readonly head: Head;
  /** Epochs; null where nobody has more than the node itself. */
  readonly behind: number | null;
  readonly peers: number;
  readonly state: State;
};

async function positionOf(remote: Remote): Promise<Position> {
  const state = await remote.call<State>("SyncState");
  const head = await remote.call<Head>("ChainHead");
  const { SyncStatus, PeerStatus } = await remote.call<{
    SyncStatus: { Behind: number };
    PeerStatus: { PeersToPublishBlocks: number };
  }>("NodeStatus", false);
  const behind = (await hasNetwork(remote)) ? SyncStatus.Behind : null;
  return { head, behind, peers: PeerStatus.PeersToPublishBlocks, state };
}

async function hasNetwork(remote: Remote): Promise<boolean> {
  try {
    await remote.call("NetAddrsListen");
    return true;
  } catch (error) {
    if (error instanceof NodeRefusal && error.message.includes(NO_NETWORK)) return false;
    throw error;
  }
}

const isActive = ({ Stage }: Run): boolean => Stage !== COMPLETE && Stage !== FAILED;

async function status(options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const { head, behind, state } = await positionOf(remote);
  const runs = state.ActiveSyncs.map((run) => ({
    stage: STAGES[run.Stage] ?? `${run.Stage}`,
    base: run.Base?.Height ?? null,
    height: run.Height,
    target: run.Target?.Height ?? null,
    active: isActive(run),
    started: run.Start,
    message: run.Message,
  }));
  const warnings = await warningsOf(remote);
  const figures = { epoch: head.Height, behind, applied: state.VMApplied };
  say(options.json, { ...figures, syncs: runs, warnings }, syncLines(figures, runs, warnings));
}

type Fetch = {
  readonly stage: string;
  readonly base: number | null;
  readonly height: number;
  readonly target: number | null;
  readonly started: string;
  readonly message: string;
};

/** What is told of a node for people. */
export function syncLines(
  { epoch, behind, applied }: { readonly epoch: number; readonly behind: number | null; readonly applied: number },
  runs: readonly Fetch[],
  warnings: readonly string[],
): string[] {
  const rows = runs.map(({ started, stage, base, height, target, message }) => [
    ...[started.slice(0, 19), stage],
    ...[`${base ?? "?"}`, `${height}`, `${target ?? "?"}`, message],
  ]);
  const fetched = [FETCHES, ...table(["began", "stage", "from epoch", "at epoch", "to epoch", ""], rows)];
  return [
    behind === null
      ? `head at epoch ${epoch}; ${ALONE}`
      : `head at epoch ${epoch}, ${countText(behind, "epoch")} behind the clock; ${countText(applied, "message")} of peers' blocks applied`,
    ...warnings.map((text) => `warning: ${text}`),
    ...(rows.length > 0 ? fetched : behind === null ? [] : ["no chain was fetched"]),
  ];
}

type Alert = { readonly Active: boolean; readonly LastActive: { readonly Message: string } | null };

/** What of the node fails now; nothing where only an administrator may know. */
async function warningsOf(remote: Remote): Promise<string[]> {
  const alerts = (await remote.ask<readonly Alert[]>("LogAlerts")) ?? [];
  return alerts.filter(({ Active }) => Active).map(({ LastActive }) => LastActive?.Message ?? "");
}

async function wait(options: RemoteOptions & { readonly timeout: number }): Promise<void> {
  const remote = await Remote.open(options);
  const line = tellingLine();
  const end = Date.now() + options.timeout * 1000;
  const found = await interruptible(async (signal) => {
    for (;;) {
      const position = await positionOf(remote);
      const active = position.state.ActiveSyncs.find(isActive);
      if (position.behind === null || (active === undefined && position.behind <= NEAR)) return position;
      if (Date.now() >= end)
        throw new Error(
          `epoch ${position.head.Height}, ${position.behind} behind the clock after ${options.timeout} s`,
        );
      line.show(
        `epoch ${position.head.Height}, ${position.behind} behind the clock: ${waitedFor(active, position.peers)}`,
      );
      await sleepFor(POLL_MS, signal);
    }
  }, "filigree sync wait").finally(() => line.clear());
  const { head, behind } = found;
  say(options.json, { epoch: head.Height, behind, tipset: head.Cids.map((cid) => cid["/"]) }, [
    behind === null ? `nothing to wait for at epoch ${head.Height}: ${ALONE}` : `caught up: epoch ${head.Height}`,
  ]);
}

function waitedFor(active: Run | undefined, peers: number): string {
  if (active !== undefined) return `${STAGES[active.Stage] ?? active.Stage} at ${active.Height}`;
  return peers === 0 ? "waiting for a peer" : `waiting for newer blocks of ${countText(peers, "peer")}`;
}
