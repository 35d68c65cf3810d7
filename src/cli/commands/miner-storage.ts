/** `filigree miner storage` and `miner proving check`: where sectors lie, and whether their files are sound. */
import path from "node:path";
import type { Command } from "commander";
import { UntrueError, UsageError } from "../errors.ts";
import { insist } from "../miner-options.ts";
import { TO_BRING_BACK } from "../node-output.ts";
import { wholeNumber } from "../options.ts";
import { Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { badSectors } from "../sector-files.ts";
import { table } from "../table.ts";
import { countText, progressLine } from "../terminal.ts";
import { type Overview, overviewOf } from "./miner-sectors.ts";

type CheckOptions = RemoteOptions & { readonly actor?: string; readonly slow?: true; readonly onlyBad?: true };
type AttachOptions = RemoteOptions & {
  readonly maxStorage: number;
  readonly seal: boolean;
  readonly store: boolean;
};
type Stat = { readonly Available: number; readonly Reserved: number; readonly Used: number };
type Info = {
  readonly Weight: number;
  readonly MaxStorage: number;
  readonly CanSeal: boolean;
  readonly CanStore: boolean;
};
type Away = { readonly Path: string; readonly Why: string };
type Decl = { readonly Miner: number; readonly Number: number };

/** States of sectors that have ended. */
const ENDED = ["Expiring", "TerminateFinality", "Removing", "Removed"];

export function registerMinerStorage(miner: Command, proving: Command): void {
  withRemote(
    proving
      .command("check")
      .description(
        "whether the files of sectors are as their commitments say; asks who has them: a node, or `miner run`",
      )
      .argument("[sectors...]", "numbers of sectors (default: all)", (text: string, before: number[] = []) => [
        ...before,
        wholeNumber(0, Number.MAX_SAFE_INTEGER)(text),
      ])
      .option("--actor <address>", "which of the node's own miners (default: the first)")
      .option("--slow", "read all of the files, not samples")
      .option("--only-bad", "say only what is wrong"),
  ).action(check);
  const storage = miner.command("storage").description("folders that sectors lie in");
  withRemote(
    storage
      .command("attach")
      .description("add a folder, which is made if it is not there; new sectors go where most room is")
      .argument("<folder>", "a path on the machine of the node, or of `miner run`")
      .option("--max-storage <bytes>", "bytes that sectors may take; 0: no limit", wholeNumber(0, 2 ** 52), 0)
      .option("--no-seal", "no new sectors are sealed there")
      .option("--no-store", "no sectors are kept there"),
  ).action(attach);
  withRemote(
    storage
      .command("detach")
      .description("give up a folder, also one that is lost; nothing in it is touched")
      .argument("<folder>", "a path on the machine of the node, or of `miner run`")
      .option(
        "--really-do-it",
        "must be given where sectors lie in it: they are not proven until it is attached again",
      ),
  ).action(detach);
  withRemote(storage.command("list").description("the folders, their room and their sectors")).action(list);
}

async function check(numbers: number[], options: CheckOptions): Promise<void> {
  const remote = await Remote.open(options);
  const miner = options.actor === undefined ? null : await remote.address(options.actor, "--actor");
  const all = await overviewOf(remote, miner);
  const missing = numbers.filter((number) => !all.some((one) => one.Number === number));
  // Nothing is bad of those.
  if (missing.length > 0) throw new Error(`the miner has no sector ${missing.join(", ")}`);
  const asked = numbers.length > 0 ? all.filter((one) => numbers.includes(one.Number)) : all.filter(mustBeProvable);
  // Nobody proves those any more: they are told of and not judged.
  const ended = asked.filter(hasEnded);
  const wanted = asked.filter((one) => !hasEnded(one)).map((one) => one.Number);
  const id = await idOf(remote, miner);
  const line = progressLine();
  const bad = await badSectors(remote, {
    ...{ miner: id, sectors: wanted, slow: options.slow === true },
    onProgress: (checked) => line.show(`checked ${checked} of ${countText(wanted.length, "sector")}`),
  }).finally(() => line.clear());
  const rows = [
    ...ended.map((one) => ({ sector: one.Number, ok: null, keptUntil: one.KeptUntil, why: endText(one) })),
    ...wanted.map((sector) => ({
      sector,
      ok: bad[sector] === undefined,
      ...(bad[sector] === undefined ? {} : { why: bad[sector] }),
    })),
  ]
    .filter(({ ok }) => options.onlyBad === undefined || ok === false)
    .sort((a, b) => a.sector - b.sector);
  const cells = rows.map(({ sector, ok, why }) => [
    `${sector}`,
    { true: "good", false: "bad", null: "ended" }[`${ok}`],
    why ?? "",
  ]);
  const none =
    options.onlyBad === undefined ? "the miner has no sectors" : `all ${countText(wanted.length, "sector")} good`;
  say(options.json, { sectors: rows }, rows.length === 0 ? [none] : table(["sector", "", ""], cells));
  if (Object.keys(bad).length > 0)
    throw new UntrueError(`${countText(Object.keys(bad).length, "sector")} cannot be proved`);
}

function hasEnded({ State, Chain }: Overview): boolean {
  return Chain === "terminated" || (Chain === "absent" && ENDED.includes(State));
}

function endText({ State, KeptUntil }: Overview): string {
  if (State === "Removed" || State === "Removing") return "its files were removed";
  return KeptUntil === null ? "it is proven no more" : `its files are kept for elections until epoch ${KeptUntil}`;
}

/** Sectors that have files, and those that the chain has, whatever became of their files. */
function mustBeProvable({ Held, Chain }: Overview): boolean {
  return Held || !["absent", "terminated"].includes(Chain);
}

/** Actor id of a miner; that of `miner run`, or the node's first, where none is named. */
async function idOf(remote: Remote, miner: string | null): Promise<number> {
  const name = miner ?? (await remote.ask<string>("ActorAddress")) ?? (await remote.address("miner"));
  const [, id] = /^[ft]0(\d+)$/.exec(name) ?? [];
  if (id === undefined) throw new UsageError(`--actor ${name}: an ID address such as t01000 is expected`);
  return Number(id);
}

async function attach(folder: string, options: AttachOptions): Promise<void> {
  const remote = await Remote.open(options);
  const place = path.resolve(folder);
  const limits = { MaxStorage: options.maxStorage, CanSeal: options.seal, CanStore: options.store };
  await remote.call("StorageAddLocal", place, limits);
  const paths = Object.entries(await remote.call<Record<string, string>>("StorageLocal"));
  const [id = ""] = paths.find(([, at]) => at === place) ?? [];
  const { MaxStorage, CanSeal, CanStore } = await remote.call<Info>("StorageInfo", id);
  const own = { MaxStorage, CanSeal, CanStore };
  // One that has been a folder of sectors before keeps what it was made with.
  const isOther = (Object.keys(limits) as (keyof typeof limits)[]).some((name) => own[name] !== limits[name]);
  const uses = [CanSeal ? "seals" : "", CanStore ? "stores" : ""].filter(Boolean).join(" and ") || "does nothing";
  say(options.json, { path: place, ...own }, [
    `attached: ${place}`,
    ...(isOther
      ? [
          `it keeps the limits that it was made with: ${MaxStorage === 0 ? "no limit of room" : bytesText(MaxStorage)}; it ${uses}`,
        ]
      : []),
  ]);
}

async function detach(folder: string, options: RemoteOptions & { readonly reallyDoIt?: true }): Promise<void> {
  const remote = await Remote.open(options);
  const place = path.resolve(folder);
  const away = await remote.call<readonly Away[]>("Filigree.StorageAway");
  const isAway = away.some((one) => one.Path === place);
  const paths = Object.entries(await remote.call<Record<string, string>>("StorageLocal"));
  const [id = ""] = paths.find(([, at]) => at === place) ?? [];
  const held = (await remote.call<Record<string, Decl[]>>("StorageList"))[id] ?? [];
  if (isAway)
    insist(options.reallyDoIt, `${place} is not there, and its sectors are not proven until it is attached again`);
  if (held.length > 0)
    insist(
      options.reallyDoIt,
      `${countText(held.length, "sector")} in ${place}, which ${held.length === 1 ? "is" : "are"} not proven until it is attached again`,
    );
  await remote.call("StorageDetachLocal", place);
  const sectors = isAway ? null : held.map(({ Miner, Number: number }) => ({ miner: `t0${Miner}`, number }));
  say(options.json, { path: place, sectors }, [
    `detached: ${place}${held.length === 0 ? "" : `, with ${countText(held.length, "sector")}, whose files stay there`}`,
  ]);
}

async function list(options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  // First: what is back is among the others then.
  const away = (await remote.call<readonly Away[]>("Filigree.StorageAway")).map(({ Path: at, Why: why }) => ({
    ...{ path: at, why },
  }));
  const [sectors, paths] = await Promise.all([
    remote.call<Record<string, Decl[]>>("StorageList"),
    remote.call<Record<string, string>>("StorageLocal"),
  ]);
  const rows = [];
  for (const [id, held] of Object.entries(sectors)) {
    const [stat, info] = await Promise.all([
      remote.call<Stat>("StorageStat", id),
      remote.call<Info>("StorageInfo", id),
    ]);
    rows.push({
      ...{ id, path: paths[id] ?? "", readOnly: info.Weight === 0 },
      ...{ maxBytes: info.MaxStorage, canSeal: info.CanSeal, canStore: info.CanStore },
      ...{ used: stat.Used, reserved: stat.Reserved, available: stat.Available },
      sectors: held.map(({ Miner, Number: number }) => ({ miner: `t0${Miner}`, number })),
    });
  }
  const cells = rows.map((row) => [
    row.path === "" ? "(in memory)" : row.path,
    `${row.sectors.length}`,
    ...[row.used, row.reserved, row.available].map(bytesText),
    [row.canSeal ? "seals" : "", row.canStore ? "stores" : "", row.readOnly ? "read-only" : ""]
      .filter(Boolean)
      .join(", "),
  ]);
  say(options.json, { folders: rows, away }, [
    ...table(["folder", "sectors", "used", "promised", "available", "for"], cells),
    ...away.map(({ path: at, why }) => `not there: ${at}: ${why}; ${TO_BRING_BACK}`),
  ]);
}

function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
