/** `filigree miner sectors`: sectors of a node's miners, from nothing to proven and after. */
import path from "node:path";
import type { Command } from "commander";
import { sleepFor } from "../../base/sleep.ts";
import { UsageError } from "../errors.ts";
import { interruptible, shellWord } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { nextCommand, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import type { Link } from "../remote-call.ts";
import { table } from "../table.ts";
import { countText, progressLine } from "../terminal.ts";

type Options = RemoteOptions & { readonly actor?: string };
type SectorId = { readonly Miner: number; readonly Number: number };
type Drawn = { readonly Epoch: number };
type Status = {
  readonly SectorID: number;
  readonly State: string;
  readonly CommD: Link | null;
  readonly CommR: Link | null;
  readonly Pieces: readonly unknown[];
  readonly Ticket: Drawn;
  readonly Seed: Drawn;
  readonly PreCommitMsg: Link | null;
  readonly CommitMsg: Link | null;
  readonly ReplicaUpdateMessage: Link | null;
  readonly Retries: number;
  readonly LastErr: string;
  readonly Log: readonly { readonly Kind: string; readonly Timestamp: number; readonly Message: string }[];
  readonly Activation: number;
  readonly Expiration: number;
  readonly InitialPledge: string;
  readonly TicketExpires: number | null;
  readonly CommitDue: number | null;
  readonly ChainState: string;
  readonly EndedAt: number | null;
  readonly CountsFrom: number | null;
};

type PlacedPiece = {
  readonly Sector: SectorId;
  readonly Offset: number;
  readonly Piece: { readonly Size: number; readonly PieceCID: Link };
};

/** A sector as `Filigree.SectorsOverview` tells of it. */
export type Overview = {
  readonly Number: number;
  /** Empty: nothing is known of it where its files should be. */
  readonly State: string;
  readonly Chain: string;
  readonly Held: boolean;
  /** Of one that recovers: first epoch of the deadline with whose proof it counts again. */
  readonly CountsFrom: number | null;
  /** Of one that has ended: epoch at which its files go; null where that is not known. */
  readonly KeptUntil: number | null;
};

/** All sectors of a miner at one moment. */
export function overviewOf(remote: Remote, miner: string | null): Promise<readonly Overview[]> {
  return remote.call<readonly Overview[]>("Filigree.SectorsOverview", miner);
}

/** Sectors that one command begins. */
const MAX_COUNT = 100;
const POLL_MS = 250;
/** States that a sector does not leave by itself. */
const SETTLED = ["Proving", "FailedUnrecoverable", "Removed"];

/** Adds what concerns new sectors to `miner sectors`. */
export function registerMinerSectors(sectors: Command): void {
  const withMiner = (command: Command): Command =>
    withRemote(command).option("--actor <address>", "which of the node's own miners (default: the first)");
  withMiner(
    sectors
      .command("pledge")
      .description("begin new sectors without data, which seal and commit themselves")
      .option("--count <n>", "how many", wholeNumber(1, MAX_COUNT), 1)
      .option("--wait", "until all are proven to the chain, or need a person"),
  ).action(pledge);
  withMiner(
    sectors
      .command("add-piece")
      .description("put a file into a sector as data without a deal, which the sector's proof names itself (FIP-0076)")
      .argument("<file>", "on the machine that the node runs on")
      .option("--allocation <client/id>", "the client's allocation that it claims, as t0100/1 (default: none)")
      .option("--until <epoch>", "how long its sector is to last", wholeNumber(1, Number.MAX_SAFE_INTEGER))
      .option("--no-copy", "keep no unsealed copy of it")
      .option("--no-seal", "wait for more pieces before its sector is sealed"),
  ).action(addPiece);
  withMiner(sectors.command("list").description("all sectors and their states")).action(list);
  withMiner(
    sectors
      .command("status")
      .description("what is known of a sector, and the way it came")
      .argument("<number>", "sector number", wholeNumber(0, Number.MAX_SAFE_INTEGER))
      .option("--log", "every step of it"),
  ).action(status);
  withMiner(
    sectors
      .command("snap-up")
      .description("mark a sector without data: the next deal that fits goes into it without sealing it anew")
      .argument("<number>", "sector number", wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  ).action(snapUp);
  withMiner(
    sectors
      .command("abort-upgrade")
      .description("take back such a mark, or an update whose message was not sent; the sector is as before")
      .argument("<number>", "sector number", wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  ).action(abortUpgrade);
  withMiner(
    sectors
      .command("remove")
      .description("remove a sector's files, whatever the chain says of it; terminate it first if it is proven")
      .argument("<number>", "sector number", wholeNumber(0, Number.MAX_SAFE_INTEGER))
      .option("--really-do-it", "must be given: it cannot be undone"),
  ).action(remove);
}

async function snapUp(number: number, options: Options): Promise<void> {
  const remote = await Remote.open(options);
  await remote.call("SectorMarkForUpgrade", number, true, await minerOf(remote, options));
  say(options.json, { sector: number }, [`sector ${number} is marked: the next deal that fits goes into it`]);
}

async function abortUpgrade(number: number, options: Options): Promise<void> {
  const remote = await Remote.open(options);
  await remote.call("SectorAbortUpgrade", number, await minerOf(remote, options));
  say(options.json, { sector: number }, [`sector ${number} takes no data: what was begun is taken back`]);
}

async function remove(number: number, options: Options & { readonly reallyDoIt?: true }): Promise<void> {
  if (options.reallyDoIt === undefined)
    throw new UsageError("a sector whose files are gone cannot be proved any more: give --really-do-it");
  const remote = await Remote.open(options);
  await remote.call("SectorRemove", number, await minerOf(remote, options));
  say(options.json, { sector: number }, [`sector ${number} is being removed`]);
}

/** The address that calls name the miner by; null for the first. */
async function minerOf(remote: Remote, { actor }: Options): Promise<string | null> {
  return actor === undefined ? null : remote.address(actor, "--actor");
}

async function pledge(options: Options & { readonly count: number; readonly wait?: true }): Promise<void> {
  const remote = await Remote.open(options);
  const miner = await minerOf(remote, options);
  const made: SectorId[] = [];
  // What was begun goes on by itself: the command itself would begin more.
  const follow = (): string => {
    const command = made.length === 1 ? `status ${made[0]?.Number}` : "list";
    const actor = options.actor === undefined ? "" : ` --actor ${shellWord(options.actor)}`;
    return nextCommand(`filigree miner sectors ${command}${actor}`, options);
  };
  for (let i = 0; i < options.count; i++)
    made.push(
      await remote.call<SectorId>("PledgeSector", miner).catch((error: unknown) => {
        if (i === 0) throw error;
        const begun = made.map(({ Number: number }) => number).join(", ");
        throw new Error(`${i} of ${options.count} begun (${begun}); follow them with: ${follow()}`, { cause: error });
      }),
    );
  const numbers = made.map(({ Number: number }) => number);
  if (options.wait === undefined) {
    // They are begun, whatever the network's spelling is: an error here would have more of them begun.
    const spelling = await remote.prefix().catch(() => null);
    const name = spelling === null ? `${made[0]?.Miner}` : `${spelling}0${made[0]?.Miner}`;
    say(options.json, { miner: name, sectors: numbers.map((sector) => ({ sector })) }, [
      `begun: ${countText(numbers.length, "sector")} (${numbers.join(", ")}) of miner ${name}`,
      `follow ${numbers.length === 1 ? "it" : "them"} with: ${follow()}`,
    ]);
    return;
  }
  const line = progressLine();
  const ended = await interruptible(async (signal) => {
    for (;;) {
      const all: Status[] = [];
      for (const number of numbers) all.push(await remote.call<Status>("SectorsStatus", number, true, miner));
      if (all.every(({ State }) => SETTLED.includes(State))) return all;
      const open = all.find(({ State }) => !SETTLED.includes(State)) as Status;
      const more = open.LastErr === "" ? "" : ` (${open.LastErr})`;
      line.show(`sector ${open.SectorID}: ${open.State}${more}`);
      await sleepFor(POLL_MS, signal);
    }
  }, follow).finally(() => line.clear());
  const rows = ended.map(({ SectorID, State, Activation, Expiration }) => ({
    ...{ sector: SectorID, state: State, activation: Activation, expiration: Expiration },
  }));
  say(
    options.json,
    { sectors: rows },
    rows.map((row) =>
      row.state === "Proving"
        ? `sector ${row.sector} is on chain since epoch ${row.activation}; its power counts from its first proof on`
        : `sector ${row.sector} is ${row.state}`,
    ),
  );
  const failed = ended.find(({ State }) => State !== "Proving");
  if (failed !== undefined) throw new Error(`sector ${failed.SectorID} is ${failed.State}: ${failed.LastErr}`);
}

async function addPiece(
  file: string,
  options: Options & { allocation?: string; until?: number; copy: boolean; seal: boolean },
): Promise<void> {
  const allocation = options.allocation === undefined ? null : allocationOf(options.allocation);
  const remote = await Remote.open(options);
  const client = allocation === null ? null : await remote.call<string>("StateLookupID", allocation.client, []);
  const terms = {
    Allocation: allocation === null ? null : { Client: Number(client?.slice(2)), ID: allocation.id },
    EndEpoch: options.until ?? null,
    KeepUnsealed: options.copy,
    Seal: options.seal,
  };
  const { Sector, Offset, Piece } = await remote.call<PlacedPiece>(
    ...(["Filigree.SectorAddPiece", path.resolve(file), terms, await minerOf(remote, options)] as const),
  );
  const actor = options.actor === undefined ? "" : ` --actor ${options.actor}`;
  const [sector, piece] = [Sector.Number, Piece.PieceCID["/"]];
  say(options.json, { sector, offset: Offset, piece, size: Piece.Size }, [
    `piece ${piece} of ${Piece.Size} bytes is in sector ${sector}, at ${Offset}`,
    `follow it with: ${nextCommand(`filigree miner sectors status ${sector}${actor}`, options)}`,
  ]);
}

function allocationOf(given: string): { readonly client: string; readonly id: number } {
  const [client, id, ...more] = given.split("/");
  if (!client || id === undefined || !/^\d{1,15}$/.test(id) || more.length > 0)
    throw new UsageError(`--allocation: a client's address and an id expected, as t0100/1, got "${given}"`);
  return { client, id: Number(id) };
}

async function list(options: Options): Promise<void> {
  const remote = await Remote.open(options);
  const miner = await minerOf(remote, options);
  const sectors = (await overviewOf(remote, miner)).map(
    ({ Number: sector, State: state, Chain: chain, CountsFrom: from }) => ({
      ...{ sector, state, chain, countsFrom: from },
    }),
  );
  const counts: Record<string, number> = {};
  for (const { state } of sectors) if (state !== "") counts[state] = (counts[state] ?? 0) + 1;
  say(
    options.json,
    { sectors, counts },
    table(
      ["sector", "state", "on chain"],
      sectors.map(({ sector, state, chain, countsFrom }) => [
        `${sector}`,
        state || "not known here",
        countsFrom === null ? chain : `${chain}; counts again from its proof at epoch ${countsFrom} on`,
      ]),
    ),
  );
}

type Ended = Pick<Status, "State" | "EndedAt" | "Expiration">;

/** Sectors of the genesis have a state that tells it, and no epoch; of one whose files were removed before there may be neither. */
function howEnded({ State: state, EndedAt: endedAt, Expiration }: Ended): string {
  if (state === "Expiring" || (endedAt !== null && endedAt >= Expiration)) return "it has expired";
  return state === "TerminateFinality" || endedAt !== null ? "terminated before its time" : "in time or before it";
}

type Standing = Ended & Pick<Status, "ChainState" | "CountsFrom" | "Activation" | "InitialPledge">;

/** How it stands on the chain, which keeps for a while what it knows of sectors that have ended. */
export function standingLines(found: Standing): string[] {
  const { ChainState: state, EndedAt: endedAt, CountsFrom: countsFrom, Activation, Expiration, InitialPledge } = found;
  const when = endedAt === null ? "when is not noted here" : `seen at epoch ${endedAt}`;
  if (state === "terminated") {
    return [
      `ended       ${howEnded(found)}, ${when}: no longer on chain, without power and pledge`,
      `was to last from epoch ${Activation} to ${Expiration}, pledge ${InitialPledge} attoFIL`,
    ];
  }
  if (Expiration === 0) return endedAt === null ? [] : [`ended       ${when}: no longer on chain`];
  const again =
    countsFrom === null
      ? []
      : [`recovers    it counts again with the proof of its deadline, which opens at epoch ${countsFrom}`];
  const gone = found.State === "Removed" ? ["files       were removed: it cannot be proved any more"] : [];
  const live = `on chain    ${state}, from epoch ${Activation} to ${Expiration}, pledge ${InitialPledge} attoFIL`;
  return [live, ...again, ...gone];
}

async function status(number: number, options: Options & { readonly log?: true }): Promise<void> {
  const remote = await Remote.open(options);
  const found = await remote.call<Status>("SectorsStatus", number, true, await minerOf(remote, options));
  if (found.SectorID !== number) throw new Error(`the node answers with sector ${found.SectorID}`);
  // Sectors of the genesis have their epochs, from 0 on, and no messages here.
  const isOnChain = found.Expiration !== 0;
  const link = (one: Link | null): string => one?.["/"] ?? (isOnChain ? "not noted here" : "none yet");
  const epochs = (name: string, epoch: number | null): string[] => (epoch === null ? [] : [`${name} ${epoch}`]);
  const lines = [
    `sector      ${number}`,
    `state       ${found.State}${found.LastErr === "" ? "" : `: ${found.LastErr}`}`,
    `data        ${link(found.CommD)}`,
    `replica     ${link(found.CommR)}`,
    `pre-commit  ${link(found.PreCommitMsg)}`,
    `proof       ${link(found.CommitMsg)}`,
    ...(found.ReplicaUpdateMessage === null ? [] : [`update      ${link(found.ReplicaUpdateMessage)}`]),
    ...epochs("the ticket is too old after epoch", found.TicketExpires),
    ...(isOnChain ? [] : epochs("the deposit is lost after epoch", found.CommitDue)),
    ...standingLines(found),
    ...(found.Retries === 0 ? [] : [`failures    ${found.Retries}`]),
    ...(options.log === undefined
      ? []
      : found.Log.map(({ Kind, Timestamp, Message }) => {
          const time = new Date(Timestamp * 1000).toISOString();
          return `${time}  ${Kind.replace("event;", "").padEnd(12)}  ${Message}`;
        })),
  ];
  say(options.json, found, lines);
}
