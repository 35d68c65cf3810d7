/** What nodes of a network say while they run: heads, mining and faults, as lines for people or as JSON. */
import { describeError } from "../base/errors.ts";
import type { FaultReport } from "../miner/fault-reporter.ts";
import type { MiningEvent } from "../miner/mining-loop.ts";
import type { SealingPart } from "../node/sealing-part.ts";
import { headerCid, type Tipset } from "../types/block-header.ts";
import { paint } from "./terminal.ts";

/** What to do about a folder of sectors that is not there. */
export const TO_BRING_BACK =
  "its sectors cannot be proved meanwhile: mount its disk, or move it back; it is taken up again by itself " +
  "(if it is lost, `filigree miner storage attach` with its path begins it anew, empty; " +
  "`miner storage detach` gives up one that was attached)";

/** What is told of one at the start. */
export function awayText({ path, why }: { readonly path: string; readonly why: string }): string {
  return `the folder of sectors ${path} is not there: ${why}; ${TO_BRING_BACK}`;
}

/** What is told where a network goes on that began at another time than was asked for. */
export function otherTime(began: number): string {
  return (
    `--genesis-time: the network in the data folder began at ${began} (${new Date(1000 * began).toISOString()}) and keeps that; ` +
    "leave it out, give another --data, or --reset"
  );
}

export type NodeOutput = {
  say(lines: readonly string[], json: Record<string, unknown>): void;
  head(node: number, head: Tipset): void;
  mining(node: number, event: MiningEvent): void;
  report(node: number, report: FaultReport): void;
  /** Something of this node stands in the way of what peers send. */
  fault(node: number, where: string, error: unknown): void;
};

/** Tells of the folders of sectors that are not there. */
export async function tellAway(
  output: NodeOutput,
  node: number,
  sealing: Pick<SealingPart, "folders"> | null,
): Promise<void> {
  for (const folder of (await sealing?.folders.look()) ?? [])
    output.fault(node, "folders", new Error(awayText(folder)));
}

export type NodeLoudness = { readonly json: boolean; readonly quiet: boolean; readonly verbose: boolean };

/** Milliseconds that a node may wait for its peers or their chain before it is told. */
const SHORT_WAIT_MS = 10_000;

/** A node that makes no blocks until it has its peers' chain. */
type Wait = { readonly timer: NodeJS.Timeout; isTold?: true };

function isBehind(mined: MiningEvent): boolean {
  return mined.kind === "paused" && mined.by === "behind";
}

/** `who`: what lines begin with, of nodes of one process with its index; of a process that has one alone without: others have nodes by numbers, too. */
export function nodeOutput(
  { json, quiet, verbose }: NodeLoudness,
  who: "nodes" | "node" | "miner" = "nodes",
): NodeOutput {
  const name = (node: number): string => (who === "nodes" ? `node ${node}` : who);
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  const event = (fields: Record<string, unknown>): void => line(JSON.stringify(fields));
  const warn = (text: string): void =>
    void process.stderr.write(`${paint(process.stderr, "red", "warning:")} ${text}\n`);
  const waits = new Map<number, Wait>();
  const tell = (node: number, text: string, wait: Wait): void => {
    wait.isTold = true;
    line(`${name(node)}  ${text}`);
  };
  return {
    say(lines, fields) {
      if (json) event(fields);
      else for (const text of quiet ? lines.slice(0, 1) : lines) line(text);
    },
    head(node, { height, key, blocks }) {
      const fields = { event: "head", node, epoch: height, tipset: key.map(String), blocks: blocks.length };
      if (json) event(fields);
      else if (!quiet && (verbose || node === 0))
        line(
          `${name(node)}  epoch ${height}  ${blocks.length} ${blocks.length === 1 ? "block" : "blocks"} by ${blocks.map(({ miner }) => miner.toString("t")).join(" ")}${verbose ? `  ${key.join(" ")}` : ""}`,
        );
    },
    mining(node, mined) {
      const text = miningText(mined);
      if (json) {
        if (mined.kind !== "made" || verbose)
          event({ event: "mining", node, state: mined.kind, ...miningFields(mined), text });
      } else if (isBehind(mined)) {
        // Every node is, for a moment, when it starts: nothing is wrong, and nobody needs to know unless it lasts.
        if (quiet || waits.has(node)) return;
        const wait: Wait = { timer: setTimeout(() => tell(node, text, wait), verbose ? 0 : SHORT_WAIT_MS) };
        wait.timer.unref();
        waits.set(node, wait);
      } else if (mined.kind === "resumed" && mined.after === "behind") {
        const wait = waits.get(node);
        clearTimeout(wait?.timer);
        waits.delete(node);
        if (wait?.isTold === true) line(`${name(node)}  ${text}`);
      } else if (
        mined.kind === "failed" ||
        mined.kind === "refused" ||
        mined.kind === "rival" ||
        mined.kind === "paused"
      )
        warn(`${name(node)}: ${text}`);
      else if (!quiet && (verbose || mined.kind === "resumed")) line(`${name(node)}  ${text}`);
    },
    report(node, { fault, sent, why }) {
      const { kind, first, second } = fault;
      const miner = first.miner.toString("t");
      const blocks = [first, second].map((header) => `${headerCid(header)}`);
      const outcome = sent === null ? `not reported: ${describeError(why)}` : "reported";
      if (json)
        event({ event: "fault", node, kind, miner, epoch: second.height, blocks, reported: sent !== null, outcome });
      else if (!quiet) line(`${name(node)}  ${kind} by ${miner} at epoch ${second.height}; ${outcome}`);
    },
    fault(node, where, error) {
      const text = describeError(error);
      if (json) event({ event: "error", node, where, message: text });
      else warn(`${name(node)}, ${where}: ${text}`);
    },
  };
}

function miningFields(mined: MiningEvent): Record<string, unknown> {
  if (mined.kind === "made")
    return { epoch: mined.epoch, miner: mined.miner.address.toString("t"), lateMs: mined.late, again: mined.again };
  if (mined.kind === "refused" || mined.kind === "rival")
    return { epoch: mined.error.data.epoch, miner: mined.miner.address.toString("t") };
  if (mined.kind === "paused") return { epoch: mined.epoch, by: mined.by };
  return mined.kind === "rebased" ? { epoch: mined.epoch } : {};
}

function miningText(mined: MiningEvent): string {
  switch (mined.kind) {
    case "paused":
      if (mined.by === "behind") return "mining waits: the node looks for its peers, or fetches their chain";
      return mined.by === "beacon"
        ? `mining waits: the beacon is silent (epoch ${mined.epoch}): ${describeError(mined.error)}`
        : `mining waits: the node does not answer since epoch ${mined.epoch}: ${describeError(mined.error)}`;
    case "resumed":
      return mined.after === "behind" ? "mining goes on" : `mining goes on: the ${mined.after} answers`;
    case "rebased":
      return `the base of epoch ${mined.epoch} changed before a block was signed`;
    case "made":
      return mined.again
        ? `${mined.miner.address.toString("t")} hands on its block of epoch ${mined.epoch}, signed before`
        : `${mined.miner.address.toString("t")} made a block of epoch ${mined.epoch}`;
    case "refused":
    case "rival":
      return mined.error.message;
    case "failed":
      return `mining failed: ${describeError(mined.error)}`;
  }
}
