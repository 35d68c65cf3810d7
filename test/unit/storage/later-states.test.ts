/** States of published actors, decoded as the network spells them; those that are not described are named. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { actorBundle } from "../../../src/params/actor-codes.ts";
import { readManifest } from "../../../src/state/manifest.ts";
import { StateView } from "../../../src/state/state-view.ts";
import { buildHamt } from "../../../src/storage/hamt-build.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { bigToBytes } from "../../../src/types/amount.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";

const store = new MemoryStore();
const put = (data: unknown): CID => {
  const bytes = dagCbor.encode(data);
  const cid = cidOfBlock(bytes);
  store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
  return cid;
};
const code = (name: string): CID => actorBundle("devnet", 18)?.codes.get(name) as CID;
const link = put("what is linked");
const delegated = Address.fromEthereum(new Uint8Array(20).fill(7));
const manifest = put([["system", code("system")]]);
const STATES: readonly (readonly [name: string, state: unknown, json: unknown])[] = [
  ["system", [manifest], null],
  ["account", [Address.id(5).bytes], { Address: "t05" }],
  ["init", [link, 100, "net"], { AddressMap: { "/": `${link}` }, NextID: 100, NetworkName: "net" }],
  ["cron", [[[Address.id(4).bytes, 5]]], { Entries: [{ Receiver: "t04", MethodNum: 5 }] }],
  ["ethaccount", [], {}],
  [
    "evm",
    [link, new Uint8Array(32).fill(1), link, null, 3, null],
    {
      ...{ Bytecode: { "/": `${link}` }, BytecodeHash: Array(32).fill(1), ContractState: { "/": `${link}` } },
      ...{ Nonce: 3, Tombstone: null },
    },
  ],
];
const actors = buildHamt(
  STATES.map(([name, state], i) => {
    const more = name === "ethaccount" ? delegated.bytes : null;
    return [Address.id(i).bytes, [code(name), put(state), i, bigToBytes(BigInt(i)), more]] as const;
  }),
  (block) => store.writeNow({ blocks: [block] }),
  "present",
);
const view = await StateView.open(store, put([5, actors, put([])]));

test.each(STATES.map(([name, , json], i) => [name, i, json] as const))("%s", async (_, i, json) => {
  const entry = await view.requireActor(Address.id(i));
  expect([entry.nonce, entry.balance]).toEqual([BigInt(i), BigInt(i)]);
  if (json === null)
    await expect(view.stateJson(entry, "t")).rejects.toMatchObject({ data: { code: "UNKNOWN_ACTOR_CODE" } });
  else expect(await view.stateJson(entry, "t")).toEqual(json);
});

test("delegated addresses, keys behind ids, and the actors that run", async () => {
  expect((await view.requireActor(Address.id(4))).delegated?.equals(delegated)).toBe(true);
  expect((await view.accountKey(Address.id(4))).equals(delegated)).toBe(true);
  expect((await view.accountKey(Address.id(1))).equals(Address.id(5))).toBe(true);
  await expect(view.accountKey(Address.id(3))).rejects.toMatchObject({ data: { code: "NOT_AN_ACCOUNT" } });
  const { codes, root } = await readManifest(store, view);
  expect([...codes]).toEqual([["system", code("system")]]);
  expect(root.equals(cidOfBlock(dagCbor.encode([1, manifest])))).toBe(true);
});
