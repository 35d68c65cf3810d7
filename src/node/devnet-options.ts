/** What a local network can be asked for: the same for programs and for the command line. */

import { describeValue } from "../base/errors.ts";
import { checkChoice, checkNumber, checkText, checkWhole, OptionError } from "../base/options.ts";
import type { Bundle } from "../exec/bundle.ts";
import { DEVNET_VERSION, LOCAL_SECTOR_SIZES, leastRetention } from "../params/networks.ts";
import { findVersion, isFvm } from "../schema/versions/rows.ts";
import { formatFil } from "../types/amount.ts";
import { DEVNET_BOUNDS } from "./devnet-bounds.ts";
import { GENESIS_RESERVE } from "./genesis.ts";
import { minerFunds } from "./genesis-fvm.ts";
import { PROOF_MODES } from "./proof-mode.ts";

/** Epoch, some 30 years of 30 s on. */
const LATEST_UPGRADE = 2 ** 25;
/** First network version with contracts of Ethereum. */
const FIRST_CONTRACTS = 18;

/** Shortest time between tipsets that are made by the clock, seconds. */
export const SHORTEST_BLOCK_TIME = 0.001;

/** Seconds between tipsets: 0 for instant mode. */
export function checkBlockTime(value: unknown): number {
  const seconds = checkNumber("blockTime", value, DEVNET_BOUNDS.blockTime);
  return seconds === 0 ? 0 : checkNumber("blockTime", seconds, [SHORTEST_BLOCK_TIME, DEVNET_BOUNDS.blockTime[1]]);
}

/** Epochs whose states are kept, or "archive"; absent: as the network's form has it. Throws `OptionError` for fewer than its version needs. */
export function checkRetention(value: unknown, networkVersion: number): void {
  if (value === undefined || value === "archive") return;
  const [, most] = DEVNET_BOUNDS.retention;
  const least = leastRetention({ upgrades: [{ epoch: 0, networkVersion }] });
  const epochs = checkWhole("retention", value, [DEVNET_BOUNDS.retention[0], most]);
  if (epochs < least)
    throw new OptionError(
      "retention",
      `at network version ${networkVersion} the states of at least ${least} epochs are kept, as the report of a fault may ask for them; not ${epochs}`,
    );
}

/** The options of `Devnet.open` that can be wrong, of whatever types. */
type Given = {
  readonly [K in "accounts" | "balance" | "seed" | "blockTime" | "genesisTime" | "data" | "version"]: unknown;
} & {
  readonly [K in
    | "mnemonic"
    | "machine"
    | "miners"
    | "sectors"
    | "sectorSize"
    | "expiration"
    | "retention"
    | "proofs"
    | "predeploy"
    | "networkVersion"]?: unknown;
};

/** A local network's version: that of this engine's own actors, or one of published ones. */
function checkVersion(value: unknown): number {
  if (value === undefined || value === DEVNET_VERSION) return DEVNET_VERSION;
  const [first, last] = DEVNET_BOUNDS.networkVersion;
  if (typeof value === "number" && Number.isInteger(value) && value >= first && value <= last) return value;
  throw new OptionError(
    "networkVersion",
    `${DEVNET_VERSION}, or from ${first} to ${last}, expected, not ${describeValue(value)}`,
  );
}

/** A network version that comes while a local network runs. */
export type LocalUpgrade = {
  readonly networkVersion: number;
  /** The first at which it is in force. */
  readonly epoch: number;
  /** Published actors of the version, where they are others than before; needed until it has come. */
  readonly bundle?: Bundle;
};

type GivenActors = {
  readonly networkVersion?: number;
  readonly bundle?: Bundle;
  readonly upgrades?: readonly LocalUpgrade[];
  readonly miners?: number;
  readonly minersOfNew?: number;
};

/** That given actors are those of the network version. Throws `OptionError`. */
export function checkBundle({ networkVersion = DEVNET_VERSION, bundle, miners, minersOfNew }: GivenActors): void {
  if (bundle === undefined) return;
  const wanted = findVersion(networkVersion)?.actors;
  if (!isFvm(networkVersion)) throw new OptionError("bundle", "actors are given from network version 16 on");
  refuseNoBundle(bundle);
  const { published } = bundle;
  if (published === null && (miners ?? minersOfNew ?? 0) > 0)
    throw new OptionError(
      "miners",
      "miners take published actors, and the given bundle is none of those; leave miners out",
    );
  if (published !== null && published.actorsVersion !== wanted)
    throw new OptionError(
      "bundle",
      `network version ${networkVersion} runs the actors v${wanted}; given are v${published.actorsVersion} of ${published.name}`,
    );
}

/** A file's bytes, or what a file has several of, is no bundle yet. */
function refuseNoBundle(bundle: unknown): void {
  const { codes, blocks } = Object(bundle) as Partial<Bundle>;
  if (!(codes instanceof Map && blocks instanceof Map))
    throw new OptionError("bundle", "what `readBundle` returns of a CAR's bytes, or `Bundles` of a pack's, is wanted");
}

/** Upgrades of a network, between versions of published actors. `bundle`: actors at the genesis, where they are given. */
export function checkUpgrades(from: number, upgrades: readonly LocalUpgrade[], bundle?: Bundle): void {
  const [first, last] = DEVNET_BOUNDS.networkVersion;
  let [version, epoch, actors] = [from, 0, bundle];
  for (const upgrade of upgrades) {
    checkWhole("upgrades", upgrade.epoch, [epoch + 1, LATEST_UPGRADE]);
    if (!isFvm(from))
      throw new OptionError(
        "upgrades",
        `a network of version ${from}, with actors of this engine's own, has none: begin with ${first} to ${last - 1} (networkVersion)`,
      );
    if (upgrade.networkVersion <= version || !isFvm(upgrade.networkVersion))
      throw new OptionError(
        "upgrades",
        version >= last
          ? `nothing follows on version ${version}, which is the last; given is ${upgrade.networkVersion}`
          : `on version ${version} follows one of ${version + 1} to ${last}, in the order of epochs; given is ${upgrade.networkVersion}`,
      );
    const changes: number[] = [];
    for (let at = version + 1; at <= upgrade.networkVersion; at++) {
      const [before, after] = [findVersion(at - 1)?.actors ?? 0, findVersion(at)?.actors ?? 0];
      if (before !== after) changes.push(at);
    }
    // States are made of those of the version before, and only one upgrade is due after an epoch.
    if (changes.length > 1)
      throw new OptionError(
        "upgrades",
        `from version ${version} to ${upgrade.networkVersion} actors change ${changes.length} times, at ${changes.join(", ")}: each takes an upgrade of its own, at an epoch of its own`,
      );
    checkBundle({
      networkVersion: upgrade.networkVersion,
      ...(upgrade.bundle === undefined ? {} : { bundle: upgrade.bundle }),
    });
    if (findVersion(version)?.actors !== findVersion(upgrade.networkVersion)?.actors) {
      checkSuccessor(actors, upgrade.bundle);
      actors = upgrade.bundle ?? actors;
    }
    version = upgrade.networkVersion;
    epoch = upgrade.epoch;
  }
}

/** That given actors can replace given ones: both are published, and of one network. */
function checkSuccessor(old: Bundle | undefined, next: Bundle | undefined): void {
  const names = [old, next].flatMap((one) => (one === undefined ? [] : [one.published?.name ?? "nobody"]));
  if (new Set(names).size > 1 || names.includes("nobody"))
    throw new OptionError(
      "upgrades",
      `published actors replace those of the same network; given are actors of ${names.join(", then of ")}`,
    );
}

/** Throws `OptionError` naming the option. */
export function checkDevnetOptions(options: Given): void {
  const { balance, data, machine, retention } = options;
  const accounts = checkWhole("accounts", options.accounts, DEVNET_BOUNDS.accounts);
  const miners = checkWhole("miners", options.miners === undefined ? 0 : options.miners, DEVNET_BOUNDS.miners);
  const sectors = checkWhole("sectors", options.sectors === undefined ? 1 : options.sectors, DEVNET_BOUNDS.sectors);
  const sizes = Object.keys(LOCAL_SECTOR_SIZES);
  const size = options.sectorSize === undefined ? "2KiB" : checkChoice("sectorSize", options.sectorSize, sizes);
  if (size !== "2KiB" && miners * sectors > DEVNET_BOUNDS.largeSectors[1])
    throw new OptionError("sectors", `at most ${DEVNET_BOUNDS.largeSectors[1]} sectors of ${size} are there in all`);
  if (size !== "2KiB" && options.proofs === "groth16")
    throw new OptionError("sectorSize", "real proofs are of sectors of 2 KiB: their keys are made for these circuits");
  if (options.expiration !== undefined) checkWhole("expiration", options.expiration, DEVNET_BOUNDS.expiration);
  checkBlockTime(options.blockTime);
  checkWhole("genesisTime", options.genesisTime, DEVNET_BOUNDS.genesisTime);
  checkText("seed", options.seed);
  checkText("version", options.version);
  if (options.mnemonic !== undefined) checkText("mnemonic", options.mnemonic);
  if (data !== null) checkText("data", data);
  if (checkChoice("proofs", options.proofs ?? "attested", PROOF_MODES) === "groth16" && miners === 0)
    throw new OptionError("proving", "real proofs are those of miners: give miners 1 or more");
  if (machine !== undefined) checkChoice("machine", machine, ["worker", "thread"]);
  const version = checkVersion(options.networkVersion);
  checkRetention(retention, version);
  if (options.predeploy === true && version < FIRST_CONTRACTS)
    throw new OptionError("predeploy", `contracts are there from network version ${FIRST_CONTRACTS} on`);
  if (typeof balance !== "bigint" || balance < 0n)
    throw new OptionError("balance", "a bigint of attoFIL, not negative, expected");
  // Each account has two addresses, or three, and each miner's worker one.
  const addresses = isFvm(version) ? 3 : 2;
  if (
    balance * BigInt(addresses * accounts + Math.max(1, miners)) + BigInt(Math.max(1, miners)) * minerFunds(version) >
    GENESIS_RESERVE
  )
    throw new OptionError(
      "balance",
      `${formatFil(balance)} FIL on each address of ${accounts} accounts is more than the ${formatFil(GENESIS_RESERVE)} FIL that there are`,
    );
}
