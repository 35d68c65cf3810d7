/** `filigree state check <car|head|root>`: checks the invariants of a whole state; from version 16 on what can be told without its actors'. */
import { type Command, Option } from "commander";
import { platform } from "#platform";
import { Chain } from "../../chain/chain.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { checkState, type StateReport } from "../../core/state-check.ts";
import { checkLaterState, isLaterState } from "../../stmgr/check-later.ts";
import { CarIndex } from "../../storage/car-index.ts";
import { comparing } from "../../storage/check-block.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { TableStore } from "../../storage/table-store.ts";
import { filText } from "../../types/amount.ts";
import { decodeHeader } from "../../types/block-header.ts";
import { type CID, cidFromBytes, parseCid } from "../../types/cid.ts";
import { readingCar } from "../car-input.ts";
import { EXIT, UsageError } from "../errors.ts";
import { openBytes } from "../input.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { DEFAULT_DATA, wholeNumber } from "../options.ts";
import { countText, type ProgressLine, progressLine } from "../terminal.ts";

type Network = "mainnet" | "devnet";
type Options = {
  readonly epoch?: number;
  readonly root?: string;
  readonly data: string;
  readonly network?: Network;
  readonly json?: true;
};

/** A state: its root, the epoch of the tipset that it is the result of, and whose parameters hold. */
type Place = { readonly root: CID; readonly epoch: number; readonly blocks: BlockSource; readonly network: Network };

export function registerState(program: Command): void {
  program
    .command("state")
    .description("look at states")
    .command("check")
    .description(
      "check a whole state: at network versions 0 to 5 every invariant of every actor, and those between actors; from 16 on that all of it is there, that actors have code, id and state of their kinds, and the sum of balances",
    )
    .argument(
      "<car|head|root>",
      "CAR file (of a chain or of a state), head of the local network, or CID of a state root",
    )
    .option(
      "--epoch <n>",
      "epoch that the state is the result of (known for chains)",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option("--root <cid>", "another state root inside the CAR file")
    .option("--data <folder>", "where the local network is kept", DEFAULT_DATA)
    .addOption(
      new Option(
        "--network <name>",
        "whose parameters hold (default: devnet for the local network, else mainnet)",
      ).choices(["mainnet", "devnet"]),
    )
    .option("--json", "one JSON object instead of text")
    .action(check);
}

async function check(name: string, options: Options): Promise<void> {
  const line = progressLine();
  const { place, close } = await open(name, options, line);
  try {
    const { root, epoch, network } = place;
    // Nobody has compared what lies in a file or on a disk since it was written.
    const blocks = comparing(place.blocks, await loadCrypto());
    const onProgress = (actors: number): void => line.show(`${actors} actors`);
    const profile = options.network ?? network;
    const report = await interruptible(async (signal) =>
      (await isLaterState(blocks, root))
        ? { ...(await checkLaterState(root, blocks, { onProgress, signal })), minersWithoutClaim: null }
        : await checkState(root, epoch, blocks, { onProgress, profile }),
    );
    line.clear();
    if (report.actors === 0) throw new Error(`nothing to check: the state ${root} holds no actor`);
    print(place, report, options.json === true);
    if (report.complaints.length > 0) process.exitCode = EXIT.untrue;
  } finally {
    line.clear();
    await close();
  }
}

/** `minersWithoutClaim`: null from version 16 on, where invariants of actors are not looked at. */
type Report = Omit<StateReport, "minersWithoutClaim"> & { readonly minersWithoutClaim: number | null };

function print({ root, epoch }: Place, report: Report, asJson: boolean): void {
  const { complaints, actors, total, minersWithoutClaim } = report;
  if (asJson) {
    const plain = { complaints, actors, total: total.toString(), minersWithoutClaim };
    printJson({ root: root.toString(), epoch, invariants: minersWithoutClaim !== null, ...plain });
    return;
  }
  for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
  const isLater = minersWithoutClaim === null;
  const without =
    minersWithoutClaim === null || minersWithoutClaim === 0
      ? ""
      : `, ${countText(minersWithoutClaim, "miner")} without a claim`;
  process.stdout.write(
    `state ${root} of epoch ${epoch}: ${countText(actors, "actor")}, ${filText(total)}${without}, ` +
      `${complaints.length === 0 ? (isLater ? "whole" : "sound") : countText(complaints.length, "complaint")}\n`,
  );
  if (isLater)
    process.stdout.write(
      "looked at: blocks, codes, ids, forms of states and the sum of balances; the invariants of actors are known up to network version 5\n",
    );
}

type Opened = { readonly place: Place; readonly close: () => Promise<void> };

async function open(name: string, options: Options, line: ProgressLine): Promise<Opened> {
  if (name !== "head" && !/^baf/.test(name)) return fromCar(name, options, line);
  const store = await TableStore.open(options.data, platform.openTable, { create: false });
  const close = (): Promise<void> => store.close();
  if (name !== "head")
    return { place: { root: parseCid(name), epoch: givenEpoch(options), blocks: store, network: "devnet" }, close };
  const chain = await Chain.open({ blocks: store });
  const header = chain.head.blocks[0];
  if (header === undefined) throw new Error(`${options.data} holds no chain`);
  return {
    place: { root: header.parentStateRoot, epoch: header.height - 1, blocks: store, network: "devnet" },
    close,
  };
}

function givenEpoch({ epoch }: Options): number {
  if (epoch === undefined) throw new UsageError("--epoch is needed: the epoch that the state is the result of");
  return epoch;
}

/** The first root of a CAR file, of any size, or of standard input: a block header, whose parent state is taken, or a state. */
async function fromCar(file: string, options: Options, line: ProgressLine): Promise<Opened> {
  const source = await openBytes(file);
  try {
    const blocks = await readingCar(file, () =>
      CarIndex.open(source, { onProgress: (done, total) => line.part("reading", done, total) }),
    );
    return { place: await placeIn(file, blocks, options), close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function placeIn(file: string, blocks: CarIndex, options: Options): Promise<Place> {
  if (options.root !== undefined)
    return { root: parseCid(options.root), epoch: givenEpoch(options), blocks, network: "mainnet" };
  const first = blocks.roots[0];
  const bytes = first === undefined ? undefined : await blocks.get(first);
  if (first === undefined || bytes === undefined) throw new Error(`${file} has no root`);
  try {
    const header = decodeHeader(bytes);
    return { root: header.parentStateRoot, epoch: header.height - 1, blocks, network: "mainnet" };
  } catch {
    return { root: cidFromBytes(first), epoch: givenEpoch(options), blocks, network: "mainnet" };
  }
}
