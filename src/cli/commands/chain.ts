/** `filigree chain`: the head, what is on the chain, snapshots, and which states are kept. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { CHAIN_FACTS } from "../../chain/chain.ts";
import { importSnapshot } from "../../chain/import.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { DEVNET_BOUNDS } from "../../node/devnet-bounds.ts";
import { StateCollector } from "../../node/state-collector.ts";
import { devnetAt, leastRetention, MAINNET } from "../../params/networks.ts";
import { isLaterState } from "../../stmgr/check-later.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { readingCar } from "../car-input.ts";
import { exportFolder, exportRemote, parseTipset, withOption } from "../chain-export.ts";
import { openFolder, withChain } from "../data-folder.ts";
import { InterruptedError, judged, UsageError } from "../errors.ts";
import { openBytes } from "../input.ts";
import { commandLine, interruptible } from "../interrupt.ts";
import { MIN_RETENTION, wholeNumber } from "../options.ts";
import { checkOutput, writeOutput } from "../output.ts";
import { Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import type { Link } from "../remote-call.ts";
import type { NetworkName, SeenVersion, SnapshotReport } from "../snapshot-check.ts";
import { countText, progressLine, sizeText } from "../terminal.ts";

type Head = {
  readonly Cids: readonly Link[];
  readonly Height: number;
  readonly Blocks: readonly { readonly Miner: string; readonly Timestamp: number; readonly ParentWeight: string }[];
};

/** Epochs of states in a snapshot unless told otherwise: as in those that are handed out for the public networks. */
const RECENT_ROOTS = 2000;
/** Fewest epochs whose states stay, from network version 16 on. */
const LATER_RETENTION = leastRetention(devnetAt(DEVNET_BOUNDS.networkVersion[0]));

/** The number behind `--validate`, which need not be there: the next word is taken for it, also where it is the file. */
function validatedEpochs(text: string): number {
  if (!/^-?[\d.]+(e\d+)?$/.test(text))
    throw new InvalidArgumentError("a number of epochs, or none: without one the file stands before --validate.");
  return wholeNumber(1, 100_000)(text);
}

/** Epochs that are executed again by `--validate`. */
const VALIDATED = 10;

export function registerChain(program: Command): void {
  const chain = program.command("chain").description("the chain of a node: its head, objects, snapshots, states kept");
  withRemote(chain.command("head").description("the newest tipset")).action(head);
  withRemote(
    chain
      .command("get")
      .description("a tipset, or an object of the store")
      .argument(
        "<what>",
        "an epoch, or a CID, perhaps with a path behind it: <block>/ParentStateRoot, <message>/Message/To, <cid>/<place in a list>",
      ),
  ).action(get);
  withRemote(
    chain
      .command("export")
      .description("write a snapshot: headers, messages, and states of the newest epochs, as a CAR file")
      .argument("<file.car>", "where to write it")
      .option("--data <folder>", "a data folder that nobody has open, instead of a running node")
      .option("--tipset <@epoch|cids>", "what it ends with (default: the head)")
      .option("--recent-stateroots <n>", "epochs whose states are in it", wholeNumber(0, 1_000_000_000), RECENT_ROOTS)
      .option("--skip-old-msgs", "leave out messages of older epochs")
      .option("--receipts", "with receipts of the newest epochs (needs --data)")
      .addOption(new Option("--format <n>", "format of snapshots, FRC-0108").choices(["1", "2"]).default("1"))
      .option("--force", "replace the file if it exists"),
  ).action(exportTo);
  chain
    .command("import")
    .description("take a snapshot into a data folder that has no chain; every block is checked")
    .argument("<file.car>", "CAR file of format 1 or 2; - for standard input")
    .requiredOption("--data <folder>", "data folder; made if it is not there")
    .option("--genesis <cid>", "genesis block that the chain must begin with")
    .option(
      "--validate [epochs]",
      `execute the last epochs, compare roots, check blocks (default: ${VALIDATED}); the chain is taken in only if all is right`,
      validatedEpochs,
    )
    .option(
      "--network-version <n>",
      "with --validate of a local network, the version of its newest epochs, where the states do not tell it: 19 or 20, 25 or 26 (the later one is taken), any with actors that nobody published",
      wholeNumber(...DEVNET_BOUNDS.networkVersion),
    )
    .addOption(
      new Option("--network <name>", "whose rules validation follows").choices(["mainnet", "local"]).default("local"),
    )
    .option("--json", "one JSON object instead of text")
    .action(importFrom);
  withRemote(
    chain
      .command("prune")
      .description("remove states of old epochs; headers, messages and receipts stay")
      .option(
        "--keep <epochs>",
        "epochs whose states stay, at least 1000, from network version 16 on 1900",
        wholeNumber(MIN_RETENTION, 1_000_000_000),
        2 * MIN_RETENTION,
      )
      .option("--data <folder>", "a data folder that nobody has open, instead of a running node"),
  ).action(prune);
}

async function head(options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  sayTipset(await remote.call<Head>("ChainHead"), options.json);
}

function sayTipset({ Cids, Height, Blocks }: Head, json: boolean | undefined): void {
  const tipset = Cids.map((cid) => cid["/"]);
  const time = new Date(Number(Blocks[0]?.Timestamp) * 1000).toISOString();
  say(json, { epoch: Height, tipset, blocks: Blocks.length, time, parentWeight: Blocks[0]?.ParentWeight }, [
    `epoch ${Height}, ${time}`,
    ...tipset.map((cid, i) => `${cid}  ${Blocks[i]?.Miner}`),
  ]);
}

async function get(what: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  if (/^\d{1,15}$/.test(what)) {
    const found = await remote.call<Head>("ChainGetTipSetByHeight", Number(what), null);
    sayTipset(found, options.json);
    return;
  }
  const path = what.replace(/^\/?ip(?:fs|ld)\//, "");
  checkCid(path.split("/")[0] as string);
  const { Cid, Obj } = await remote.call<{ Cid: Link; Obj: unknown }>("ChainGetNode", path);
  say(options.json, { cid: Cid["/"], object: Obj }, [JSON.stringify(Obj, null, 2)]);
}

function checkCid(text: string): CID {
  try {
    return parseCid(text);
  } catch {
    throw new UsageError(`${text} is neither an epoch nor a CID`);
  }
}

type ExportOptions = RemoteOptions & {
  readonly data?: string;
  readonly tipset?: string;
  readonly recentStateroots: number;
  readonly skipOldMsgs?: true;
  readonly receipts?: true;
  readonly format: "1" | "2";
  readonly force?: true;
};

async function exportTo(file: string, options: ExportOptions): Promise<void> {
  const { data, tipset, force } = options;
  const wish = {
    recentRoots: options.recentStateroots,
    skipOldMessages: options.skipOldMsgs === true,
    receipts: options.receipts === true,
    version: Number(options.format) as 1 | 2,
    ...(tipset === undefined ? {} : { tipset }),
  };
  const wanted = tipset === undefined ? null : parseTipset(tipset);
  await checkOutput(file, { force });
  const remote = data === undefined ? await Remote.open(options) : null;
  const line = progressLine();
  const report = (bytes: number): void => line.show(sizeText(bytes));
  const done = await interruptible((signal) =>
    writeOutput(file, { force }, (handle) => {
      const more = { signal, report };
      if (remote !== null) return exportRemote(remote, wish, handle, more);
      return withChain(data as string, async (chain) => {
        const top =
          wanted === null
            ? chain.head
            : "epoch" in wanted
              ? await chain.tipsetAtOrBefore(wanted.epoch)
              : await chain.tipset(wanted.cids.map(checkCid));
        return exportFolder(chain, top, wish, handle, more);
      });
    }),
  )
    .catch((error: unknown) => {
      throw withOption(error);
    })
    .finally(() => line.clear());
  const figures = { ...done, format: wish.version, recentStateroots: wish.recentRoots };
  say(options.json, { file, ...figures }, [
    `${file}: ${sizeText(done.bytes)}, format ${wish.version}, down from epoch ${done.epoch}`,
    ...done.tipset,
  ]);
}

type ImportOptions = {
  readonly data: string;
  readonly genesis?: string;
  readonly validate?: number | true;
  readonly network: NetworkName;
  readonly networkVersion?: number;
  readonly json?: true;
};

async function importFrom(file: string, options: ImportOptions): Promise<void> {
  const { validate, network, networkVersion } = options;
  if (networkVersion !== undefined && (validate === undefined || network !== "local"))
    throw new UsageError("--network-version is for --validate of a local network's chain");
  const genesis = options.genesis === undefined ? {} : { genesis: checkCid(options.genesis) };
  const crypto = await loadCrypto();
  const line = progressLine();
  const source = await openBytes(file);
  const store = await openFolder(options.data, {}).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const started = performance.now();
  try {
    const work = async (signal: AbortSignal) => {
      const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }): void =>
        line.part(stage, done, total);
      const clock = { epochSeconds: MAINNET.blockDelaySeconds, now: Math.floor(Date.now() / 1000) };
      const timed = network === "mainnet" ? { clock } : {};
      const given = { hashes: crypto, ...genesis, ...timed, onProgress, signal };
      let checked: SnapshotReport | null = null;
      const check = async (): Promise<void> => {
        // Loaded here: it is half of what this file would load, and other commands start without it.
        const { checkSnapshot } = await import("../snapshot-check.ts");
        const epochs = validate === true || validate === undefined ? VALIDATED : validate;
        const version = networkVersion === undefined ? {} : { networkVersion };
        checked = await checkSnapshot(store, { crypto, network, epochs, signal, line, ...version });
      };
      const wanted = validate === undefined ? given : { ...given, check };
      const taken = await readingCar(file, () => importSnapshot(store, source, wanted));
      return { taken, checked: checked as SnapshotReport | null };
    };
    const { taken, checked } = await interruptible(work, commandLine());
    line.clear();
    const { head: top, genesis: first, version, blocks, tipsets, statesFrom, messagesFrom, resumedAt, f3 } = taken;
    const seconds = (performance.now() - started) / 1000;
    const figures = { format: version, epoch: top.height, tipset: top.key.map(String), genesis: first.key.map(String) };
    const counts = { tipsets, blocks, statesFrom, messagesFrom, resumedAt, f3Bytes: f3, seconds };
    say(options.json, { ok: true, ...figures, ...counts, validated: checked }, [
      `epoch ${top.height}: ${countText(tipsets, "tipset")}, ${countText(blocks, "block")}${resumedAt > 0 ? " more" : ""}, format ${version} (${seconds.toFixed(1)} s)`,
      `states from epoch ${statesFrom} on, messages from epoch ${messagesFrom} on`,
      ...(f3 > 0 ? [`${sizeText(f3)} of F3 certificates were checked by their CID and left out`] : []),
      ...(checked === null
        ? []
        : [
            `${countText(checked.tipsets, "tipset")} from epoch ${checked.lowest} on executed${underVersions(checked)}, every root equal; ${
              network === "mainnet"
                ? "their blocks validated in full, proofs of storage taken as declared"
                : "times, weights and base fees checked; elections, signatures and beacon entries not"
            }`,
          ]),
      ...top.key.map(String),
    ]);
  } catch (error) {
    line.clear();
    const isBegun = await store.metadata(CHAIN_FACTS.importing).catch(() => undefined);
    if (isBegun !== undefined && !(error instanceof InterruptedError))
      process.stderr.write(
        `${options.data} has no chain: what was read of the file lies there, and the next import goes on with it, or begins anew with another file\n`,
      );
    throw judged(error);
  } finally {
    line.clear();
    await store.close();
    await source.close();
  }
}

/** " at network version 27, from epoch 6 on 28": of a local network. */
function underVersions({ versions }: SnapshotReport): string {
  const [first, ...later] = versions ?? [];
  if (first === undefined) return "";
  const since = ({ epoch, earliest, networkVersion }: SeenVersion): string =>
    `from epoch ${epoch} on${earliest < epoch ? ` (or earlier, from ${earliest} on)` : ""} ${networkVersion}`;
  return [` at network version ${first.networkVersion}`, ...later.map(since)].join(", ");
}

async function prune(options: RemoteOptions & { readonly keep: number; readonly data?: string }): Promise<void> {
  const { keep, data, json } = options;
  if (data === undefined) {
    const remote = await Remote.open(options);
    const wanted = { MovingGC: false, RetainState: -1, KeepEpochs: keep };
    await interruptible((signal) => remote.wait("ChainPrune", [wanted], signal), commandLine());
    say(json, { ok: true, keep }, [`the states of the last ${keep} epochs are kept`]);
    return;
  }
  const collected = await withChain(data, async (chain) => {
    const root = chain.isEmpty ? undefined : chain.head.blocks[0]?.parentStateRoot;
    if (keep < LATER_RETENTION && root !== undefined && (await isLaterState(chain.blocks, root)))
      throw new Error(
        `--keep ${keep}: from network version 16 on the states of at least ${LATER_RETENTION} epochs stay, as the report of a fault may ask for them`,
      );
    return interruptible(() => new StateCollector({ chain, keep }).collect(), commandLine());
  });
  const { from, states, blocks, bytes } = collected;
  say(json, { ok: true, keep, ...collected }, [
    `${countText(states, "state")} of old epochs removed: ${countText(blocks, "block")}, ${sizeText(bytes)}`,
    from === 0 ? "the states of all epochs are kept" : `states from epoch ${from} on are kept`,
  ]);
}
