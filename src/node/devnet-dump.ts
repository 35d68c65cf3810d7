/** What a file of a local network holds of one that runs, and what of it must be set in one that was made of the file. */
import { OptionError } from "../base/options.ts";
import { decodeKey } from "../chain/canonical-index.ts";
import { CHAIN_FACTS } from "../chain/chain.ts";
import { Bundles } from "../exec/bundles.ts";
import type { KeyInfo } from "../keys/keys.ts";
import { parseMnemonic } from "../keys/mnemonic.ts";
import { DEVNET_VERSION } from "../params/networks.ts";
import { VERSION } from "../params/version.ts";
import { isFvm } from "../schema/versions/rows.ts";
import { readManifest } from "../state/manifest.ts";
import { StateView } from "../state/state-view.ts";
import type { ByteSource } from "../storage/car-reader.ts";
import type { BlockHashes } from "../storage/check-block.ts";
import type { BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { decodeHeader } from "../types/block-header.ts";
import { decodeSignedMessage, encodeSignedMessage } from "../types/message.ts";
import { ATTACHED_FACT } from "./attached-folders.ts";
import type { Clock } from "./clock.ts";
import { DevnetError, FORK_FACT } from "./devnet-chain.ts";
import { checkDevnetOptions, checkUpgrades } from "./devnet-options.ts";
import {
  badDump,
  DumpError,
  type Dumped,
  type DumpedMiner,
  type DumpedOptions,
  dumpSections,
  readOptions,
} from "./dump.ts";
import { actorsFor, bundlesIn } from "./dump-actors.ts";
import type { Laboratory } from "./laboratory.ts";
import type { LocalProving } from "./local-proving.ts";
import type { FilecoinNode } from "./node.ts";
import { HOME_FACT } from "./sector-home.ts";
import type { Snapshots } from "./snapshots.ts";

/** Options that are fixed with a network. */
type Fixed = Omit<DumpedOptions, "balance" | "proofs" | "blockTime"> & { readonly balance: bigint };
/** A network, as far as a file has it. */
type Network = {
  readonly options: Partial<Fixed> & {
    readonly [K in "accounts" | "balance" | "seed" | "genesisTime"]: Fixed[K];
  } & { readonly blockTime: number; readonly proving?: LocalProving };
  readonly node: FilecoinNode;
  readonly clock: Clock;
  readonly laboratory: Laboratory | null;
  readonly snapshots: Snapshots;
};

/** That a network can be written to a file. Throws `DumpError` OF_FORK. */
export async function checkDump({ node }: Pick<Network, "node">): Promise<void> {
  if ((await node.chain.blocks.metadata(FORK_FACT)) !== undefined)
    throw new DumpError(
      { code: "OF_FORK" },
      "a fork is not written to a file: what it never needed is not here; keep its data folder, or fork again",
    );
}

/** That the facts of a file are those of a whole chain of its own. Throws `DumpError` BAD_DUMP. */
export function checkFacts(facts: Dumped["facts"]): void {
  const names = new Set(facts.map(([name]) => name));
  if (names.has(FORK_FACT)) throw badDump("it is one of a fork, which is written to no file");
  if (!names.has(CHAIN_FACTS.head)) throw badDump("it has no chain");
}

/** That the actors that run at a file's head are in it, or in bundles that it names. Throws `DumpError` BAD_DUMP. */
export async function checkCode(blocks: BlockStore, { facts, options }: Dumped): Promise<void> {
  if (!isFvm(options.networkVersion ?? DEVNET_VERSION)) return;
  const head = facts.find(([name]) => name === CHAIN_FACTS.head)?.[1] ?? new Uint8Array(0);
  try {
    const [block] = decodeKey(head);
    const { parentStateRoot } = decodeHeader((block && (await blocks.get(block.bytes))) ?? new Uint8Array(0));
    const { codes } = await readManifest(blocks, await StateView.open(blocks, parentStateRoot));
    for (const [name, cid] of codes)
      if (!(await blocks.has(cid.bytes))) throw new Error(`the code ${cid} of ${name} is not there`);
  } catch (cause) {
    throw badDump("it does not have the actors of its state, and names no bundle that has them", cause);
  }
}

/** What making a network of a file failed by: its options are those of another one. */
export function misfit(cause: unknown): unknown {
  return cause instanceof DevnetError ? badDump("its options do not fit its state", cause) : cause;
}

/** Facts without those of this machine: its folders, whose files are in the file and must not be a second network's as well. */
export function withoutPlaces(facts: Dumped["facts"]): Dumped["facts"] {
  return facts.filter(([name]) => name !== ATTACHED_FACT && name !== HOME_FACT);
}

/** Stands in a store while a file is loaded into it: from its first facts until all beside the store is there, too. */
export const LOADING_FACT = "devnet/loading";

export async function isHalfLoaded(store: Pick<BlockStore, "metadata">): Promise<boolean> {
  return (await store.metadata(LOADING_FACT)) !== undefined;
}

/** Throws `DumpError` HALF_LOADED. */
export async function refuseHalfLoaded(store: Pick<BlockStore, "metadata">): Promise<void> {
  if (await isHalfLoaded(store))
    throw new DumpError(
      { code: "HALF_LOADED" },
      "a file was being loaded into the data folder, and that was interrupted; load it again (--load <file>), or --reset",
    );
}

export type DumpSettings = {
  /** Whether the file's network makes tipsets by itself. Default: as this one does. */
  readonly automine?: boolean;
};

/** Writes a network as the sections of a CAR file. Throws as `checkDump`. */
export async function* dumpOf(net: Network, settings: DumpSettings = {}): AsyncGenerator<Uint8Array> {
  await checkDump(net);
  const { facts, sectors, free } = await net.snapshots.copy();
  try {
    const { blocks } = net.node.chain;
    const isOfBundle = isFvm(net.options.networkVersion ?? DEVNET_VERSION);
    const dumped = { facts: withoutPlaces(facts), sectors, ...restOf(net, settings) };
    yield* dumpSections(dumped, blocks, isOfBundle ? await bundlesIn(blocks) : []);
  } finally {
    free();
  }
}

function restOf(net: Network, { automine }: DumpSettings): Omit<Dumped, "facts" | "sectors"> {
  const { options, node, clock, laboratory } = net;
  const { accounts, balance, seed, mnemonic = "", blockTime, genesisTime, miners = 0, sectors = 1, proving } = options;
  const { networkVersion = DEVNET_VERSION, predeploy = false, upgrades = [] } = options;
  const schedule = upgrades.map(({ epoch, networkVersion }) => ({ epoch, networkVersion }));
  const local = new Set(node.pool.localMessages());
  const others = node.pool.pending().filter((signed) => !local.has(signed));
  const keys = node.keystore.list().map((address) => node.keystore.get(address));
  return {
    options: {
      ...{ accounts, seed, mnemonic, blockTime, genesisTime, miners, sectors },
      balance: `${balance}`,
      proofs: proving?.described.mode ?? "attested",
      ...(isFvm(networkVersion) ? { networkVersion, predeploy, upgrades: schedule } : {}),
    },
    wallet: { chosen: node.keystore.chosenName, keys: keys.map(({ type, secret }) => [type, secret] as const) },
    pool: others.map(encodeSignedMessage),
    clock: { automine: automine ?? clock.isAutomatic, blockTime: clock.blockTime },
    miners: (laboratory?.miners ?? []).map((miner): DumpedMiner => {
      const skipped = laboratory?.skipped(miner) ?? [];
      return {
        miner: `${miner}`,
        on: laboratory?.isOn(miner) ?? true,
        skipped: skipped === "all" ? null : skipped,
        faults: (laboratory?.faults(miner) ?? []).flatMap(({ sector, fault }) =>
          fault === "none" ? [] : [[sector, fault] as const],
        ),
      };
    }),
  };
}

/** That there can be a network with a file's options. Throws `DumpError` BAD_DUMP. */
function checkOptions({ balance, ...options }: DumpedOptions): void {
  try {
    checkDevnetOptions({ ...options, balance: BigInt(balance), data: null, version: VERSION });
    checkUpgrades(options.networkVersion ?? DEVNET_VERSION, options.upgrades ?? []);
    parseMnemonic(options.mnemonic);
  } catch (cause) {
    throw badDump("there is no network with its options", cause);
  }
}

/** What a file says that its network needs. Throws as `readDump`, and `BundleError` MISSING_BUNDLE for actors that are not at hand. */
export async function askFile(file: ByteSource, hashes: BlockHashes, atHand: Pick<Bundles, "require"> = new Bundles()) {
  const { options, bundles } = await readOptions(file, hashes);
  checkOptions(options);
  return { options, actors: await actorsFor(bundles, options.upgrades ?? [], atHand) };
}

/** Options of a network that is made of a file: those that it had, and where the new one runs. */
export function optionsOf<
  Given extends Partial<Fixed> & {
    readonly [K in "bundle" | "sectorSize"]?: unknown;
  } & { readonly proving?: LocalProving },
>(dumped: DumpedOptions, given: Given) {
  const { balance, proofs, ...options } = dumped;
  const mode = given.proving?.described.mode ?? "attested";
  if (mode !== proofs)
    throw new OptionError("proving", `the file's network has proofs that are ${proofs}; give keys for those`);
  for (const name of [
    "seed",
    "mnemonic",
    "accounts",
    "balance",
    "genesisTime",
    "miners",
    "sectors",
    "sectorSize",
    "networkVersion",
    "predeploy",
    "upgrades",
    "bundle",
  ] as const)
    if (given[name] !== undefined) throw new OptionError(name, "that of the file's network holds; leave it out");
  return { ...options, ...given, mnemonic: options.mnemonic, balance: BigInt(balance) };
}

/** Sets what is beside the store. Throws `DumpError` BAD_DUMP. */
export async function settle(net: Network, { wallet, pool, clock, miners }: Dumped, blockTime?: number): Promise<void> {
  try {
    const keys: KeyInfo[] = wallet.keys.map(([type, secret]) => ({ type, secret }));
    await net.node.keystore.become(keys, wallet.chosen);
    for (const { miner, on, skipped, faults } of miners) {
      const address = Address.parse(miner);
      net.laboratory?.turn(address, on);
      await net.laboratory?.skip(address, skipped ?? "all", true);
      for (const [sector, fault] of faults) net.laboratory?.setFault(address, sector, fault);
    }
    // Who gives a block time wants tipsets.
    net.clock.setAutomine(clock.automine || blockTime !== undefined);
    net.clock.setBlockTime(blockTime ?? clock.blockTime);
    // Of what waited some may not enter any more: its sender has spent the funds, or the base fee has risen.
    await net.node.pool.restore(pool.map(decodeSignedMessage));
  } catch (cause) {
    throw badDump("its settings do not fit its state", cause);
  }
}
