/**
 * Values of a state by their paths, and the blocks that show them: whoever knows a state root checks with these blocks alone that a value
 * stands in that state.
 *
 * A path is an address, then nothing (the actor), or a field of the actor or of its state, then in an array an index or in a map a key, then
 * names of fields: "t01000/Balance", "t01000/Sectors/0/SealedCID", "t04/Claims/t01000".
 */
import { fromHex } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import type { LinkTarget } from "../schema/kit.ts";
import { readCar, writeCar } from "../storage/car.ts";
import { type BlockHashes, checkBlock } from "../storage/check-block.ts";
import type { Block, BlockSource } from "../storage/contract.ts";
import { Address, type NetworkPrefix } from "../types/address.ts";
import { type CID, cidFromBytes, cidKey, parseCid } from "../types/cid.ts";
import type { Json } from "../types/schema-codec.ts";
import { ObjectReader } from "./actor-reader.ts";
import { uvarint } from "./miner-reader.ts";
import { type ActorEntry, StateView } from "./state-view.ts";

export type StatePathErrorData =
  /** The path is none, or leads to nothing; `step` is where. */
  | { readonly code: "NO_SUCH_PATH"; readonly step: string }
  /** The file is no proof: a block that has not the hash of its CID, another root, too much of it. */
  | { readonly code: "BAD_PROOF"; readonly reason: string };
export class StatePathError extends FilError<StatePathErrorData> {}

/** Steps of a path; blocks and bytes of a proof. */
const MOST_STEPS = 64;
const MOST_BLOCKS = 10_000;
const MOST_BYTES = 32 << 20;

/** Throws `StatePathError`; what the blocks throw; `NodeError` MISSING_BLOCK for a block that is not among them. */
export async function valueAt(blocks: BlockSource, root: CID, path: string, prefix: NetworkPrefix): Promise<Json> {
  const [first = "", ...steps] = path.trim().split("/");
  if (steps.length > MOST_STEPS) throw none(path, `at most ${MOST_STEPS} steps are followed`);
  const address = parse(first, "an address", () => Address.parse(first));
  const view = await StateView.open(blocks, root);
  const entry = await view.requireActor(address);
  const [name, ...rest] = steps;
  const own = entryJson(entry);
  if (name === undefined) return own;
  if (Object.hasOwn(own, name)) return within(own, steps);
  const reader = await ObjectReader.open(blocks, entry, prefix);
  if (!reader.has(name))
    throw none(
      name,
      `the actor has no ${name}; it has ${[...Object.keys(own), ...Object.keys(reader.all())].join(", ")}`,
    );
  const to = reader.target(name);
  if (to === null || rest.length === 0) return within(reader.field(name), rest);
  if (to.kind === "object") return within(await reader.object(name), rest);
  const [key = "", ...fields] = rest;
  const found = await reader.element(name, keyOf(to, key));
  if (found === null) throw none(key, `${name} has no ${key}`);
  return within(found, fields);
}

function entryJson({ code, head, nonce, balance }: ActorEntry) {
  return { Code: { "/": `${code}` }, Head: { "/": `${head}` }, Nonce: `${nonce}`, Balance: `${balance}` };
}

function keyOf(to: Exclude<LinkTarget, { kind: "object" }>, text: string): bigint | Uint8Array {
  if (to.kind === "array") return parse(text, "an index", () => whole(text));
  switch (to.key) {
    case "address":
      return parse(text, "an address", () => Address.parse(text).bytes);
    case "uvarint":
      return parse(text, "a number", () => uvarint(whole(text)));
    case "varint":
      // The sign is in the lowest bit.
      return parse(text, "a number", () => {
        if (!/^-?\d{1,20}$/.test(text)) throw new Error("no whole number");
        const value = BigInt.asIntN(64, BigInt(text));
        return uvarint(value < 0n ? -2n * value - 1n : 2n * value);
      });
    case "cid":
      return parse(text, "a CID", () => parseCid(text).bytes);
    default:
      return parse(text, "bytes in hex", () => fromHex(text.toLowerCase()));
  }
}

function whole(text: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new Error("no whole number");
  return BigInt(text);
}

function parse<T>(text: string, wanted: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw none(text, `${wanted} is expected, and ${text === "" ? "nothing" : text} stands there`, cause);
  }
}

function within(value: Json, steps: readonly string[]): Json {
  let at: Json = value;
  for (const step of steps) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) throw none(step, `there is no ${step}`);
    at = (at as Readonly<Record<string, Json>>)[step] as Json;
  }
  return at;
}

function none(step: string, why: string, cause?: unknown): StatePathError {
  return new StatePathError({ code: "NO_SUCH_PATH", step }, `no such path: ${why}`, { cause });
}

/** A value, and a CAR file of the `blocks` (so many) on the way to it, whose root is the state's. Throws as `valueAt`. */
export async function provePath(
  blocks: BlockSource,
  root: CID,
  path: string,
  prefix: NetworkPrefix,
): Promise<{ readonly value: Json; readonly blocks: number; readonly car: Uint8Array }> {
  const used = new Map<string, Block>();
  const get = async (cid: Uint8Array): Promise<Uint8Array | undefined> => {
    const bytes = blocks.peek(cid) ?? (await blocks.get(cid));
    if (bytes !== undefined) used.set(cidKey(cid), { cid: cid.slice(), bytes });
    return bytes;
  };
  const value = await valueAt({ peek: () => undefined, get }, root, path, prefix);
  return { value, blocks: used.size, car: writeCar([root.bytes], [...used.values()]) };
}

/**
 * The value at a path, as the blocks of a CAR file show it: each is compared with its CID first, and nothing but them is read; `blocks`: how many. Throws
 * `StatePathError`, `CarError`; `NodeError` MISSING_BLOCK where the file ends before the path does.
 */
export async function checkPath(
  hashes: BlockHashes,
  car: Uint8Array,
  root: CID,
  path: string,
  prefix: NetworkPrefix,
): Promise<{ readonly value: Json; readonly blocks: number }> {
  const bad = (reason: string): never => {
    throw new StatePathError({ code: "BAD_PROOF", reason }, `not a proof: ${reason}`);
  };
  if (car.length > MOST_BYTES) return bad(`over ${MOST_BYTES} bytes`);
  const { blocks } = readCar(car);
  if (blocks.length > MOST_BLOCKS) return bad(`over ${MOST_BLOCKS} blocks`);
  const held = new Map<string, Uint8Array>();
  for (const block of blocks) {
    if (checkBlock(block, hashes) !== "right")
      return bad(`block ${cidFromBytes(block.cid)} has other bytes than its CID says`);
    held.set(cidKey(block.cid), block.bytes);
  }
  const peek = (cid: Uint8Array): Uint8Array | undefined => held.get(cidKey(cid));
  const value = await valueAt({ peek, get: async (cid) => peek(cid) }, root, path, prefix);
  return { value, blocks: blocks.length };
}
