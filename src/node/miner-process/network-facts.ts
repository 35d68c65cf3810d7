/** What a miner's process must know of the network that a node is of. */
import type { RpcRequest } from "../../miner/chain-side/rpc-node.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import { type DescribedProofs, proofsOfJson } from "../proof-mode.ts";
import { MinerFolderError } from "./settings.ts";

export type NetworkFacts = {
  readonly name: string;
  readonly prefix: NetworkPrefix;
  /** CID of the genesis block. */
  readonly genesis: string;
  readonly times: { readonly genesisTime: number; readonly blockDelay: number };
  /** Epochs from a pre-commit to its seed. */
  readonly challengeDelay: number;
  /** Whether epochs pass by the clock, and the node takes blocks that others make. */
  readonly takesBlocks: boolean;
  /** What proofs of spacetime and of seals are. */
  readonly proofs: DescribedProofs;
  /** What a local network tells of itself. */
  readonly seed: string;
  readonly miners: readonly {
    readonly address: string;
    readonly sectors: number;
    readonly sectorBytes: number;
    /** Index of the node that owns it; null: none; absent on a network of one process, which owns all. */
    readonly node?: number | null;
  }[];
};

type Params = { readonly BlockDelaySecs: number; readonly PreCommitChallengeDelay: number };
type Info = Readonly<Record<string, unknown>> & {
  readonly seed: string;
  readonly multiaddrs?: unknown;
  readonly miners?: NetworkFacts["miners"];
};
type Tipset = {
  readonly Cids: readonly { readonly "/": string }[];
  readonly Blocks: readonly { readonly Timestamp: number }[];
};

/** Asks a node. Throws `MinerFolderError` NOT_SUPPORTED for networks whose proofs a process of its own cannot make. */
export async function askNetwork(request: RpcRequest): Promise<NetworkFacts> {
  const [name, params, genesis, spelling, info] = await Promise.all([
    request("Filecoin.StateNetworkName") as Promise<string>,
    request("Filecoin.StateGetNetworkParams") as Promise<Params>,
    request("Filecoin.ChainGetGenesis") as Promise<Tipset>,
    request("Filecoin.WalletValidateAddress", "f00") as Promise<string>,
    request("Devnet.info") as Promise<Info>,
  ]);
  const proofs = proofsOfJson(info);
  if ("wrong" in proofs)
    throw new MinerFolderError(
      { code: "NOT_SUPPORTED", what: proofs.wrong },
      `what the node tells of its network's proofs is not enough to prove for it (${proofs.wrong}): a network of real proofs tells its keys where its epochs pass by the clock, in whole seconds`,
    );
  return {
    name,
    prefix: spelling.startsWith("f") ? "f" : "t",
    genesis: genesis.Cids[0]?.["/"] ?? "",
    times: { genesisTime: genesis.Blocks[0]?.Timestamp ?? 0, blockDelay: params.BlockDelaySecs },
    challengeDelay: params.PreCommitChallengeDelay,
    takesBlocks: info.multiaddrs !== undefined,
    proofs,
    seed: info.seed,
    miners: info.miners ?? [],
  };
}

/** Throws `MinerFolderError` MINED_ELSEWHERE for a miner of the genesis that a node has. */
export function refuseMined({ miners, prefix }: NetworkFacts, wanted: Address): void {
  const name = wanted.toString(prefix);
  const found = miners.find(({ address }) => address.slice(1) === name.slice(1));
  if (found === undefined || found.node === null) return;
  throw new MinerFolderError(
    { code: "MINED_ELSEWHERE", miner: name },
    `a node mines with ${name}, and two of them would sign two blocks of an epoch; start the network with \`filigree devnet --miners <n> --apart <n>\``,
  );
}
