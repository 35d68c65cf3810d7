/**
 * Reading a state tree from its root: actors, addresses, and any actor's state as JSON in the network's spelling.
 * Read-only; nothing here executes.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { FilError } from "../base/errors.ts";
import { actorOfCode } from "../params/actor-codes.ts";
import { ACTORS, DESCRIBED_ACTORS, PUBLISHED_ACTORS } from "../schema/index.ts";
import { type ActorDescription, existsIn } from "../schema/kit.ts";
import type { ActorsVersion } from "../schema/versions/rows.ts";
import { loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { type HamtNodes, hamtEntries, hamtGet } from "../storage/hamt.ts";
import { Address, type NetworkPrefix, PROTOCOL } from "../types/address.ts";
import { bytesToBig } from "../types/amount.ts";
import { CID, textOfCid } from "../types/cid.ts";
import { cborToJson, type Json, jsonToCbor, valueToJson } from "../types/schema-codec.ts";
import { INIT } from "../types/singletons.ts";

export type StateErrorData =
  | { readonly code: "ACTOR_NOT_FOUND"; readonly address: string }
  | { readonly code: "UNKNOWN_ACTOR_CODE"; readonly cid: string }
  | { readonly code: "UNKNOWN_METHOD"; readonly method: string }
  | { readonly code: "NOT_AN_ACCOUNT"; readonly address: string }
  | { readonly code: "BAD_STATE"; readonly reason: string };
export class StateError extends FilError<StateErrorData> {}

export type ActorEntry = {
  readonly code: CID;
  readonly head: CID;
  readonly nonce: bigint;
  /** attoFIL */
  readonly balance: bigint;
  /** Address of another space (Ethereum's), from state trees of version 5 on. */
  readonly delegated?: Address;
};

function actorNotFound(address: Address): never {
  throw new StateError({ code: "ACTOR_NOT_FOUND", address: `${address}` }, `${address}: actor not found`);
}

export type DescribedActor = { readonly actor: ActorDescription; readonly actorsVersion: ActorsVersion };

/** First actors version that is published as modules. */
export const FIRST_PUBLISHED = 8;

const described = new WeakMap<CID, DescribedActor | null>();

/** Which built-in actor a code stands for, and of which version; null if its state and methods are not described. */
export function describeCode(code: CID): DescribedActor | null {
  let found = described.get(code);
  if (found === undefined) {
    found = findDescription(code);
    described.set(code, found);
  }
  return found;
}

function findDescription(code: CID): DescribedActor | null {
  const found = actorOfCode(code);
  if (found === null) return null;
  const actorsVersion = found.actorsVersion as ActorsVersion;
  const isPublished = actorsVersion >= FIRST_PUBLISHED;
  if (!isPublished && !DESCRIBED_ACTORS.includes(actorsVersion)) return null;
  const all = isPublished ? [...PUBLISHED_ACTORS, ...ACTORS.filter((one) => one.isInLater === true)] : ACTORS;
  const actor = all.find((one) => one.name === found.name);
  return actor === undefined ? null : { actor, actorsVersion };
}

/** Protocols of addresses that say by themselves whose signature they take: secp256k1, BLS, delegated. */
const KEY_PROTOCOLS: readonly number[] = [PROTOCOL.secp256k1, PROTOCOL.bls, PROTOCOL.delegated];

/** Nodes of the two maps that a view keeps, some kilobytes each: the upper two levels of a large state. */
const KEPT_NODES = 2048;
/** Actors that a view keeps, some 200 bytes each: those of the miners and senders that blocks and messages name again and again. */
const KEPT_ENTRIES = 1024;

export class StateView {
  private readonly blocks: BlockSource;
  private readonly actors: CID;
  private initMap: CID | undefined;
  /** Nodes of the two maps that were read: whoever looks up many actors keeps the view. */
  private readonly nodes: HamtNodes = new BoundedMap(KEPT_NODES);
  private readonly found = new BoundedMap<bigint, ActorEntry>(KEPT_ENTRIES);
  /** ID addresses of others, by their keys: a sender's is asked for with each of its messages. */
  private readonly ids = new BoundedMap<string, Address>(KEPT_ENTRIES);

  private constructor(blocks: BlockSource, actors: CID) {
    this.blocks = blocks;
    this.actors = actors;
  }

  /** Opens the tree at a state root of either form (bare map, or versioned from network version 4). */
  static async open(blocks: BlockSource, root: CID): Promise<StateView> {
    const value = await loadNode(blocks, root);
    if (!Array.isArray(value)) throw new StateError({ code: "BAD_STATE", reason: "root" }, "not a state root");
    const inner = value.length === 3 ? CID.asCID(value[1]) : root;
    if (inner === null) throw new StateError({ code: "BAD_STATE", reason: "root" }, "not a state root");
    return new StateView(blocks, inner);
  }

  /** ID address of any address, or null. */
  async lookupId(address: Address): Promise<Address | null> {
    if (address.actorId !== null) return address;
    if (this.initMap === undefined) {
      const init = await this.actor(INIT);
      const [map] = (await loadNode(this.blocks, init?.head ?? actorNotFound(INIT))) as [unknown];
      this.initMap = CID.asCID(map) as CID;
    }
    const name = address.key;
    const known = this.ids.get(name);
    if (known !== undefined) return known;
    const found = await hamtGet(this.blocks, this.initMap, address.bytes, this.nodes);
    if (!isWhole(found)) return null;
    const id = Address.id(BigInt(found));
    this.ids.set(name, id);
    return id;
  }

  /** The actor at an address, or null. */
  async actor(address: Address): Promise<ActorEntry | null> {
    const id = await this.lookupId(address);
    if (id === null) return null;
    const number = id.actorId as bigint;
    const known = this.found.get(number);
    if (known !== undefined) return known;
    const value = await hamtGet(this.blocks, this.actors, id.bytes, this.nodes);
    if (value === undefined) return null;
    const entry = asEntry(value);
    this.found.set(number, entry);
    return entry;
  }

  /** The actor at an address; throws `StateError` ACTOR_NOT_FOUND. */
  async requireActor(address: Address): Promise<ActorEntry> {
    return (await this.actor(address)) ?? actorNotFound(address);
  }

  async requireId(address: Address): Promise<Address> {
    return (await this.lookupId(address)) ?? actorNotFound(address);
  }

  /** Address that signatures of an account are checked by: of its key, or its delegated one; throws `StateError`. */
  async accountKey(address: Address): Promise<Address> {
    if (KEY_PROTOCOLS.includes(address.protocol)) return address;
    const entry = await this.requireActor(address);
    if (entry.delegated !== undefined) return entry.delegated;
    if (actorOfCode(entry.code)?.name !== "account")
      throw new StateError({ code: "NOT_AN_ACCOUNT", address: `${address}` }, `${address} is not an account actor`);
    const [key] = (await loadNode(this.blocks, entry.head)) as [Uint8Array];
    return Address.fromBytes(key);
  }

  /** The robust address that the init actor knows an actor by, or null. Walks the whole map. */
  async robustAddress(id: Address): Promise<Address | null> {
    await this.lookupId(Address.secp256k1(new Uint8Array(65)));
    if (this.initMap === undefined) return null;
    for await (const [key, value] of hamtEntries(this.blocks, this.initMap))
      if (isWhole(value) && BigInt(value) === id.actorId) return Address.fromBytes(key);
    return null;
  }

  /** Every actor with its ID address. */
  async *entries(): AsyncGenerator<readonly [Address, ActorEntry]> {
    for await (const [key, value] of hamtEntries(this.blocks, this.actors))
      yield [Address.fromBytes(key), asEntry(value)] as const;
  }

  /** An actor's state in the network's spelling. */
  async stateJson(entry: ActorEntry, prefix: NetworkPrefix): Promise<Json> {
    const found = describeCode(entry.code);
    const name = actorOfCode(entry.code)?.name;
    if (name === undefined)
      throw new StateError({ code: "UNKNOWN_ACTOR_CODE", cid: `${entry.code}` }, `no description of ${entry.code}`);
    const value = await loadNode(this.blocks, entry.head);
    // Actors without state of their own keep an empty list.
    if (Array.isArray(value) && value.length === 0) return {};
    if (name === "evm") return contractJson(value);
    if (found === null)
      throw new StateError(
        { code: "UNKNOWN_ACTOR_CODE", cid: `${entry.code}` },
        `no description of ${entry.code}, ${name}`,
      );
    const context = { module: found.actor.module, actorsVersion: found.actorsVersion, prefix };
    return valueToJson({ kind: "ref", name: found.actor.state }, value, context, "");
  }
}

/**
 * A contract's state: [code, hash, storage, (transient, from actors v16 on,) nonce, tombstone]. Source: go-state-types
 * builtin/v10/evm and builtin/v16/evm.
 */
function contractJson(value: unknown): Json {
  const bad = (): never => {
    throw new StateError({ code: "BAD_STATE", reason: "evm" }, "not a contract's state");
  };
  if (!Array.isArray(value) || value.length < 5 || value.length > 6) return bad();
  const [code, hash, storage] = value as unknown[];
  const [nonce, tombstone] = value.slice(-2) as unknown[];
  const link = (cid: unknown): Json => ({ "/": `${CID.asCID(cid) ?? bad()}` });
  if (!(hash instanceof Uint8Array) || !isWhole(nonce)) return bad();
  const [origin, at] = Array.isArray(tombstone) ? (tombstone as unknown[]) : [];
  return {
    ...{ Bytecode: link(code), BytecodeHash: [...hash], ContractState: link(storage), Nonce: Number(nonce) },
    Tombstone: tombstone === null ? null : { Origin: Number(origin), Nonce: Number(at) },
  };
}

/** Whether decoded CBOR is an integer: a float is a number, too. */
function isWhole(value: unknown): value is number | bigint {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

function asEntry(value: unknown): ActorEntry {
  const [code, head, nonce, balance, delegated] = Array.isArray(value) ? (value as unknown[]) : [];
  const codeCid = CID.asCID(code);
  const headCid = CID.asCID(head);
  if (codeCid === null || headCid === null || !isWhole(nonce) || !(balance instanceof Uint8Array))
    throw new StateError({ code: "BAD_STATE", reason: "actor" }, "not an actor entry");
  const entry = { code: codeCid, head: headCid, nonce: BigInt(nonce), balance: bytesToBig(balance) };
  return delegated instanceof Uint8Array ? { ...entry, delegated: Address.fromBytes(delegated) } : entry;
}

/** Direction of a method's data. */
export type MethodSide = "params" | "returns";

function methodType(code: CID, method: bigint, side: MethodSide) {
  const found = describeCode(code);
  const described = found?.actor.methods.find(
    (one) => BigInt(one.number) === method && existsIn(one, found.actorsVersion),
  );
  if (found === null || described === undefined)
    throw new StateError(
      { code: "UNKNOWN_METHOD", method: `${method}` },
      `no description of method ${method} of ${textOfCid(code) ?? code}`,
    );
  return { type: described[side], module: found.actor.module, actorsVersion: found.actorsVersion };
}

/** Parameters or return value of a method, as JSON in the network's spelling; null where there are none. */
export function decodeMethodData(
  code: CID,
  method: bigint,
  side: MethodSide,
  bytes: Uint8Array,
  prefix: NetworkPrefix,
): Json {
  const { type, module, actorsVersion } = methodType(code, method, side);
  return type === undefined || bytes.length === 0 ? null : cborToJson(type, bytes, { module, actorsVersion, prefix });
}

/** The CBOR of JSON parameters. */
export function encodeMethodParams(code: CID, method: bigint, json: Json, prefix: NetworkPrefix): Uint8Array {
  const { type, module, actorsVersion } = methodType(code, method, "params");
  return type === undefined ? new Uint8Array(0) : jsonToCbor(type, json, { module, actorsVersion, prefix });
}

/** The CBOR of an actor's state given as JSON. */
export function encodeState(code: CID, json: Json, prefix: NetworkPrefix): Uint8Array {
  const found = describeCode(code);
  if (found === null) throw new StateError({ code: "UNKNOWN_ACTOR_CODE", cid: `${code}` }, `no description of ${code}`);
  const context = { module: found.actor.module, actorsVersion: found.actorsVersion, prefix };
  return jsonToCbor({ kind: "ref", name: found.actor.state }, json, context);
}

/** Version of the actors that a state has, by its init actor; null for actors that nobody published. */
export async function actorsVersionAt(blocks: BlockSource, root: CID): Promise<ActorsVersion | null> {
  const init = await (await StateView.open(blocks, root)).actor(INIT);
  return init === null ? null : (describeCode(init.code)?.actorsVersion ?? null);
}
