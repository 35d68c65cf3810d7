/**
 * Decoded states, parameters and results of the published storage actors against real ones: in the vectors of the FVM (versions 9
 * and 10 of the actors), every such actor's head block, and all that its links lead to as far as the files have it, is decoded and
 * encoded to the same bytes; so are the messages' parameters and results. Without the vectors this says so and skips.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { gunzip } from "../../src/conformance/inflate.ts";
import { parseVector, type Vector } from "../../src/conformance/vector.ts";
import { PUBLISHED_ACTORS } from "../../src/schema/index.ts";
import type { FieldType, LinkTarget } from "../../src/schema/kit.ts";
import { type DescribedActor, describeCode } from "../../src/state/state-view.ts";
import { amtEntries, NodeError } from "../../src/storage/amt.ts";
import { readCar } from "../../src/storage/car.ts";
import { hamtEntries } from "../../src/storage/hamt.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { CID } from "../../src/types/cid.ts";
import { decodeMessage } from "../../src/types/message.ts";
import { type CodecContext, fieldsIn, findType, jsonToCbor, valueToJson } from "../../src/types/schema-codec.ts";
import { corpus, readAt } from "../support/vectors.ts";

/** Far more than any state of the vectors has. */
const MAX_CAR = 256 << 20;
const DAG_CBOR = 0x71;
/** Elements of one array or map that are looked at: they are alike, and some have thousands. */
const MANY = 8;
/** State trees of these versions: an actor is a list of four or five. */
const ENTRY = [4, 5];

const published = (code: CID): DescribedActor | null => {
  const found = describeCode(code);
  return found !== null && PUBLISHED_ACTORS.includes(found.actor) ? found : null;
};

class World {
  readonly store = new MemoryStore();
  /** Actors of the five kinds, by head. */
  readonly heads = new Map<string, { readonly found: DescribedActor; readonly head: CID }>();
  /** Codes of all actors, by the bytes of their ID addresses. */
  readonly codes = new Map<string, CID>();
  /** Objects that were decoded and encoded, by version and type. */
  readonly same = new Map<string, number>();
  private readonly walked = new Set<string>();

  take(car: Uint8Array): void {
    const blocks = readCar(car).blocks.filter(({ cid }) => this.store.peek(cid) === undefined);
    this.store.writeNow({ blocks });
    for (const { bytes, cid } of blocks) if (cid[1] === DAG_CBOR) this.findActors(dagCbor.decode(bytes));
  }

  /** Entries of actors anywhere in a node of a state tree. */
  private findActors(value: unknown): void {
    if (!Array.isArray(value)) return;
    const [code, head] = value.map((one) => CID.asCID(one));
    const found = ENTRY.includes(value.length) && code != null && head != null ? published(code) : null;
    if (found !== null && head != null) this.heads.set(`${head}`, { found, head });
    if (value[0] instanceof Uint8Array && Array.isArray(value[1]) && ENTRY.includes(value[1].length)) {
      const own = CID.asCID(value[1][0]);
      if (own !== null) this.codes.set(toHex(value[0]), own);
    }
    for (const inner of value) this.findActors(inner);
  }

  check(type: FieldType, bytes: Uint8Array, context: CodecContext, what: string): unknown {
    const value = dagCbor.decode(bytes);
    const again = jsonToCbor(type, valueToJson(type, value, context, ""), context);
    expect(toHex(again), `v${context.actorsVersion} ${what}`).toBe(toHex(bytes));
    const name = `v${context.actorsVersion} ${what}`;
    this.same.set(name, (this.same.get(name) ?? 0) + 1);
    return value;
  }

  async walk(type: FieldType, value: unknown, context: CodecContext): Promise<void> {
    if (value === null || value === undefined) return;
    if (type.kind === "optional") return this.walk(type.of, value, context);
    if (type.kind === "list") for (const item of value as unknown[]) await this.walk(type.of, item, context);
    if (type.kind === "link") {
      const cid = CID.asCID(value) as CID;
      const key = `${cid} ${JSON.stringify(type.to)}`;
      if (this.walked.has(key)) return;
      this.walked.add(key);
      await this.follow(type.to, cid, context);
    }
    if (type.kind !== "ref") return;
    const found = findType(context.module, type.name);
    const inner = { ...context, module: found.module };
    const fields = fieldsIn(found.type, context.actorsVersion);
    if (found.type.transparent === true) return this.walk(fields[0]?.type as FieldType, value, inner);
    for (const [i, field] of fields.entries()) await this.walk(field.type, (value as unknown[])[i], inner);
  }

  private async follow(to: LinkTarget, cid: CID, context: CodecContext): Promise<void> {
    const one = async (type: FieldType, value: unknown): Promise<void> => {
      this.check(type, dagCbor.encode(value), context, type.kind === "ref" ? type.name : type.kind);
      await this.walk(type, value, context);
    };
    const bytes = this.store.peek(cid.bytes);
    if (bytes === undefined) return;
    if (to.kind === "object") return one(to.type, dagCbor.decode(bytes));
    if (to.kind === "set") return;
    try {
      const entries =
        to.kind === "array" ? amtEntries(this.store, cid) : hamtEntries(this.store, cid, to.width ?? undefined);
      let left = MANY;
      for await (const [, value] of entries) {
        await one(to.of, value);
        if (--left === 0) break;
      }
    } catch (error) {
      // The files have what the messages touched, no more: of such a map, what is there.
      if (!(error instanceof NodeError) || error.data.code !== "MISSING_BLOCK") throw error;
      let left = MANY;
      for (const value of this.leaves(dagCbor.decode(bytes))) {
        await one(to.of, value);
        if (--left === 0) break;
      }
    }
  }

  /** Values in the nodes of an array or a map that are there, from the root or any node on. */
  private *leaves(node: unknown): Generator<unknown> {
    const parts = node as unknown[];
    // The root of an array ends with a node; the first part of a node is its bitmap.
    if (!(parts[0] instanceof Uint8Array)) return yield* this.leaves(parts.at(-1));
    for (const one of parts.length === 2 ? [] : (parts[2] as unknown[])) yield one;
    for (const pointer of parts[1] as unknown[]) {
      const link = CID.asCID(pointer);
      const bytes = link === null ? undefined : this.store.peek(link.bytes);
      if (bytes !== undefined) yield* this.leaves(dagCbor.decode(bytes));
      if (link === null) for (const [, value] of pointer as [unknown, unknown][]) yield value;
    }
  }

  callOf({ bytes, epochOffset: _ }: Vector["messages"][number], returned: Uint8Array | undefined): void {
    const { to, method, params } = decodeMessage(bytes);
    const code = this.codes.get(toHex(to.bytes));
    const found = code === undefined ? null : published(code);
    if (found === null || method === 0n) return;
    const { actor, actorsVersion } = found;
    const one = actor.methods.find(
      ({ number, since = 0, until = 99 }) =>
        BigInt(number) === method && since <= actorsVersion && actorsVersion <= until,
    );
    expect(one, `${actor.name} ${method}`).toBeDefined();
    const context: CodecContext = { module: actor.module, actorsVersion, prefix: "f" };
    for (const [type, data] of [
      [one?.params, params],
      [one?.returns, returned],
    ] as const)
      if (data !== undefined && data.length > 0) {
        expect(type, `${actor.name}.${one?.name} has data`).toBeDefined();
        this.check(type as FieldType, data, context, `${actor.name}.${one?.name}`);
      }
  }
}

if (corpus.fvm.length === 0) {
  console.warn("skipped: no vectors of the FVM beside the checkout");
  test.skip("real states: no vectors of the FVM beside the checkout", () => undefined);
} else
  test("states, parameters and results of real storage actors are decoded and encoded to the same bytes", async () => {
    const world = new World();
    const vectors: Vector[] = [];
    for (const file of corpus.fvm) {
      const vector = parseVector(new TextDecoder().decode(await readAt(file)));
      vectors.push(vector);
      world.take(await gunzip(vector.car, MAX_CAR));
    }
    const kinds = new Set<string>();
    for (const { found, head } of world.heads.values()) {
      const bytes = world.store.peek(head.bytes);
      if (bytes === undefined) continue;
      const { actor, actorsVersion } = found;
      const context: CodecContext = { module: actor.module, actorsVersion, prefix: "f" };
      const type: FieldType = { kind: "ref", name: actor.state };
      await world.walk(type, world.check(type, bytes, context, actor.name), context);
      kinds.add(`v${actorsVersion} ${actor.name}`);
    }
    for (const { messages, receipts } of vectors)
      for (const [i, message] of messages.entries())
        world.callOf(message, receipts[i]?.exitCode === 0 ? receipts[i]?.return : undefined);
    const names = ["datacap", "storagemarket", "storageminer", "storagepower", "verifiedregistry"];
    expect([...kinds].sort()).toEqual(["v10", "v9"].flatMap((version) => names.map((name) => `${version} ${name}`)));
    const inside = ["Claim", "DealProposal", "DealState", "Deadline", "MinerInfo", "Partition", "SectorOnChainInfo"];
    expect([...world.same.keys()]).toEqual(
      expect.arrayContaining(["v9", "v10"].flatMap((v) => inside.map((type) => `${v} ${type}`))),
    );
    const total = [...world.same.values()].reduce((sum, count) => sum + count, 0);
    console.info(`decoded and encoded: ${total} values of ${world.same.size} types`);
  }, 60_000);
