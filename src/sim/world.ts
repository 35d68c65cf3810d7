/** What all nodes of a simulation share: the network's genesis, its miners and accounts, time, wires, and the trace. */
import { Chain } from "../chain/chain.ts";
import { type Crypto, loadCrypto } from "../core/crypto.ts";
import { type DevAccount, makeAccounts, PUBLIC_MNEMONIC } from "../node/accounts.ts";
import { firstMinerId, openDevnetChain } from "../node/devnet-chain.ts";
import { LocalMiners, minerWorker } from "../node/local-miners.ts";
import { DEVNET, type NetworkParams } from "../params/networks.ts";
import type { Batch, Block } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import { FIL } from "../types/amount.ts";
import { remembering } from "./remembered.ts";
import { SharedRuns } from "./shared-runs.ts";

/** Seconds of an epoch, as the main network's: virtual time costs nothing. */
export const EPOCH_SECONDS = 30;
/** Unix time of the genesis, seconds. */
export const GENESIS_TIME = 1_700_000_000;

/** Sectors of each miner: all miners have the same power. */
const SECTORS = 1;
const BALANCE = 10_000n * FIL;

/** What a node computes with. */
export type SimMachinery = {
  readonly crypto: Crypto;
  readonly local: LocalMiners;
  /** Executions that it shares with others, or null if it does all by itself. */
  readonly runs: SharedRuns | null;
};

export type SimNetwork = {
  readonly crypto: Crypto;
  readonly network: NetworkParams;
  readonly local: LocalMiners;
  /** For each node: the same for all of them, or one of its own. */
  readonly machinery: readonly SimMachinery[];
  readonly accounts: readonly DevAccount[];
  /** The genesis, as a store has it. */
  readonly genesis: Batch;
};

/**
 * A network with as many miners as nodes, and `count` accounts, by default one for each. Elections follow from the seed. `isSharing`: what one node
 * has computed, others need not compute again; otherwise nothing that one of them has done is of use to another.
 */
export async function openSimNetwork(
  seed: string,
  nodes: number,
  isSharing: boolean,
  count = nodes,
): Promise<SimNetwork> {
  const network: NetworkParams = { ...DEVNET, blockDelaySeconds: EPOCH_SECONDS };
  const plain = await loadCrypto();
  const crypto = isSharing ? remembering(plain) : plain;
  const accounts = makeAccounts(crypto, { seed, mnemonic: PUBLIC_MNEMONIC, count, balance: BALANCE });
  const openMiners = (): Promise<LocalMiners> =>
    LocalMiners.open(
      {
        seed,
        miners: nodes,
        sectors: SECTORS,
        sealProof: 0,
        firstId: firstMinerId(count, nodes),
        owner: (accounts[0] as DevAccount).secp256k1,
        times: { genesisTime: GENESIS_TIME, blockDelay: EPOCH_SECONDS },
        networkName: network.name,
      },
      crypto,
    );
  const local = await openMiners();
  const shared: SimMachinery = { crypto, local, runs: isSharing ? new SharedRuns() : null };
  const machinery: SimMachinery[] = [];
  for (let node = 0; node < nodes; node++)
    machinery.push(isSharing ? shared : { crypto, local: await openMiners(), runs: null });
  const store = new MemoryStore();
  const chain = await Chain.open({ blocks: store });
  await openDevnetChain(chain, crypto, network, {
    seed,
    balance: BALANCE,
    time: GENESIS_TIME,
    accounts,
    workers: local.miners.map((_, i) => minerWorker(crypto, seed, i)),
    beacon: await local.entryAt(0),
    miners: local.forGenesis(),
  });
  const blocks: Block[] = [];
  for await (const block of store.everyBlock()) blocks.push(block);
  return { crypto, network, local, machinery, accounts, genesis: { blocks, metadata: await store.metadataWith("") } };
}
