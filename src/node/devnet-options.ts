/** What a local network can be asked for: the same for programs and for the command line. */
import { type Bounds, checkChoice, checkNumber, checkText, checkWhole, OptionError } from "../base/options.ts";
import { formatFil } from "../types/amount.ts";
import { GENESIS_RESERVE } from "./genesis.ts";
import { PROOF_MODES } from "./proof-mode.ts";

export const DEVNET_BOUNDS = {
  accounts: [1, 100],
  miners: [0, 16],
  /** of a network of several */
  nodes: [1, 32],
  /** of each miner */
  sectors: [1, 64],
  /** seconds; 0: instant mode */
  blockTime: [0, 3600],
  /** Unix time of a block: 32 bits */
  genesisTime: [0, 4_294_967_295],
  /** epochs: a finality (900) and some more */
  retention: [1000, 1_000_000_000],
} as const satisfies Record<string, Bounds>;

/** Shortest time between tipsets that are made by the clock, seconds. */
export const SHORTEST_BLOCK_TIME = 0.001;

/** Seconds between tipsets: 0 for instant mode. */
export function checkBlockTime(value: unknown): number {
  const seconds = checkNumber("blockTime", value, DEVNET_BOUNDS.blockTime);
  return seconds === 0 ? 0 : checkNumber("blockTime", seconds, [SHORTEST_BLOCK_TIME, DEVNET_BOUNDS.blockTime[1]]);
}

/** The options of `Devnet.open` that can be wrong, of whatever types. */
type Given = {
  readonly [K in "accounts" | "balance" | "seed" | "blockTime" | "genesisTime" | "data" | "version"]: unknown;
} & { readonly [K in "mnemonic" | "machine" | "miners" | "sectors" | "retention" | "proofs"]?: unknown };

/** Throws `OptionError` naming the option. */
export function checkDevnetOptions(options: Given): void {
  const { balance, data, machine, retention } = options;
  const accounts = checkWhole("accounts", options.accounts, DEVNET_BOUNDS.accounts);
  const miners = checkWhole("miners", options.miners === undefined ? 0 : options.miners, DEVNET_BOUNDS.miners);
  checkWhole("sectors", options.sectors === undefined ? 1 : options.sectors, DEVNET_BOUNDS.sectors);
  checkBlockTime(options.blockTime);
  checkWhole("genesisTime", options.genesisTime, DEVNET_BOUNDS.genesisTime);
  checkText("seed", options.seed);
  checkText("version", options.version);
  if (options.mnemonic !== undefined) checkText("mnemonic", options.mnemonic);
  if (data !== null) checkText("data", data);
  if (checkChoice("proofs", options.proofs ?? "attested", PROOF_MODES) === "groth16" && miners === 0)
    throw new OptionError("proving", "real proofs are those of miners: give miners 1 or more");
  if (machine !== undefined) checkChoice("machine", machine, ["worker", "thread"]);
  if (retention !== undefined && retention !== "archive") checkWhole("retention", retention, DEVNET_BOUNDS.retention);
  if (typeof balance !== "bigint" || balance < 0n)
    throw new OptionError("balance", "a bigint of attoFIL, not negative, expected");
  // Each account has two addresses, and each miner's worker one.
  if (balance * BigInt(2 * accounts + Math.max(1, miners)) > GENESIS_RESERVE)
    throw new OptionError(
      "balance",
      `${formatFil(balance)} FIL on each address of ${accounts} accounts is more than the ${formatFil(GENESIS_RESERVE)} FIL that there are`,
    );
}
