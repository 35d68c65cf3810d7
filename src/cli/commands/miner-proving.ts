/** `filigree miner proving`: a miner's deadlines, its faulty sectors, and their recovery. */
import type { Command } from "commander";
import { describeError } from "../../base/errors.ts";
import type { PartitionSectors } from "../../miner/chain-side/calls.ts";
import type { DeadlineClock } from "../../miner/chain-side/chain.ts";
import { Address } from "../../types/address.ts";
import { type ActorOptions, type OpenMiner, openMiner, type SendOptions, sendAndWait } from "../miner-chain.ts";
import { aboutMiner, numbers, sending } from "../miner-options.ts";
import { due, opening } from "../miner-partitions.ts";
import { NodeRefusal, say } from "../remote.ts";
import { badSectors } from "../sector-files.ts";
import { table } from "../table.ts";
import { plainText } from "../terminal.ts";

/** Adds what concerns a miner's actor to `miner proving`; `check` is about files (`miner-storage.ts`). */
export function registerMinerProving(proving: Command): void {
  aboutMiner(proving.command("deadlines").description("the deadlines with sectors, and what of them is proven")).action(
    deadlines,
  );
  aboutMiner(
    proving.command("faults").description("faulty sectors, when they end their life, and when they count again"),
  ).action(faults);
  sending(
    proving
      .command("recover-faults")
      .description("declare faulty sectors to be good again; until 70 epochs before their deadline opens")
      .argument("<sectors...>", "numbers of sectors"),
  ).action(recover);
}

async function deadlines(options: ActorOptions): Promise<void> {
  const open = await openMiner(options);
  const [now, opens, found] = await Promise.all([open.chain.deadline(), opening(open), due(open)]);
  const all = found.map(({ index, partitions, proven }) => {
    const count = (pick: (one: (typeof partitions)[0]) => readonly number[]): number =>
      partitions.reduce((sum, one) => sum + pick(one).length, 0);
    return {
      deadline: index,
      open: opens(index).open,
      partitions: partitions.length,
      proven: proven.length,
      sectors: count(({ sectors }) => sectors) - count(({ terminated }) => terminated),
      faulty: count((one) => one.faults),
      recovering: count(({ recoveries }) => recoveries),
    };
  });
  const head = ["deadline", "opens at", "partitions", "proven", "sectors", "faulty", "recovering"];
  const rows = all.map((one) => [
    `${one.deadline}${one.deadline === now.index ? " (now)" : ""}`,
    ...[one.open, one.partitions, one.proven, one.sectors, one.faulty, one.recovering].map(String),
  ]);
  const value = { now: now.index, period: now.periodStart, deadlines: all };
  say(options.json, value, rows.length === 0 ? [`${open.name} has no sectors`] : table(head, rows));
}

async function faults(options: ActorOptions): Promise<void> {
  const open = await openMiner(options);
  const opens = await opening(open);
  const found = [];
  for (const { index, partitions } of await due(open))
    for (const { partition, faults: faulty, recoveries } of partitions)
      for (const sector of faulty) {
        const end = await open.remote.call<{ OnTime: number; Early: number }>(
          "StateSectorExpiration",
          open.name,
          sector,
          null,
        );
        const isRecovering = recoveries.includes(sector);
        const clock = opens(index);
        found.push({
          ...{ sector, deadline: index, partition, recovering: isRecovering, ends: end.Early || end.OnTime },
          ...{ countsFrom: isRecovering ? clock.open : null, declareUntil: isRecovering ? null : lastToDeclare(clock) },
        });
      }
  const rows = found.map((one) => [
    `${one.sector}`,
    `${one.deadline}`,
    `${one.partition}`,
    one.recovering ? "recovering" : "faulty",
    one.recovering ? `counts from its proof at epoch ${one.countsFrom}` : `can be declared until ${one.declareUntil}`,
    `${one.ends}`,
  ]);
  const head = ["sector", "deadline", "partition", "state", "recovery", "ends at"];
  say(options.json, { faults: found }, rows.length === 0 ? [`${open.name} has no faulty sectors`] : table(head, rows));
}

/** Last epoch at which a recovery is taken for a deadline. */
const lastToDeclare = ({ faultCutoff }: DeadlineClock): number => faultCutoff - 1;

type Declared = { readonly sector: number; readonly countsFrom: number };

async function recover(names: string[], options: SendOptions): Promise<void> {
  const open = await openMiner(options);
  const wanted = numbers(names, "sector");
  const opens = await opening(open);
  const found: PartitionSectors[] = [];
  const before: Declared[] = [];
  const now: Declared[] = [];
  for (const { index, partitions } of await due(open))
    for (const { partition, faults: faulty, recoveries } of partitions) {
      const mine = faulty.filter((sector) => wanted.includes(sector));
      const sectors = mine.filter((sector) => !recoveries.includes(sector));
      if (sectors.length > 0) found.push({ deadline: index, partition, sectors });
      const countsFrom = opens(index).open;
      for (const sector of mine) (sectors.includes(sector) ? now : before).push({ sector, countsFrom });
    }
  const missing = wanted.filter((sector) => ![...before, ...now].some((one) => one.sector === sector));
  if (missing.length > 0) throw new Error(`${open.name} has no faulty sector ${missing.join(", ")} to recover`);
  const already = before.map(
    ({ sector, countsFrom }) => `sector ${sector} is recovering already: ${again(countsFrom)}`,
  );
  const value = { declared: now, recovering: before };
  if (now.length === 0) {
    say(options.json, value, already);
    return;
  }
  const unseen = await refuseUnprovable(
    open,
    now.map(({ sector }) => sector),
  );
  const { height } = await open.chain.head();
  const late = found.map(({ deadline }) => opens(deadline)).filter((clock) => height + 1 > lastToDeclare(clock));
  if (unseen !== null)
    process.stderr.write(
      `the files of ${open.name} were not looked at (${plainText(unseen)}): only sectors whose files are sound recover\n`,
    );
  const declared = now.map(({ sector, countsFrom }) => `sector ${sector} is recovering: ${again(countsFrom)}`);
  await sendAndWait(open, open.calls.declareRecoveries(found), options, {
    outcome: async () => ({ value, lines: [...already, ...declared] }),
    // Of what is refused for that alone.
    advice: async () => late.map((clock) => tooLate(clock, height)),
  });
}

/**
 * Throws if files say that sectors cannot be proved: their recovery would cost gas and not come true. Gives why the files cannot
 * be looked at, where the miner is another's or a process of its own; else null.
 */
async function refuseUnprovable({ remote, name }: OpenMiner, sectors: readonly number[]): Promise<string | null> {
  const bad = await badSectors(remote, { miner: Number(Address.parse(name).actorId), sectors }).catch(
    (error: unknown) => {
      if (error instanceof NodeRefusal) return describeError(error);
      throw error;
    },
  );
  if (typeof bad === "string") return bad;
  const told = Object.entries(bad).map(([sector, why]) => `sector ${sector}: ${why}`);
  if (told.length === 0) return null;
  throw new Error(
    `nothing was declared: ${told.join("; ")}. Such a recovery costs gas and fails with the next proof: bring the files back, ` +
      "look with `filigree miner proving check`, and declare then, or leave these sectors out",
  );
}

const again = (epoch: number): string =>
  `it counts again with the proof of its deadline, which opens at epoch ${epoch}`;

function tooLate(clock: DeadlineClock, height: number): string {
  return (
    `recoveries for deadline ${clock.index}, which opens at epoch ${clock.open}, were taken until epoch ${lastToDeclare(clock)}, ` +
    `and the head is at ${height}: declare it from epoch ${clock.close} on, when that deadline is over, for the one a day later`
  );
}
