/**
 * A whole Filecoin network in one process: single producer, local beacon, public keys, loopback RPC.
 *
 * Deterministic: seed and options decide genesis, keys and beacon; epochs pass by the clock (interval), by arrival of
 * messages (instant) or on call (manual). Every tipset is on disk before anyone hears of it.
 */
import { platform } from "#platform";
import { concat, toHex, utf8 } from "../base/bytes.ts";
import { buildMessageMeta, ChainStore } from "../chain/chain-store.ts";
import { type Crypto, loadCrypto } from "../core/crypto.ts";
import type { ExecutionRules } from "../exec/types.ts";
import { addressOf, deriveKey, type KeyInfo, verifyBytes } from "../keys/keys.ts";
import { Keystore } from "../keys/keystore.ts";
import { Producer } from "../miner/producer.ts";
import { MessagePool } from "../mpool/pool.ts";
import { CHAIN_LIMITS, DEVNET, type NetworkParams, networkVersionAt } from "../params/networks.ts";
import { memorySecrets, type Secrets } from "../platform/secrets.ts";
import type { Server } from "../platform/server.ts";
import { makeDispatcher } from "../rpc/api.ts";
import { PERMISSIONS } from "../rpc/auth.ts";
import type { Dispatcher, Observer } from "../rpc/dispatcher.ts";
import { startRpcServer } from "../rpc/server.ts";
import type { DevControl, NodeParts } from "../rpc/services.ts";
import { StateView } from "../state/state-view.ts";
import { buildAmt } from "../storage/amt.ts";
import type { BlockStore } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import { TableStore } from "../storage/table-store.ts";
import { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import { chainLength, messageCid, SIGNATURE_TYPE } from "../types/message.ts";
import { Clock } from "./clock.ts";
import { buildGenesis } from "./genesis.ts";
import { type MachinePlace, type Machines, openMachines } from "./machines.ts";
import { makeSimulator } from "./simulator.ts";

export type DevnetOptions = {
  readonly accounts: number;
  /** attoFIL for each account */
  readonly balance: bigint;
  readonly seed: string;
  /** Seconds between epochs; 0 makes one whenever a message arrives. */
  readonly blockTime: number;
  /** Unix time of the genesis, seconds. */
  readonly genesisTime: number;
  /** Folder of the data; null keeps everything in memory. */
  readonly data: string | null;
  /** Forgets what an earlier network left in the folder, if the folder is ours and nobody has it open. */
  readonly reset?: boolean;
  /** Goes on with what can be read of a damaged folder. */
  readonly repair?: boolean;
  readonly version: string;
  /**
   * Where messages are executed: in the caller's thread, or in workers, so that the network answers meanwhile and calls
   * may nest as deep as the protocol allows; `close` ends them. Default: "thread".
   */
  readonly machine?: MachinePlace;
  /** Sees every answer of the RPC interface that is not an error. */
  readonly observe?: Observer;
};

/** The parts of the node, for whoever runs it in the same process. */
export type DevnetServices = NodeParts & { readonly chain: ChainStore; readonly pool: MessagePool };

export type RpcOptions = {
  readonly host: string;
  readonly port: number;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
};

export type DevAccount = {
  /** ID address of the secp256k1 account. */
  readonly id: Address;
  readonly blsId: Address;
  readonly secp256k1: Address;
  readonly bls: Address;
  /** 0x forms of the two ID addresses. */
  readonly ethereum: string;
  readonly blsEthereum: string;
  readonly keys: { readonly secp256k1: KeyInfo; readonly bls: KeyInfo };
  /** attoFIL at genesis, on each of the two addresses */
  readonly balance: bigint;
};

/** Gas for one byte of a message on chain, and for having it there. See `assembly/vm/gas/price-list.ts`, the first list. */
const MIN_GAS = { base: 38_863n + 36n * 1000n, perByte: 1000n } as const;
const LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"];
const TOKEN_SECRET = "token-secret";
const TOKEN_SECRET_BYTES = 32;
const MINER_FACT = "devnet/miner";
const IDENTITY_FACT = "devnet/identity";
/** Ids are given from here on, two an account. */
const FIRST_ID = 100n;

export class Devnet {
  readonly options: DevnetOptions;
  readonly network: NetworkParams;
  readonly accounts: readonly DevAccount[];
  readonly miner: Address;
  readonly dispatcher: Dispatcher;
  readonly services: DevnetServices;
  readonly producer: Producer;
  readonly clock: Clock;
  private readonly store: BlockStore;
  private readonly machines: Machines;
  private server: Server | null = null;

  private constructor(
    options: DevnetOptions,
    network: NetworkParams,
    accounts: readonly DevAccount[],
    miner: Address,
    services: DevnetServices,
    producer: Producer,
    clock: Clock,
    store: BlockStore,
    machines: Machines,
  ) {
    this.options = options;
    this.network = network;
    this.accounts = accounts;
    this.miner = miner;
    this.services = services;
    this.producer = producer;
    this.clock = clock;
    this.store = store;
    this.machines = machines;
    this.dispatcher = makeDispatcher(services, options.observe);
  }

  /** Opens the network in its data folder, or makes it there. */
  static async open(options: DevnetOptions): Promise<Devnet> {
    const crypto = await loadCrypto();
    const network: NetworkParams = { ...DEVNET, blockDelaySeconds: Math.max(1, Math.round(options.blockTime)) };
    const { data, reset = false, repair = false } = options;
    const store =
      data === null ? new MemoryStore() : await TableStore.open(data, platform.openTable, { reset, repair });
    const chain = await ChainStore.open(store);
    const accounts = makeAccounts(crypto, options);
    const worker = deriveKey(crypto, options.seed, "worker", "bls");
    const beaconSeed = utf8(`filigree/${options.seed}/beacon/`);
    const beacon = (round: bigint): Uint8Array => crypto.blake2b256(concat(beaconSeed, utf8(`${round}`)));
    const secrets = data === null ? memorySecrets() : await platform.openSecrets(data);
    const keystore = await Keystore.open({ secrets, crypto, randomBytes: platform.randomBytes, local: true }, "");
    if (chain.isEmpty || keystore.isNew) {
      await keystore.clear();
      await keystore.addAll(accounts.flatMap(({ keys }) => [keys.secp256k1, keys.bls]));
    }
    // The genesis comes last: a first start that was killed before it begins from the beginning.
    if (chain.isEmpty) await makeChain(chain, crypto, network, options, accounts, worker, beacon(0n));
    await checkIdentity(store, options);

    const rules: ExecutionRules = {
      networkVersionAt: (epoch) => networkVersionAt(network, epoch),
      circulatingSupply: accounts.reduce((sum, account) => sum + 2n * account.balance, 0n),
    };
    const machines = openMachines(
      options.machine ?? "thread",
      { profile: network.profile },
      {
        blocks: store,
        randomness: { ticketRandomness: noRandomness, beaconRandomness: noRandomness },
        proofs: { verifyPoSt: () => false, verifySeal: () => false },
      },
    );
    const view = headView(chain);
    const pool = new MessagePool({
      resolveKey: async (address) => {
        const state = await view();
        return (await state.actor(address)) === null ? null : state.accountKey(address).catch(() => null);
      },
      senderState: async (address) => (await view()).actor(address),
      verify: (signed, signer) => verifyBytes(crypto, signed.signature, signer, messageCid(signed.message).bytes),
      minGas: (signed) => MIN_GAS.base + MIN_GAS.perByte * BigInt(chainLength(signed)),
    });
    const miner = Address.fromBytes((await store.fact(MINER_FACT)) as Uint8Array);
    const executor = machines.tipsets;
    const producer = await Producer.open({ network, chain, pool, executor, rules, crypto, miner, worker, beacon });
    const randomness = () => producer.randomness();
    const clock = new Clock(producer, chain, pool, options.blockTime);
    const services: DevnetServices = {
      version: options.version,
      network,
      chain,
      pool,
      keystore,
      crypto,
      simulator: makeSimulator({ chain, executor: machines.calls, rules, randomness, now: platform.now }),
      tokenSecret: await tokenSecret(secrets),
      now: platform.now,
      randomBytes: platform.randomBytes,
      dev: devControl(clock, options, accounts, network, miner),
    };
    return new Devnet(options, network, accounts, miner, services, producer, clock, store, machines);
  }

  /** Serves JSON-RPC. On loopback without tokens; on any other host tokens are needed for more than reading. */
  async serve(rpc: RpcOptions): Promise<{ readonly url: string; readonly port: number }> {
    const local = LOOPBACK_HOSTS.includes(rpc.host);
    this.server = await startRpcServer(this.dispatcher, {
      host: rpc.host,
      port: rpc.port,
      secret: this.services.tokenSecret,
      anonymous: local ? PERMISSIONS : ["read"],
      allowHosts: rpc.allowHosts,
      allowOrigins: rpc.allowOrigins,
      loopbackOrigins: true,
    });
    const host = rpc.host.includes(":") ? `[${rpc.host}]` : rpc.host;
    return { url: `http://${host}:${this.server.port}/rpc/v1`, port: this.server.port };
  }

  /** Calls an RPC method in this process, with all permissions; throws what a client would be told. */
  request(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.dispatcher.request(method, ...params);
  }

  get head(): Tipset {
    return this.services.chain.head;
  }

  /** Stops mining and serving, and closes the store. */
  async close(): Promise<void> {
    await this.clock.stop();
    await this.server?.close();
    await this.machines.close();
    await this.store.close();
  }
}

/** The state after the head, one view of it for as long as it is the head's. */
function headView(chain: ChainStore): () => Promise<StateView> {
  let of: Tipset | null = null;
  let opened: Promise<StateView>;
  return () => {
    const { head } = chain;
    if (head !== of) {
      of = head;
      opened = chain.result(head).then(({ stateRoot }) => StateView.open(chain.blocks, stateRoot));
      opened.catch(() => {
        if (of === head) of = null;
      });
    }
    return opened;
  };
}

function noRandomness(): never {
  throw new Error("randomness is given for each run");
}

function makeAccounts(crypto: Crypto, options: DevnetOptions): DevAccount[] {
  return Array.from({ length: options.accounts }, (_, i) => {
    const keys = {
      secp256k1: deriveKey(crypto, options.seed, `account/${i}`, "secp256k1"),
      bls: deriveKey(crypto, options.seed, `account/${i}`, "bls"),
    };
    const id = Address.id(FIRST_ID + 2n * BigInt(i));
    const blsId = Address.id(FIRST_ID + 2n * BigInt(i) + 1n);
    return {
      id,
      blsId,
      ethereum: ethereumText(id),
      blsEthereum: ethereumText(blsId),
      secp256k1: addressOf(crypto, keys.secp256k1),
      bls: addressOf(crypto, keys.bls),
      keys,
      balance: options.balance,
    };
  });
}

function ethereumText(id: Address): string {
  return `0x${toHex(id.ethereum ?? new Uint8Array(0))}`;
}

async function makeChain(
  chain: ChainStore,
  crypto: Crypto,
  network: NetworkParams,
  options: DevnetOptions,
  accounts: readonly DevAccount[],
  worker: KeyInfo,
  beacon: Uint8Array,
): Promise<void> {
  const funded = accounts.flatMap(({ secp256k1, bls, balance }) => [
    { address: secp256k1, balance },
    { address: bls, balance },
  ]);
  const workerAddress = addressOf(crypto, worker);
  const genesis = await buildGenesis({
    network,
    networkVersion: networkVersionAt(network, 0),
    accounts: [...funded, { address: workerAddress, balance: options.balance }],
    worker: workerAddress,
  });
  const meta = buildMessageMeta({ bls: [], secp: [] });
  const receipts = buildAmt([]);
  const header = {
    miner: Address.id(0),
    ticket: crypto.blake2b256(beacon),
    electionProof: null,
    beaconEntries: [{ round: 0n, data: beacon }],
    winPoStProof: [],
    parents: [],
    parentWeight: 0n,
    height: 0,
    parentStateRoot: genesis.stateRoot,
    parentMessageReceipts: receipts.root,
    messages: meta.root,
    blsAggregate: null,
    timestamp: BigInt(options.genesisTime),
    blockSig: { type: SIGNATURE_TYPE.bls, data: new Uint8Array(96) },
    forkSignaling: 0n,
    parentBaseFee: CHAIN_LIMITS.initialBaseFee,
  };
  await chain.blocks.write({
    facts: [
      [MINER_FACT, genesis.miner.bytes],
      [IDENTITY_FACT, utf8(identityOf(options))],
    ],
  });
  await chain.append([header], [], { stateRoot: genesis.stateRoot, receiptsRoot: receipts.root }, [
    ...genesis.blocks,
    ...meta.blocks,
    ...receipts.blocks,
  ]);
}

/** What of the options is fixed in the genesis. */
function identityOf(options: DevnetOptions): string {
  return JSON.stringify({ seed: options.seed, accounts: options.accounts, balance: options.balance.toString() });
}

async function checkIdentity(store: BlockStore, options: DevnetOptions): Promise<void> {
  const found = await store.fact(IDENTITY_FACT);
  const stored = found === undefined ? "" : new TextDecoder().decode(found);
  if (stored !== identityOf(options))
    throw new Error(
      `the data directory holds a network made with other options (${stored}); give the same ones, another --data, or --reset`,
    );
}

async function tokenSecret(secrets: Secrets): Promise<Uint8Array> {
  const known = await secrets.read(TOKEN_SECRET);
  if (known !== null && known.length === TOKEN_SECRET_BYTES) return known;
  const secret = platform.randomBytes(TOKEN_SECRET_BYTES);
  await secrets.write(TOKEN_SECRET, secret);
  return secret;
}

function devControl(
  clock: Clock,
  options: DevnetOptions,
  accounts: readonly DevAccount[],
  network: NetworkParams,
  miner: Address,
): DevControl {
  return {
    mine: (count) => clock.mine(count),
    skipRounds: (count) => clock.skip(count),
    setAutomine: (on) => clock.setAutomine(on),
    setBlockTime: (seconds) => clock.setBlockTime(seconds),
    get instant() {
      return clock.blockTime === 0;
    },
    info: () => ({
      chainId: network.chainId,
      networkName: network.name,
      seed: options.seed,
      blockTime: clock.blockTime,
      genesisTime: options.genesisTime,
      data: options.data,
      miner: miner.toString(network.letter),
      producer: "single producer",
      accounts: accounts.map((account) => ({
        id: account.id.toString(network.letter),
        secp256k1: account.secp256k1.toString(network.letter),
        bls: account.bls.toString(network.letter),
      })),
    }),
  };
}
