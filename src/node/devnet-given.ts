/** What `Devnet` takes. A name that it does not know is refused, and a switch that is neither on nor off: "false" would be read as on. */
import { checkFlag, checkNames, checkNumber, OptionError, type OptionNames } from "../base/options.ts";
import type { Bundle } from "../exec/bundle.ts";
import type { Bundles } from "../exec/bundles.ts";
import type { LocalSectorSize } from "../params/networks.ts";
import type { Observer } from "../rpc/dispatcher.ts";
import type { DealsPartOptions } from "./deals-part.ts";
import type { DumpSettings } from "./devnet-dump.ts";
import type { LocalUpgrade } from "./devnet-options.ts";
import type { WholeLimits, WholeOptions } from "./fork/fetch-whole.ts";
import type { LocalProving } from "./local-proving.ts";
import type { MachinePlace } from "./machines.ts";
import type { Retention } from "./node.ts";
import type { Presealing } from "./presealed.ts";
import type { RpcOptions } from "./rpc-part.ts";

export type DevnetOptions = {
  /** Funded accounts; default 10. */
  readonly accounts: number;
  /** attoFIL on each address; default 1,000,000 FIL. */
  readonly balance: bigint;
  /** Decides the accounts' keys, the genesis and the beacon; default "filigree". */
  readonly seed: string;
  /** BIP-39 words of the accounts' secp256k1 keys; default: those of the seed, or, if that is not given, "test test … junk". */
  readonly mnemonic: string;
  /** Seconds between epochs once `clock.start` is called; 0, the default, makes one whenever a message arrives. */
  readonly blockTime: number;
  /** Unix time of the genesis, seconds; default that of the main network's, so that CIDs are the same at every run. */
  readonly genesisTime: number;
  /** Folder of the data; null, the default, keeps everything in memory. */
  readonly data: string | null;
  /** What the node says that it is, behind "filigree-". */
  readonly version: string;
  /**
   * Where messages are executed: in the caller's thread, or in workers, so that the network answers meanwhile and calls
   * may nest as deep as the protocol allows; `close` ends them. Default: "thread".
   */
  readonly machine?: MachinePlace;
  /** Forgets what an earlier network left in the folder, if the folder is ours and nobody has it open. */
  readonly reset?: boolean;
  /** Goes on with what can be read of a damaged folder. */
  readonly repair?: boolean;
  /** Called when a client asks the node to stop (`Shutdown`); without it, it is told that it cannot. */
  readonly onShutdown?: () => void;
  /**
   * Network version from genesis on. Default 5, whose actors are this engine's own; from 16 on the published ones of `bundle` run.
   */
  readonly networkVersion?: number;
  /** Multicall3 and the deterministic deployer stand at their addresses from the genesis on, from version 18. Default: no. */
  readonly predeploy?: boolean;
  /** Published actors of that version; a network that goes on has them in its folder. */
  readonly bundle?: Bundle;
  /** Published actors at hand, for networks that come from elsewhere (`load`, `fork`): those that they name are looked for here. */
  readonly bundles?: Pick<Bundles, "find" | "require">;
  /** Versions that come while it runs, in the order of epochs: to 18 and later ones. */
  readonly upgrades?: readonly LocalUpgrade[];
  /**
   * Miners with real sectors, which take turns by election; 0: one producer without election, for whom nothing is proved.
   * Default: what a network that goes on was made with; of a new one `minersOfNew`.
   */
  readonly miners?: number;
  /** Miners of a network that is made now, where `miners` is not given. Default 0. */
  readonly minersOfNew?: number;
  /** Sectors of each of them. Default 1. */
  readonly sectors?: number;
  /** Their size. Default: what a network that goes on was made with; of a new one 2 KiB. */
  readonly sectorSize?: LocalSectorSize;
  /** Where sectors above 2 KiB of the genesis are sealed once, for every network of the same seed. Default: in memory, each time. */
  readonly presealing?: Presealing;
  /** Epoch at which those of a new network expire: 521,430 to 1,555,200. Default 1,500,000. */
  readonly expiration?: number;
  /**
   * Keys and workers of real proofs of spacetime (`LocalProving.open`), each of which takes seconds; `close` ends them.
   * Default: proofs are attested, by a signature in place of the SNARK.
   */
  readonly proving?: LocalProving;
  /** Epochs whose states are kept, or all of them; default: that of `NodeOptions`. */
  readonly retention?: Retention;
  /** Looks at each storage deal that is offered to a miner and that all its rules allow; a text refuses it. */
  readonly dealHook?: NonNullable<DealsPartOptions["hook"]>;
  /** Sees every answer of the RPC interface that is not an error. */
  readonly observe?: Observer;
};

const OPTIONS: OptionNames<DevnetOptions> = {
  ...{ accounts: true, balance: true, seed: true, mnemonic: true, blockTime: true, genesisTime: true },
  ...{ data: true, reset: true, repair: true, retention: true, machine: true, version: true },
  ...{ networkVersion: true, bundle: true, bundles: true, upgrades: true, predeploy: true },
  ...{ miners: true, minersOfNew: true, sectors: true, sectorSize: true, presealing: true, expiration: true },
  ...{ proving: true, dealHook: true, observe: true, onShutdown: true },
};
const UPGRADE: OptionNames<LocalUpgrade> = { networkVersion: true, epoch: true, bundle: true };

/** `at`: an epoch of the other network. `whole`: its state is fetched at once, within limits. */
export type ForkOptions = Partial<DevnetOptions> & { readonly at?: number; readonly whole?: boolean | WholeOptions };

const WHOLE: OptionNames<WholeOptions> = { limits: true, onProgress: true, now: true };
const LIMITS: OptionNames<WholeLimits> = { blocks: true, bytes: true, time: true };

function checkSwitches(given: Partial<DevnetOptions>): void {
  for (const name of ["reset", "repair", "predeploy"] as const)
    if (given[name] !== undefined) checkFlag(name, given[name]);
}

export function checkOpenNames(taker: string, given: Partial<DevnetOptions>): void {
  checkNames(taker, given as DevnetOptions, OPTIONS);
  checkSwitches(given);
  const { upgrades = [] } = given;
  if (!Array.isArray(upgrades)) throw new OptionError("upgrades", "a list of { networkVersion, epoch } expected");
  for (const upgrade of upgrades as readonly LocalUpgrade[]) checkNames("upgrades", upgrade, UPGRADE);
}

export function checkForkNames(given: ForkOptions): void {
  checkNames<DevnetOptions & { at?: number; whole?: boolean | WholeOptions }>("Devnet.fork", given as DevnetOptions, {
    ...OPTIONS,
    ...{ at: true, whole: true },
  });
  checkSwitches(given);
  const { whole } = given;
  if (typeof whole === "object" && whole !== null) checkWhole(whole);
  else if (whole !== undefined) checkFlag("whole", whole);
}

function checkWhole(whole: WholeOptions): void {
  checkNames("whole", whole, WHOLE);
  const { limits = {} } = whole;
  checkNames("whole.limits", limits as WholeLimits, LIMITS);
  for (const [name, value] of Object.entries(limits))
    checkNumber(`whole.limits.${name}`, value, [1, Number.MAX_SAFE_INTEGER]);
}

export function checkServeNames(given: Partial<RpcOptions>): void {
  const names = { host: true, port: true, allowHosts: true, allowOrigins: true } as const;
  checkNames<RpcOptions>("Devnet.serve", given as RpcOptions, names);
}

export function checkDumpNames(given: DumpSettings): void {
  checkNames<DumpSettings>("Devnet.dump", given, { automine: true });
  if (given.automine !== undefined) checkFlag("automine", given.automine);
}

export function checkRevertNames(given: { readonly keep?: boolean }): void {
  checkNames<{ readonly keep?: boolean }>("Devnet.revert", given, { keep: true });
  if (given.keep !== undefined) checkFlag("keep", given.keep);
}
