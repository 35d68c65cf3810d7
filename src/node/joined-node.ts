/**
 * A node that joins a local network which others began: it has the network's description and its genesis, both public, and
 * may own miners of the network's seed.
 */
import { platform } from "#platform";
import { equal, fromUtf8, utf8 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { OptionError } from "../base/options.ts";
import { Chain } from "../chain/chain.ts";
import { type ImportProgress, importSnapshot } from "../chain/import.ts";
import { loadCrypto } from "../core/crypto.ts";
import { loadProofs } from "../core/proofs.ts";
import { Keystore } from "../keys/keystore.ts";
import { DEVNET, type NetworkParams } from "../params/networks.ts";
import type { Secrets } from "../platform/secrets.ts";
import type { ByteSource } from "../storage/car-reader.ts";
import type { BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import { parseCid } from "../types/cid.ts";
import { RESERVE } from "../types/singletons.ts";
import { LocalMiners } from "./local-miners.ts";
import { LocalProving, type LocalProvingOptions } from "./local-proving.ts";
import { LocalVerifier } from "./local-verifier.ts";
import { descriptionToJson, type NetworkDescription, parseDescription } from "./network-description.ts";
import { NetworkNode, type NetworkNodeOptions } from "./network-node.ts";

export type JoinErrorData =
  | { readonly code: "NOT_INITIALISED" }
  | { readonly code: "OTHER_NETWORK"; readonly stored: string }
  | { readonly code: "UNKNOWN_MINER"; readonly miner: string }
  | { readonly code: "OTHER_KEYS"; readonly setup: string };
export class JoinError extends FilError<JoinErrorData> {}

const DESCRIPTION_FACT = "node/network";

/** Lays the network's genesis, or a snapshot of its chain, into an empty store. */
export async function initNode(
  store: BlockStore,
  description: NetworkDescription,
  car: ByteSource,
  options: { readonly onProgress?: (progress: ImportProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<Tipset> {
  if (description.network !== DEVNET.name)
    throw new JoinError(
      { code: "OTHER_NETWORK", stored: description.network },
      `nodes of "${description.network}" are not run; this is a node of "${DEVNET.name}"`,
    );
  const json = utf8(JSON.stringify(descriptionToJson(description)));
  const hashes = await loadCrypto();
  const { head } = await importSnapshot(store, car, { ...options, hashes, genesis: parseCid(description.genesis.cid) });
  // Without it the folder is not a node's: it is written when the chain is there.
  await store.write({ metadata: [[DESCRIPTION_FACT, json]] }, { sync: true });
  return head;
}

export type JoinOptions = Pick<
  NetworkNodeOptions,
  "listen" | "machine" | "retention" | "version" | "onMining" | "onReport" | "onFault" | "onShutdown"
> & {
  readonly store: BlockStore;
  readonly secrets: Secrets;
  /** Multiaddrs; default: those of the description. */
  readonly bootstrap?: readonly string[];
  /** ID addresses of the network's miners that this node owns. */
  readonly mine: readonly string[];
  /** Where parameters are kept, for miners of a network with real proofs. */
  readonly params?: Omit<LocalProvingOptions, "setup">;
};

/** Puts the node of an initialised store together; throws `JoinError`. It closes the store when it stops. */
export async function openJoinedNode(options: JoinOptions): Promise<NetworkNode> {
  const { store, secrets, bootstrap, mine, params, ...rest } = options;
  const chain = await Chain.open({ blocks: store });
  const found = await store.metadata(DESCRIPTION_FACT);
  if (found === undefined || chain.isEmpty)
    throw new JoinError(
      { code: "NOT_INITIALISED" },
      "the data folder holds no node; make one: filigree node init --network <devnet.json> --genesis <genesis.car>",
    );
  const description = parseDescription(fromUtf8(found));
  const network: NetworkParams = { ...DEVNET, blockDelaySeconds: description.epochSeconds };
  const crypto = await loadCrypto();
  const times = { genesisTime: description.genesis.time, blockDelay: network.blockDelaySeconds };
  const { proofs } = description;
  const facts = { networkName: network.name, beacon: description.beacon, times, proofs };
  const { randomBytes } = platform;
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, local: true, prefix: network.prefix }, "");
  const module = await loadProofs();
  const follower = new LocalVerifier(facts, crypto, module);
  const proving = mine.length === 0 ? null : await provingOf(description, params);
  const local = mine.length === 0 ? null : await minersOf(description, mine, times, proving);
  return NetworkNode.open({
    ...rest,
    ...(proving === null ? {} : { proving }),
    chain,
    crypto,
    network,
    secrets,
    keystore,
    verifier: local?.verification ?? follower,
    bootstrap: bootstrap ?? description.multiaddrs,
    ...(local === null ? {} : { mining: { local, miners: local.miners } }),
    info: () => descriptionToJson(description),
  });
}

/** The keys that a miner proves with, if the network's proofs are real: made here, and the same as everybody's. */
async function provingOf({ proofs }: NetworkDescription, params: JoinOptions["params"]): Promise<LocalProving | null> {
  if (proofs.mode === "attested") return null;
  if (params === undefined)
    throw new OptionError("params", "miners of a network with real proofs need a folder of keys");
  const proving = await LocalProving.open({ ...params, setup: proofs.setup });
  const { verifyingKeys } = proofs;
  const same = (["winning", "window"] as const).every((kind) =>
    equal(proving.params[kind].verifyingKey, verifyingKeys[kind]),
  );
  if (same) return proving;
  await proving.close();
  throw new JoinError(
    { code: "OTHER_KEYS", setup: proofs.setup },
    `the network's keys are not those of the setup "${proofs.setup}" that its description names: its miners cannot be proved for here`,
  );
}

/** Miners of the network by their addresses: keys and sectors follow from the seed. */
async function minersOf(
  { seed, miners, network }: NetworkDescription,
  wanted: readonly string[],
  times: { readonly genesisTime: number; readonly blockDelay: number },
  proving: LocalProving | null,
): Promise<LocalMiners> {
  const only = wanted.map((text) => {
    const index = miners.findIndex(({ address }) => address.slice(1) === text.slice(1));
    if (index < 0)
      throw new JoinError(
        { code: "UNKNOWN_MINER", miner: text },
        `${text} is no miner of this network; there are ${miners.map(({ address }) => address).join(", ")}`,
      );
    return index;
  });
  const [first] = miners as [NetworkDescription["miners"][0]];
  return LocalMiners.open(
    {
      seed,
      miners: miners.length,
      sectors: first.sectors,
      sealProof: 0,
      firstId: Address.parse(first.address).actorId as bigint,
      owner: RESERVE,
      times,
      networkName: network,
      only,
      ...(proving === null ? {} : { proving }),
    },
    await loadCrypto(),
  );
}
