/** `filigree state check <car|head|root>`: checks the invariants of a whole state; from version 16 on what can be told without its actors'. */
import { type Command, Option } from "commander";
import { loadCrypto } from "../../core/crypto.ts";
import { checkState, type StateReport } from "../../core/state-check.ts";
import { profileOfStateName } from "../../params/networks.ts";
import { checkLaterState, isLaterState } from "../../stmgr/check-later.ts";
import { comparing } from "../../storage/check-block.ts";
import { filText } from "../../types/amount.ts";
import { EXIT } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { DEFAULT_DATA, wholeNumber } from "../options.ts";
import { openState, type StatePlace, type StateWish } from "../state-place.ts";
import { countText, progressLine } from "../terminal.ts";

const NETWORKS = ["mainnet", "calibrationnet", "devnet"] as const;
type Network = (typeof NETWORKS)[number];
type Options = StateWish & { readonly network?: Network; readonly json?: true };

/** What parameters that differ between networks decide of the invariants: which miners have the minimum of power. */
const MINIMUM = "minimum";

/** Whose parameters invariants were held against, and which network the state itself names. */
type Parameters = { readonly of: Network; readonly given: boolean; readonly named: string | null };

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
      "CAR file (of a chain, format 1 or 2, or of a state), head of the local network, or CID of a state root",
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
        "whose parameters hold, for the minimum of power (default: those of the network that the state names, else mainnet)",
      ).choices(NETWORKS),
    )
    .option("--json", "one JSON object instead of text")
    .action(check);
}

async function check(name: string, options: Options): Promise<void> {
  const line = progressLine();
  const { place, networkName: named, close } = await openState(name, options, line);
  try {
    const { root, epoch } = place;
    // Nobody has compared what lies in a file or on a disk since it was written.
    const blocks = comparing(place.blocks, await loadCrypto());
    const onProgress = (actors: number): void => line.show(`${actors} actors`);
    const given = options.network;
    const parameters = { of: given ?? networkOf(named) ?? NETWORKS[0], given: given !== undefined, named };
    const report = await interruptible(async (signal) =>
      (await isLaterState(blocks, root))
        ? { ...(await checkLaterState(root, blocks, { onProgress, signal })), minersWithoutClaim: null }
        : await checkState(root, epoch, blocks, { onProgress, profile: parameters.of }),
    );
    line.clear();
    if (report.actors === 0) throw new Error(`nothing to check: the state ${root} holds no actor`);
    print(place, report, parameters, options.json === true);
    if (report.complaints.length > 0) process.exitCode = EXIT.untrue;
  } finally {
    line.clear();
    await close();
  }
}

function networkOf(named: string | null): Network | null {
  const profile = named === null ? null : profileOfStateName(named);
  return NETWORKS.find((network) => network === profile) ?? null;
}

/** `minersWithoutClaim`: null from version 16 on, where invariants of actors are not looked at. */
type Report = Omit<StateReport, "minersWithoutClaim"> & { readonly minersWithoutClaim: number | null };

function print({ root, epoch }: StatePlace, report: Report, parameters: Parameters, asJson: boolean): void {
  const { complaints, actors, total, minersWithoutClaim } = report;
  const isLater = minersWithoutClaim === null;
  if (asJson) {
    const plain = { complaints, actors, total: total.toString(), minersWithoutClaim };
    const whose = { network: isLater ? null : parameters.of, networkName: parameters.named };
    printJson({ root: root.toString(), epoch, ...whose, invariants: !isLater, ...plain });
    return;
  }
  for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
  const without =
    minersWithoutClaim === null || minersWithoutClaim === 0
      ? ""
      : `, ${countText(minersWithoutClaim, "miner")} without a claim`;
  process.stdout.write(
    `state ${root} of epoch ${epoch}: ${countText(actors, "actor")}, ${filText(total)}${without}, ` +
      `${complaints.length === 0 ? (isLater ? "whole" : "sound") : countText(complaints.length, "complaint")}\n` +
      (isLater
        ? "looked at: blocks, codes, ids, forms of states and the sum of balances; the invariants of actors are known up to network version 5\n"
        : `${parametersText(parameters, complaints)}\n`),
  );
}

/** Whose parameters these were, and why; and, where the state does not bear that out, what of the complaints depends on it. */
function parametersText({ of, given, named }: Parameters, complaints: readonly string[]): string {
  const own = networkOf(named);
  const state = named === null ? "the state names no network" : `the state is of the network "${named}"`;
  const isOther = own !== null && own !== of;
  const why = given
    ? `as --network says${isOther ? `, though ${state}, whose are those of ${own}` : ""}`
    : `as ${state}${own === null ? `${named === null ? "" : ", which is not known here"} (--network names another)` : ""}`;
  const depends = own !== of && complaints.some((one) => one.includes(MINIMUM));
  return `with the parameters of ${of}, ${why}${depends ? `: complaints about the ${MINIMUM} of power depend on them` : ""}`;
}
