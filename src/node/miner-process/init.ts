/**
 * Makes a miner's folder: for a miner of a local network's genesis, whose key and sectors follow from the seed; for one that
 * is on chain already; or for a new one, whose actor is made by a message of its owner.
 */
import { isFilError } from "../../base/errors.ts";
import type { Crypto } from "../../core/crypto.ts";
import { loadProofs } from "../../core/proofs.ts";
import type { KeyInfo } from "../../keys/keys.ts";
import { type Keystore, keyIn } from "../../keys/keystore.ts";
import type { Outgoing } from "../../miner/chain-side/chain.ts";
import { minerMessages } from "../../miner/chain-side/messages.ts";
import { RpcChain } from "../../miner/chain-side/rpc-chain.ts";
import type { RpcRequest } from "../../miner/chain-side/rpc-node.ts";
import type { SectorFolder } from "../../miner/folders/folder.ts";
import { sealGenesisSectorIn } from "../../miner/genesis-seal.ts";
import { finalizeSector } from "../../miner/sealing/work.ts";
import { localSealProof, localSectorSize } from "../../params/networks.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { sealProof } from "../../sector/params.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import { decodeSignedMessage, encodeSignedMessage, type SignedMessage, signedMessageCid } from "../../types/message.ts";
import { minerWorker } from "../local-miners.ts";
import { sealInDirectory } from "../presealed.ts";
import { noteHome } from "../sector-home.ts";
import { type NetworkFacts, refuseMined } from "./network-facts.ts";
import { MinerFolderError, type MinerSettings, readSettings, writeSettings } from "./settings.ts";

export type InitParts = {
  readonly store: BlockStore;
  readonly folder: SectorFolder;
  readonly keystore: Keystore;
  readonly crypto: Crypto;
  readonly network: NetworkFacts;
  readonly request: RpcRequest;
  readonly isRefusal: (error: unknown) => boolean;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly signal: AbortSignal;
  /** Calls that may take long: what they wait for, and how. */
  readonly wait: (method: string, params: readonly unknown[], signal: AbortSignal) => Promise<unknown>;
  readonly say?: (text: string) => void;
};

export type NewMinerTerms = {
  /** Account with a key in the node's wallet. */
  readonly owner: Address;
  /** Account with a BLS key in the node's wallet; null: a new key, kept in the miner's folder. */
  readonly worker: Address | null;
  /** attoFIL that the owner gives a new worker for its messages' gas and for collateral. */
  readonly funds: bigint;
};

/** What of a genesis or of a chain becomes of the folder. */
type Made = Pick<MinerSettings, "miner" | "sealProof" | "sectorBytes" | "presealed">;

/** Messages that make the actor and fund a new worker, kept before they are sent. */
const CREATING = "miner/creating";
const FUNDING = "miner/funding";
const MAX_FEE = 10n ** 18n;
const SEND = 0n;
const NO_PARAMS = new Uint8Array(0);

/** A miner of the genesis that no node owns. */
export async function initGenesisMiner(parts: InitParts, wanted: Address): Promise<MinerSettings> {
  await refuseOther(parts);
  const { network, crypto, keystore, folder, signal, say } = parts;
  const name = wanted.toString(network.prefix);
  const index = network.miners.findIndex(({ address }) => address.slice(1) === name.slice(1));
  const found = network.miners[index];
  if (found === undefined)
    throw new MinerFolderError(
      { code: "UNKNOWN_MINER", miner: name },
      `${name} is no miner of the network's genesis; there are ${network.miners.map(({ address }) => address).join(", ") || "none"}`,
    );
  refuseMined(network, wanted);
  await keystore.add(minerWorker(crypto, network.seed, index));
  const proofs = await loadProofs();
  const miner = wanted.actorId as bigint;
  const proof = await sealProofOf(parts, chainOf(parts, wanted));
  const presealed = [];
  let pool: ProvingPool | null = null;
  try {
    for (let number = 0; number < found.sectors; number++) {
      const spec = { seed: network.seed, miner, number, proof };
      const { store, directory } = folder.files({ miner, number });
      if (proof === 0 || directory === null) {
        presealed.push({ number, commR: (await sealGenesisSectorIn(store, proofs, spec)).commR });
        await finalizeSector(store, sealProof(proof).sectorBytes);
      } else {
        say?.(`sealing sector ${number} (${number + 1} of ${found.sectors})`);
        pool ??= ProvingPool.open();
        presealed.push({ number, commR: (await sealInDirectory(proofs, pool, directory, spec, { signal })).commR });
      }
    }
  } finally {
    await pool?.close();
  }
  return finish(parts, { miner: wanted, sealProof: proof, sectorBytes: sealProof(proof).sectorBytes, presealed });
}

/** A miner that is on chain. Its sectors are not here: `storage attach` brings folders that hold them. */
export async function initMiner(parts: InitParts, wanted: Address): Promise<MinerSettings> {
  await refuseOther(parts);
  refuseMined(parts.network, wanted);
  const chain = chainOf(parts, wanted);
  const { sealProof: proof, sectorBytes, worker } = await chain.facts();
  if (!(await chain.canSign(worker))) throw ofGenesis(parts, wanted) ?? noKey(parts, worker);
  return finish(parts, { miner: wanted, sealProof: proof, sectorBytes, presealed: [] });
}

/** Makes the actor; what was sent before an end is waited for, and not sent again. */
export async function initNewMiner(parts: InitParts, terms: NewMinerTerms): Promise<MinerSettings> {
  await refuseOther(parts);
  const { store, request, say } = parts;
  const chain = chainOf(parts, terms.owner);
  const signed = await sendOnce(parts, chain, CREATING, async () => {
    if (!(await chain.canSign(terms.owner))) throw noKey(parts, terms.owner);
    const worker = await workerOf(parts, chain, terms);
    const { networkVersion } = await chain.head();
    const { name, to, method, params, value } = minerMessages(terms.owner, networkVersion, chain.prefix).createMiner({
      ...{ owner: terms.owner, worker, sealProof: await sealProofOf(parts, chain) },
      peerId: new Uint8Array(0),
      multiaddrs: [],
    });
    return { name, to, from: terms.owner, method, params, value };
  });
  say?.(`waiting for ${signedMessageCid(signed)}, which makes the miner's actor`);
  const found = await executed(parts, signed);
  const id = (found.ReturnDec as { readonly IDAddress?: string } | null)?.IDAddress;
  if (found.Receipt.ExitCode !== 0 || id === undefined) {
    await store.write({ metadata: [[CREATING, null]] }, { sync: true });
    throw new Error(`the message that makes the actor failed with exit code ${found.Receipt.ExitCode}; try again`);
  }
  const miner = Address.parse((await request("Filecoin.StateLookupID", id, null)) as string);
  const proof = await sealProofOf(parts, chain);
  return finish(parts, { miner, sealProof: proof, sectorBytes: sealProof(proof).sectorBytes, presealed: [] });
}

/** Registered seal proof of a local network's sectors, which are all of one size, at its head. */
async function sealProofOf({ network: { miners } }: InitParts, chain: RpcChain): Promise<number> {
  const { networkVersion } = await chain.head();
  return localSealProof(localSectorSize(miners[0]?.sectorBytes ?? 0) ?? "2KiB", networkVersion);
}

/** The worker's address; a new key is kept before it is given anything. */
async function workerOf(parts: InitParts, chain: RpcChain, { owner, worker, funds }: NewMinerTerms): Promise<Address> {
  const { keystore, crypto, randomBytes, say, store } = parts;
  if (worker !== null) {
    if (await chain.canSign(worker)) return worker;
    throw noKey(parts, worker);
  }
  // A key that an earlier attempt has made is taken again.
  const [before] = keystore.list();
  const key: KeyInfo = { type: "bls", secret: crypto.blsKeyFromSeed(randomBytes(32)) };
  const address = before ?? (await keystore.add(key));
  if ((await store.metadata(FUNDING)) !== undefined || (await chain.balanceOf(address)) < funds) {
    say?.(`the owner gives the worker ${address.toString(chain.prefix)} what it needs for its messages`);
    const sent = await sendOnce(parts, chain, FUNDING, async () => {
      const value = funds - (await chain.balanceOf(address));
      return { name: "the transfer to the worker", to: address, from: owner, value, method: SEND, params: NO_PARAMS };
    });
    await executed(parts, sent);
    await store.write({ metadata: [[FUNDING, null]] }, { sync: true });
  }
  return address;
}

type Found = { readonly Receipt: { readonly ExitCode: number }; readonly ReturnDec: unknown };

async function executed({ wait, signal }: InitParts, signed: SignedMessage): Promise<Found> {
  const link = { "/": `${signedMessageCid(signed)}` };
  return (await wait("Filecoin.StateWaitMsg", [link, 0, -1, true], signal)) as Found;
}

/** Sends the message that is kept under a name, or a new one, kept first; of one that the node refuses nothing is kept. */
async function sendOnce(
  { store, isRefusal }: InitParts,
  chain: RpcChain,
  name: string,
  make: () => Promise<Outgoing>,
): Promise<SignedMessage> {
  const keep = (value: Uint8Array | null): Promise<void> => store.write({ metadata: [[name, value]] }, { sync: true });
  const found = await store.metadata(name);
  try {
    if (found === undefined)
      return await chain.send(await make(), { maxFee: MAX_FEE }, (message) => keep(encodeSignedMessage(message)));
    const before = decodeSignedMessage(found);
    await chain.resend(before);
    return before;
  } catch (error) {
    if (isRefusal(error) || isFilError(error, "REFUSED")) await keep(null);
    throw error;
  }
}

function chainOf({ request, isRefusal, network, keystore, crypto }: InitParts, miner: Address): RpcChain {
  return new RpcChain({
    ...{ miner, request, isRefusal, prefix: network.prefix, pollMs: 1000 },
    keys: { crypto, of: (key) => keyIn(keystore, key) },
  });
}

async function refuseOther({ store, network }: InitParts): Promise<void> {
  const found = await readSettings(store);
  if (found === null) return;
  const miner = found.miner.toString(network.prefix);
  throw new MinerFolderError(
    { code: "NOT_EMPTY", miner },
    `the folder holds the miner ${miner} already: filigree miner run`,
  );
}

async function finish({ store, network, folder }: InitParts, made: Made): Promise<MinerSettings> {
  const settings = { ...made, networkName: network.name, genesis: network.genesis };
  await noteHome(store, folder);
  await writeSettings(store, settings);
  await store.write({ metadata: [[CREATING, null]] }, { sync: true });
  return settings;
}

/** Of a miner of the genesis nobody needs to bring a key. */
function ofGenesis({ network }: InitParts, wanted: Address): MinerFolderError | null {
  const name = wanted.toString(network.prefix);
  if (!network.miners.some(({ address }) => address.slice(1) === name.slice(1))) return null;
  return new MinerFolderError(
    { code: "NO_KEY", address: name },
    `${name} is a miner of the network's genesis, whose key and sectors follow from its seed: give --genesis too`,
  );
}

function noKey({ network }: InitParts, address: Address): MinerFolderError {
  const name = address.toString(network.prefix);
  return new MinerFolderError(
    { code: "NO_KEY", address: name },
    `the key of ${name} is neither in the miner's folder nor in the node's wallet: filigree wallet import`,
  );
}
