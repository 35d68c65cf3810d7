/**
 * A storage miner in a process of its own: it mines, seals and proves against a node over JSON-RPC. Its folder holds all that
 * must outlive it: its keys, what it has signed, its messages, its sectors' records and files. A node that goes away is asked
 * again until it is back.
 */
import { platform } from "#platform";
import { OptionError } from "../../base/options.ts";
import { sleepFor } from "../../base/sleep.ts";
import type { Crypto } from "../../core/crypto.ts";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import type { KeyInfo } from "../../keys/keys.ts";
import { type Keystore, keyIn } from "../../keys/keystore.ts";
import { RpcChain } from "../../miner/chain-side/rpc-chain.ts";
import type { RpcRequest } from "../../miner/chain-side/rpc-node.ts";
import { MessageTracker } from "../../miner/chain-side/tracker.ts";
import { foundFiles } from "../../miner/folders/found-store.ts";
import { type MiningEvent, WATCHED_EPOCHS } from "../../miner/mining-loop.ts";
import type { HeldMiner } from "../../miner/own-sectors.ts";
import { PostProver } from "../../miner/post-prover.ts";
import type { SectorRecord } from "../../miner/sealing/record.ts";
import { attestedPost, attestedSeal, attestedUpdate } from "../../miner/succinct.ts";
import { WindowPoster } from "../../miner/window-poster.ts";
import { MinerWorkers } from "../../proving/miner-workers.ts";
import { makeMinerDispatcher } from "../../rpc/miner-api.ts";
import { NodeRun } from "../../rpc/node-run.ts";
import type { SectorOnChain } from "../../rpc/services.ts";
import { type Attestor, attestorOf } from "../../sector/attest/attestation.ts";
import { sealedCid } from "../../sector/piece/cid.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import { type LocalProving, type LocalProvingOptions, provingUnder } from "../local-proving.ts";
import { MiningPart } from "../mining-part.ts";
import { type RpcOptions, RpcPart } from "../rpc-part.ts";
import { SealingPart } from "../sealing-part.ts";
import { openSectorFolder } from "../sector-home.ts";
import { sectorsService } from "../sectors-service.ts";
import { type Health, Parts } from "../startable.ts";
import { tellingAway } from "./away.ts";
import { askNetwork, type NetworkFacts, refuseMined } from "./network-facts.ts";
import { rpcSite } from "./rpc-site.ts";
import { MinerFolderError, type MinerSettings } from "./settings.ts";

export type MinerProcessOptions = {
  /** Is the miner's; the process closes it when it stops. */
  readonly store: BlockStore;
  readonly settings: MinerSettings;
  /** Folder of its data; null: in memory. */
  readonly data: string | null;
  readonly keystore: Keystore;
  readonly crypto: Crypto;
  /** Calls of the node, and which of their failures are its own "no". */
  readonly request: RpcRequest;
  readonly isRefusal: (error: unknown) => boolean;
  readonly version: string;
  /** Whether blocks are made, where the network takes them. Default: yes. */
  readonly mines?: boolean;
  readonly tokenSecret: Uint8Array;
  /** Where the keys of real proofs are kept; needed where the network has real ones. */
  readonly params?: Omit<LocalProvingOptions, "setup" | "seals">;
  readonly onMining?: (event: MiningEvent) => void;
  readonly onSector?: (record: SectorRecord) => void;
  /** Sectors that could not be proved. */
  readonly onFault?: (sectors: readonly number[], why: string) => void;
};

/** Milliseconds between two questions for the head, for each second of an epoch; at least and at most so many. */
const POLL = { perSecond: 250, least: 100, most: 2000 } as const;

export class MinerProcess {
  readonly miner: HeldMiner;
  readonly network: NetworkFacts;
  readonly mining: MiningPart;
  readonly sealing: SealingPart;
  /** Whether blocks are made. */
  readonly mines: boolean;
  private readonly options: MinerProcessOptions;
  private readonly parts = new Parts();
  private readonly run = new NodeRun(platform.randomBytes, platform.now());

  private readonly proving: LocalProving | null;
  private readonly workers: MinerWorkers;

  private constructor(
    options: MinerProcessOptions,
    network: NetworkFacts,
    { proofs, proving }: { readonly proofs: Proofs; readonly proving: LocalProving | null },
  ) {
    const { settings, keystore, crypto, store, isRefusal } = options;
    const { prefix, times } = network;
    this.options = options;
    this.network = network;
    this.proving = proving;
    this.mines = network.takesBlocks && options.mines !== false;
    const request = tellingAway(options.request, isRefusal);
    const keyOf = (address: Address): KeyInfo | null => keyIn(keystore, address);
    const pollMs = Math.min(POLL.most, Math.max(POLL.least, POLL.perSecond * times.blockDelay));
    this.miner = { address: settings.miner, sectorBytes: settings.sectorBytes, sectors: new Map() };
    const chain = new RpcChain({
      ...{ miner: settings.miner, prefix, request, isRefusal, pollMs },
      keys: { crypto, of: keyOf },
    });
    const attestor = attestorOf(crypto, network.name);
    this.workers = new MinerWorkers(settings.sectorBytes);
    const succinct = proving?.succinct(proofs) ?? attestedPost(attestor);
    const prover = new PostProver(proofs, succinct, () => this.workers.forPosts());
    const onFault = (_: HeldMiner, sectors: readonly number[], why: string): void => options.onFault?.(sectors, why);
    this.sealing = this.makeSealing(chain, request, proofs, attestor);
    const site = rpcSite({
      ...{ request, isRefusal, prefix, crypto, keyOf, prover, onFault },
      blockDelaySeconds: times.blockDelay,
    });
    this.mining = new MiningPart({
      prefix,
      ...{ site, times, store, sleep: sleepFor, now: platform.now },
      miners: [this.miner],
      makesBlocks: this.mines,
      watchFirst: WATCHED_EPOCHS,
      poster: new WindowPoster({
        ...{ prover, onFault },
        accountOf: () => ({ chain, tracker: new MessageTracker(chain, store) }),
      }),
      onHeadChange: (listener) => chain.onHeadChange(() => listener()),
      ...(options.onMining === undefined ? {} : { onEvent: options.onMining }),
    });
    this.parts.add(this.sealing);
    this.parts.add(this.mining);
  }

  /** Puts the miner of a folder together with the network of a node; throws `MinerFolderError`. */
  static async open(options: MinerProcessOptions): Promise<MinerProcess> {
    const network = await askNetwork(options.request);
    const { settings } = options;
    if (settings.genesis !== network.genesis)
      throw new MinerFolderError(
        { code: "OTHER_NETWORK", wanted: settings.genesis, found: network.genesis },
        `the miner is of the network that begins with ${settings.genesis}, and the node is of the one that begins with ${network.genesis}; name its node with --rpc, or make the miner anew`,
      );
    // The network may have been started anew, with a node that mines with it.
    refuseMined(network, settings.miner);
    const proofs = await loadProofs();
    return new MinerProcess(options, network, { proofs, proving: await provingOf(network, options.params) });
  }

  async start(): Promise<void> {
    await this.parts.start();
  }

  /** Serves the reference's miner interface, as far as it is built; on loopback without tokens. */
  async serve(options: Partial<RpcOptions> = {}): Promise<{ readonly url: string; readonly port: number }> {
    const { network, miner, options: own, sealing } = this;
    const dispatcher = makeMinerDispatcher({
      ...{ version: own.version, tokenSecret: own.tokenSecret, now: platform.now, run: this.run },
      miner: miner.address,
      prefix: network.prefix,
      blockDelaySeconds: network.times.blockDelay,
      sectors: sectorsService(sealing),
    });
    const all = { host: "127.0.0.1", port: 0, allowHosts: [], allowOrigins: [], ...options };
    const rpc = new RpcPart(dispatcher, own.tokenSecret, all, (path) => this.page(path));
    this.parts.add(rpc);
    await this.parts.start();
    return { url: rpc.url, port: rpc.port };
  }

  health(): Readonly<Record<string, Health>> {
    return this.parts.health();
  }

  /** Lets what is under way end, and closes the store. */
  async stop(): Promise<void> {
    this.run.stopped();
    this.mining.end();
    const closed = this.proving?.close();
    await this.parts.stop();
    await closed;
    await this.options.store.close();
  }

  private makeSealing(chain: RpcChain, request: RpcRequest, proofs: Proofs, attestor: Attestor): SealingPart {
    const { settings, store, data, onSector } = this.options;
    const { prefix, challengeDelay, times } = this.network;
    const part = new SealingPart({
      miners: [this.miner],
      workers: this.workers,
      chainOf: () => chain,
      ...{ store, proofs, challengeDelay, now: platform.now, sealProof: settings.sealProof },
      facts: {
        async idOf(address) {
          return Address.parse((await request("Filecoin.StateLookupID", address.toString(prefix), null)) as string);
        },
        onChain: (miner, number) => onChain(request, miner.toString(prefix), number),
      },
      succinct: (miner) => this.proving?.succinctSeal(proofs) ?? attestedSeal(attestor, miner),
      succinctUpdate: attestedUpdate(attestor),
      genesis: async () => this.network.genesis,
      // Whoever made the miner's settings made the folder before.
      openFolder: (genesis) => openSectorFolder(data, { network: genesis, store, wasMade: true }),
      retryMs: 1000 * times.blockDelay,
      // Its folders are open when it begins to tell of sectors.
      onOpen: (folders) => {
        for (const { number, commR } of settings.presealed) {
          const name = { miner: settings.miner.actorId as bigint, number };
          const files = foundFiles(folders, name, folders.all[0]?.id ?? "");
          this.miner.sectors.set(number, { number, commR, sealedCid: sealedCid(commR), ...files });
        }
      },
      ...(onSector === undefined ? {} : { onState: (_, record) => onSector(record) }),
    });
    return part;
  }

  private page(path: string) {
    const name = this.miner.address.toString(this.network.prefix);
    const json = path.startsWith("/health");
    const health = this.health();
    const failing = Object.values(health).some(({ status }) => status !== "ok");
    return {
      status: json && failing ? 503 : path === "/" || json ? 200 : 404,
      type: json ? "application/json" : "text/plain; charset=utf-8",
      text: json
        ? `${JSON.stringify({ status: failing ? "failing" : "ok", miner: name, parts: health })}\n`
        : `filigree ${this.options.version}, the miner ${name} of the network ${this.network.name}\n\nJSON-RPC 2.0 by POST at /rpc/v0 and /rpc/v1\nhealth: /health\n`,
    };
  }
}

/** Keys and workers of the network's proofs; null where they are attested. Throws `MinerFolderError` OTHER_KEYS. */
async function provingOf(
  { proofs, name }: NetworkFacts,
  params: MinerProcessOptions["params"],
): Promise<LocalProving | null> {
  if (proofs.mode === "attested") return null;
  if (params === undefined)
    throw new OptionError("params", "a miner of a network with real proofs needs a folder of keys");
  const proving = await provingUnder(proofs, params);
  if (proving !== null) return proving;
  throw new MinerFolderError(
    { code: "OTHER_KEYS", setup: proofs.setup },
    `the keys of "${name}" are not those of the setup "${proofs.setup}" that it names: its miners cannot be proved for here`,
  );
}

type SectorJson = {
  readonly Activation: number;
  readonly Expiration: number;
  readonly DealWeight: string;
  readonly VerifiedDealWeight: string;
  readonly InitialPledge: string;
};

async function onChain(request: RpcRequest, miner: string, number: number): Promise<SectorOnChain | null> {
  const found = (await request("Filecoin.StateSectorGetInfo", miner, number, null)) as SectorJson | null;
  if (found === null) return null;
  const { OnTime, Early } = (await request("Filecoin.StateSectorExpiration", miner, number, null)) as {
    readonly OnTime: number;
    readonly Early: number;
  };
  return {
    activation: found.Activation,
    expiration: found.Expiration,
    dealWeight: BigInt(found.DealWeight),
    verifiedDealWeight: BigInt(found.VerifiedDealWeight),
    initialPledge: BigInt(found.InitialPledge),
    onTime: OnTime,
    early: Early,
  };
}
