/** docs/life-of-a-sector.md: the picture and the table of states come from the table that the machine goes by. */
import { LIMITS } from "../../miner/sealing/failed-steps.ts";
import { ALL_STATES, kindOf, SECTOR_STATES, type SectorState, type StateKind } from "../../miner/sealing/states.ts";
import { SEALING_EPOCHS } from "../../miner/sealing/terms.ts";
import type { GeneratedFile } from "./generator.ts";

const KINDS: Readonly<Record<StateKind, string>> = {
  input: "waits for data",
  work: "computes",
  message: "sends a message",
  wait: "waits for the chain",
  held: "is on the chain",
  failed: "failed: decides what next",
  end: "stands still",
};

const eventsOf = (state: SectorState): (readonly [event: string, to: string])[] =>
  Object.entries(SECTOR_STATES[state].on);

/** States and events as a Mermaid diagram; several events from one state to another are one arrow. */
function picture(states: readonly SectorState[]): string[] {
  const lines = ["stateDiagram-v2", "    [*] --> WaitDeals: for pieces", "    [*] --> Packing: pledged, without data"];
  for (const state of states) {
    const to = new Map<string, string[]>();
    for (const [event, next] of eventsOf(state))
      if (states.includes(next as SectorState)) to.set(next, [...(to.get(next) ?? []), event]);
    for (const [next, events] of to) lines.push(`    ${state} --> ${next}: ${events.join(", ")}`);
  }
  return lines;
}

/** The way of a sector that meets with nothing bad: from state to state by the first event. */
function goodWay(): SectorState[] {
  const way: SectorState[] = ["WaitDeals"];
  for (;;) {
    const [first] = eventsOf(way.at(-1) as SectorState);
    const next = first?.[1] as SectorState | undefined;
    if (next === undefined || kindOf(next) === "failed" || way.includes(next)) return way;
    way.push(next);
    if (next === "Proving") return way;
  }
}

function table(): string[] {
  const rows = ALL_STATES.map((state) => {
    const events = eventsOf(state).map(([event, to]) => `${event} → ${to}`);
    return `| ${state} | ${KINDS[kindOf(state)]} | ${SECTOR_STATES[state].about} | ${events.join(", ") || "none"} |`;
  });
  return ["| State | It | What happens | Events |", "|-------|----|--------------|--------|", ...rows];
}

export function generateSectorLife(): GeneratedFile[] {
  const limits = Object.entries(LIMITS).map(([what, count]) => `${what} ${count}`);
  const text = [
    "# Life of a sector",
    "",
    "Written by `npm run build:gen` from `src/miner/sealing/states.ts`, the table that the machine goes by; do not edit.",
    "",
    "A sector that is pledged goes its way by itself, from nothing to proven: see it with `filigree miner sectors status",
    "<number> --log`. Each step is one write to the node's store, with an entry in the sector's log, before the next begins; a",
    "process that is killed goes on with each sector where its record says it was. A message is sent once for its intention,",
    "whatever happens meanwhile. On a local network (`devnet --miners`) the proof of replication is computed and checked in",
    "full; what goes on chain is an attestation in place of the SNARK, or the SNARK, where the network has a key for it",
    "(`--proofs groth16 --seals groth16`).",
    "",
    "The work on sectors above 2 KiB in folders, labels, trees, encoding and all openings of proofs, is done by workers of the process;",
    "what waits is begun in this order: winning PoSt, window PoSt, proof of replication, sealing. One worker more than there are cores",
    "is kept for proofs of spacetime, so that none waits for labels that take hours. Where workers die, this thread makes the proof.",
    "Sectors of 2 KiB take milliseconds, less than a worker takes to begin: they stay in this thread.",
    "",
    "## The way",
    "",
    "```mermaid",
    ...picture(goodWay()),
    "```",
    "",
    "## All states and events",
    "",
    "```mermaid",
    ...picture(ALL_STATES),
    "```",
    "",
    ...table(),
    "",
    "## What has its time",
    "",
    `- The ticket is drawn ${SEALING_EPOCHS.ticketLookback} epochs back. Once it is too old for the pre-commit (3,780 epochs, under actors v0 10,900; ${SEALING_EPOCHS.ticketMargin} less`,
    "  here, so that the message is mined in time), all work from the labels on is done again with a new one.",
    "- The proof is due 3,030 epochs after the pre-commit (10,000 under actors v0). After that the deposit is lost, and the number",
    "  with it: the sector stands still as FailedUnrecoverable with the code DEPOSIT_LOST. `SectorsStatus` tells both epochs",
    "  (`TicketExpires`, `CommitDue`).",
    `- Messages count with ${SEALING_EPOCHS.messageConfidence} epochs on top, the seed with ${SEALING_EPOCHS.seedConfidence}. A seed that a reorganisation changed is drawn again. A deal that one took back`,
    "  keeps its place: its sector is packed and sealed, and waits for it to be published again with its proof, or, before version 22, with its",
    "  pre-commit, for a day from the seed at most, and no longer than the sector's other deals allow. So does an allocation of data without a",
    "  deal. A message that one took back after its confirmations goes out again, as long as no finality is on top of it.",
    "- A sector with deals is not pre-committed shortly before an upgrade from network versions below 22 to 23 or later: a pre-commit that names",
    "  its deals can be proven by 22 at the latest. It waits for the upgrade to 22, and names none.",
    `- Files of a sector that has ended stay for ${SEALING_EPOCHS.lookback} epochs: elections may still draw it. Without block time no epochs are made for that: they go when so many have passed.`,
    "- A sector that is ended before its time, by `miner sectors terminate`, by any other message or by 14 days of faults, is TerminateFinality from",
    "  then on; one whose time is over is Expiring. `miner sectors status` says when it left the chain.",
    "",
    "## Data for a sector that has none",
    "",
    "From network version 16 on a sector that was sealed without data takes some without being sealed anew (FIP-0019). `miner sectors snap-up",
    "<number>` marks it (Available): the next deal that fits goes into it before another sector is begun. It must have had its first window PoSt,",
    "be healthy, and last as long as the deal. Its data becomes a second replica that lies beside the first, in files of its own names",
    "(`update-…`), and the chain says by which of them each proof is made: a window PoSt by the one that the sector has, a winning PoSt by the",
    `one that it had when it was drawn. Both stay for ${SEALING_EPOCHS.lookback} epochs after the update was executed, until no fork takes it back and no`,
    "election asks for the first; then the first goes. Without block time no epochs are made for that.",
    "",
    "`miner sectors abort-upgrade <number>` takes mark or update back until its message is sent, and what fails too often is given up by itself:",
    "the sector is as before. A deal that was to go into it goes into another sector, as long as there is time to seal one before it begins; data",
    "without a deal has to be given again. Once a message of it was sent, the second replica stays until no fork can execute it. A sector",
    "takes data once; those of the genesis take none. The proof of the update is computed and checked in full; on a local network an",
    "attestation goes on chain in its place, whatever proofs of seals are.",
    "",
    "## Failures",
    "",
    "A failed sector is looked at again after a pause that doubles (to 64 times the first). What failed is counted, with a limit",
    `for each: ${limits.join(", ")}. Beyond it the sector stands still as FailedUnrecoverable; its error says why.`,
    "An update is given up instead, and the sector is as before it.",
    "Where the node does not answer or the disk is full, nothing counts as failed: the sector stays in its state and tries again,",
    "at most a minute later, for as long as it takes.",
    "",
  ];
  return [{ path: "docs/life-of-a-sector.md", text: text.join("\n") }];
}
