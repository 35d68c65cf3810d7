/** The miners of a local network: their keys and sectors follow from the seed. */
import { platform } from "#platform";
import { type EpochTimes, maxRoundAt } from "../beacon/drand.ts";
import { type LocalBeacon, type LocalTimes, localBeacon } from "../beacon/local.ts";
import { entriesFor, type MiningBase, miningBase } from "../consensus/base-info.ts";
import type { BlockValidator } from "../consensus/validator.ts";
import type { Crypto } from "../core/crypto.ts";
import { loadProofs, type Proofs } from "../core/proofs.ts";
import type { ProofVerifier } from "../exec/types.ts";
import { addressOf, deriveKey, type KeyInfo } from "../keys/keys.ts";
import { keyIn } from "../keys/keystore.ts";
import type { BlockMakerOptions } from "../miner/block-maker.ts";
import { NodeChain } from "../miner/chain-side/node-chain.ts";
import { MessageTracker } from "../miner/chain-side/tracker.ts";
import { blockCreation } from "../miner/create-block.ts";
import { ElectedProducer } from "../miner/elected-producer.ts";
import { type GenesisSeal, sealGenesisSector } from "../miner/genesis-seal.ts";
import { type HeldMiner, keyedMiner, type OwnMiner, type OwnSector } from "../miner/own-sectors.ts";
import { PostProver } from "../miner/post-prover.ts";
import type { ProvingOptions } from "../miner/proving-options.ts";
import { attestedPost, attestedSeal, attestedUpdate } from "../miner/succinct.ts";
import type { MinerSwitches } from "../miner/switches.ts";
import { WindowPoster } from "../miner/window-poster.ts";
import { DEVNET_VERSION } from "../params/networks.ts";
import { MinerWorkers } from "../proving/miner-workers.ts";
import { ProvingPool } from "../proving/pool.ts";
import type { NodeParts } from "../rpc/services.ts";
import { sealProof } from "../sector/params.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { Address } from "../types/address.ts";
import { FIL } from "../types/amount.ts";
import type { BeaconEntry, Tipset } from "../types/block-header.ts";
import type { GenesisMiner } from "./genesis.ts";
import type { LocalProving } from "./local-proving.ts";
import { LocalVerifier } from "./local-verifier.ts";
import type { FilecoinNode } from "./node.ts";
import { type Presealing, presealedSector } from "./presealed.ts";
import { SealingPart, type SealingPartOptions } from "./sealing-part.ts";
import { factsOfNode } from "./sectors-service.ts";

export type LocalMinersOptions = {
  readonly seed: string;
  readonly miners: number;
  readonly sectors: number;
  /** Registered seal proof of all sectors. */
  readonly sealProof: number;
  /** At the genesis. Default: that of this engine's own actors. */
  readonly networkVersion?: number;
  /** The last that it comes to by upgrades. Default: that of the genesis. */
  readonly lastVersion?: number;
  /** Where sectors above 2 KiB are sealed once for all networks; absent: each time, in memory and in this thread. */
  readonly presealing?: Presealing;
  /** Actor id of the first miner: the others follow. */
  readonly firstId: bigint;
  /** Owner of all of them, one of the genesis' accounts. */
  readonly owner: Address;
  readonly times: LocalTimes;
  readonly networkName: string;
  /** Epoch at which the sectors expire. Default: about 520 days on, of the 540 that the actors allow. */
  readonly expiration?: number;
  /** Indices of the miners that are wanted; default: all. */
  readonly only?: readonly number[];
  /** The network's beacon; default: one whose key follows from the seed. */
  readonly beacon?: LocalBeacon;
  /** Real proofs; absent: they are attested. */
  readonly proving?: LocalProving;
};

/** Parts of a node that its miners use. Without a wallet they have their workers' keys. */
export type MinerNode = Pick<FilecoinNode, "states" | "pool" | "gas"> & Partial<Pick<FilecoinNode, "keystore">>;

const BEACON_MS = 10_000;
/** Bytes of sectors that are sealed in milliseconds. */
const SMALL_SECTOR = 2048;
/** attoFIL that a miner has for pledges, beyond what block rewards add. */
const PLEDGE_FUNDS = 100n * FIL;
/** Epoch at which sectors of the genesis expire unless something else is wanted. */
const EXPIRATION = 1_500_000;

export function minerWorker(crypto: Crypto, seed: string, index: number): KeyInfo {
  return deriveKey(crypto, seed, index === 0 ? "worker" : `worker/${index}`, "bls");
}

/** The entry that a block of this epoch carries last. */
export function entryAt(
  { info, source }: LocalBeacon,
  times: EpochTimes,
  epoch: number,
  networkVersion: number,
): Promise<BeaconEntry> {
  return source.entry(info, maxRoundAt(info, times, epoch, networkVersion), AbortSignal.timeout(BEACON_MS));
}

/** As `entryAt`; many who ask for the same epoch at once wait for one answer, which may cost a request to a server. */
export function sharedEntries(
  beacon: LocalBeacon,
  times: EpochTimes,
  versionAt: (epoch: number) => number,
): (epoch: number) => Promise<BeaconEntry> {
  const asked = new Map<number, Promise<BeaconEntry>>();
  return (epoch) => {
    const answer =
      asked.get(epoch) ?? entryAt(beacon, times, epoch, versionAt(epoch)).finally(() => asked.delete(epoch));
    asked.set(epoch, answer);
    return answer;
  };
}

export class LocalMiners {
  readonly miners: readonly OwnMiner[];
  readonly beacon: LocalBeacon;
  private readonly options: LocalMinersOptions;
  private readonly crypto: Crypto;
  private readonly proofs: Proofs;
  private readonly prover: PostProver;
  /** Of all these miners; they run while the sealing of some of them does. */
  private readonly workers: MinerWorkers;
  private readonly laid: readonly GenesisMiner[];
  /** What others need to verify this network's blocks. */
  readonly verification: LocalVerifier;

  private constructor(options: LocalMinersOptions, crypto: Crypto, proofs: Proofs, miners: readonly OwnMiner[]) {
    this.options = options;
    this.crypto = crypto;
    this.proofs = proofs;
    this.miners = miners;
    this.laid = miners.map(({ worker, sectors, sectorBytes }) => ({
      owner: options.owner,
      worker: addressOf(crypto, worker),
      sealProof: options.sealProof,
      balance: PLEDGE_FUNDS,
      sectors: [...sectors.values()].map(({ number, sealedCid }) => ({
        number,
        sealedCid,
        expiration: options.expiration ?? EXPIRATION,
        size: BigInt(sectorBytes),
      })),
    }));
    this.beacon = options.beacon ?? localBeacon(crypto, options.seed, options.times);
    const { networkName, networkVersion = DEVNET_VERSION, lastVersion = networkVersion, times, proving } = options;
    const facts = { networkName, networkVersion, lastVersion, times, beacon: this.beacon.info };
    this.verification = new LocalVerifier(
      proving === undefined ? facts : { ...facts, proofs: proving.described },
      crypto,
      proofs,
    );
    const succinct = proving?.succinct(proofs) ?? attestedPost(this.verification.attestor);
    const workers = new MinerWorkers(sealProof(options.sealProof).sectorBytes);
    this.workers = workers;
    this.prover = new PostProver(proofs, succinct, () => workers.forPosts());
  }

  /** Seals the sectors, which takes some milliseconds each at 2 KiB and most of a minute at 8 MiB. */
  static async open(options: LocalMinersOptions, crypto: Crypto): Promise<LocalMiners> {
    const proofs = await loadProofs();
    const { sectorBytes } = sealProof(options.sealProof);
    const miners: OwnMiner[] = [];
    const { presealing } = options;
    let pool: ProvingPool | null = null;
    // Workers are begun when one is needed: sectors that were sealed before need none.
    const jobs = (): ProvingPool => (pool ??= ProvingPool.open());
    const sealed = (spec: GenesisSeal): Promise<OwnSector> =>
      sectorBytes <= SMALL_SECTOR || presealing === undefined || platform.folders === null
        ? sealGenesisSector(proofs, spec)
        : presealedSector(proofs, jobs, spec, presealing);
    try {
      for (let m = 0; m < options.miners; m++) {
        if (options.only !== undefined && !options.only.includes(m)) continue;
        const id = options.firstId + BigInt(m);
        const sectors = new Map<number, OwnSector>();
        for (let number = 0; number < options.sectors; number++) {
          const spec = { seed: options.seed, miner: id, number, proof: options.sealProof };
          sectors.set(number, await sealed(spec));
        }
        miners.push({ address: Address.id(id), worker: minerWorker(crypto, options.seed, m), sectorBytes, sectors });
      }
    } finally {
      await (pool as ProvingPool | null)?.close();
    }
    return new LocalMiners(options, crypto, proofs, miners);
  }

  /** What the genesis must lay down for them: sectors that they have sealed since are not of it. */
  forGenesis(): readonly GenesisMiner[] {
    return this.laid;
  }

  /** The key of one of some miners' workers, by its key address. */
  workerKey(address: Address, miners: readonly OwnMiner[] = this.miners): KeyInfo | null {
    return miners.find(({ worker }) => addressOf(this.crypto, worker).equals(address))?.worker ?? null;
  }

  /** The beacon's entry that a block of this epoch carries last. */
  entryAt(epoch: number): Promise<BeaconEntry> {
    return entryAt(this.beacon, this.options.times, epoch, this.options.networkVersion ?? DEVNET_VERSION);
  }

  /** How the network verifies proofs that are submitted to actors. */
  verifier(): ProofVerifier {
    return this.verification.proofs();
  }

  /**
   * A validator of the network's blocks. Unless a clock is given, epochs pass as fast as they are asked for, and no block
   * is ahead of its time.
   */
  validator(states: StateManager, now: () => number = () => Number.MAX_SAFE_INTEGER): BlockValidator {
    return this.verification.validator(states, now);
  }

  /** What the RPC interface tells of elections. */
  consensus({
    states,
    keystore,
  }: Pick<FilecoinNode, "states" | "keystore">): Required<
    Pick<NodeParts, "miningBase" | "validateBlock" | "createBlock" | "weight">
  > {
    const validator = this.validator(states);
    const options = this.making(states);
    return {
      async miningBase(miner, epoch, base, signal) {
        const drawn = await entriesFor(options, base, epoch, signal);
        return miningBase(options, base, epoch, miner, drawn);
      },
      weight: (tipset) => validator.weight(tipset),
      createBlock: blockCreation({
        states,
        crypto: this.crypto,
        keyOf: (worker) => this.workerKey(worker) ?? keyIn(keystore, worker),
        // One process makes all blocks, and nobody reports anybody.
        sign: async (_header, _parent, sign) => sign(),
        validate: (block) => validator.validate(block),
      }),
      async validateBlock(header) {
        await validator.validate({ header, messages: await states.chain.messages(header) });
      },
    };
  }

  /** What making blocks of this network takes. */
  making(states: StateManager): BlockMakerOptions {
    return {
      states,
      crypto: this.crypto,
      prover: this.prover,
      beacons: [{ start: 0, info: this.beacon.info }],
      times: this.options.times,
      source: this.beacon.source,
      pickSector: this.verification.pickSector,
    };
  }

  /** The chain as one of the miners sees it from inside a node; signs with its worker's key and those of the node's wallet. */
  chainOf(held: HeldMiner, { states, pool, gas, keystore }: MinerNode): NodeChain {
    const { crypto } = this;
    const miner = keyedMiner(this.miners, held);
    const worker = addressOf(crypto, miner.worker);
    return new NodeChain({
      ...{ miner: miner.address, states, pool, gas, crypto },
      async keyOf(address) {
        if (address.equals(worker)) return miner.worker;
        return keystore?.has(address) ? keystore.get(address) : null;
      },
    });
  }

  /** New sectors of some of these miners, as a part of the node. `openFolder`: where their files go. Their workers send. */
  sealing(
    { states, pool, gas }: MinerNode,
    given: Pick<SealingPartOptions, "openFolder" | "now" | "retryMs" | "onState">,
    miners: readonly OwnMiner[] = this.miners,
  ): SealingPart {
    const { attestor } = this.verification;
    const { sealProof: type, proving } = this.options;
    const proved = proving?.succinctSeal(this.proofs) ?? null;
    return new SealingPart({
      ...given,
      miners,
      workers: this.workers,
      chainOf: (miner) => this.chainOf(miner, { states, pool, gas }),
      store: states.chain.blocks,
      facts: factsOfNode({ states }),
      genesis: async () => `${(await states.chain.genesis()).key[0]}`,
      proofs: this.proofs,
      sealProof: type,
      challengeDelay: states.network.preCommitChallengeDelay,
      succinct: (miner) => proved ?? attestedSeal(attestor, miner),
      succinctUpdate: attestedUpdate(attestor),
    });
  }

  /**
   * Proves the sectors of this network's miners from inside a node. Their workers send: accounts of the wallet, such as the
   * owner, are in the wallets of other nodes too, and would use a nonce twice.
   */
  poster({ states, pool, gas }: MinerNode, hooks: Pick<ProvingOptions, "mayProve" | "onFault"> = {}): WindowPoster {
    return new WindowPoster({
      ...hooks,
      prover: this.prover,
      accountOf: (miner) => {
        const chain = this.chainOf(miner, { states, pool, gas });
        return { chain, tracker: new MessageTracker(chain, states.chain.blocks) };
      },
    });
  }

  /** What one of the miners must know to try for the block on top of a tipset. */
  async baseOf(states: StateManager, miner: OwnMiner, parent: Tipset): Promise<MiningBase | null> {
    const options = this.making(states);
    const epoch = parent.height + 1;
    const drawn = await entriesFor(options, parent, epoch, AbortSignal.timeout(BEACON_MS));
    return miningBase(options, parent, epoch, miner.address, drawn);
  }

  /** Makes the tipsets of a network whose miners are all of these. */
  producer(node: FilecoinNode, switches: MinerSwitches): ElectedProducer {
    const { states, pool } = node;
    const poster = this.poster(node, switches);
    return new ElectedProducer({ ...this.making(states), pool, miners: this.miners, poster, isOn: switches.isOn });
  }
}
