/** A network as a file and back: it goes on as if nothing had been, and gives the same bytes on every runtime. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, type KeyInfo, signMessage } from "../../../src/keys/keys.ts";
import type { DevAccount } from "../../../src/node/accounts.ts";
import { ATTACHED_FACT } from "../../../src/node/attached-folders.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { checkFacts } from "../../../src/node/devnet-dump.ts";
import { actorBundle } from "../../../src/params/actor-codes.ts";
import { VERSION } from "../../../src/params/version.ts";
import { readCar, writeCar } from "../../../src/storage/car.ts";
import type { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import { tipsetKeyText } from "../../../src/types/block-header.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";
import type { SignedMessage } from "../../../src/types/message.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

const open: Devnet[] = [];
afterEach(async () => {
  for (const net of open.splice(0)) await net.close();
});

async function network(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const net = await Devnet.open({ accounts: 2, seed: "dump", ...options });
  net.clock.setAutomine(false);
  open.push(net);
  return net;
}

async function load(file: Uint8Array, options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const net = await Devnet.load(file, options);
  open.push(net);
  return net;
}

async function dump(net: Devnet): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of net.dump()) parts.push(part);
  return concat(...parts);
}

const key = (net: Devnet): string => tipsetKeyText(net.head.key);

async function send(net: Devnet): Promise<void> {
  const [from, to] = net.accounts.map((account) => account.secp256k1.toString("t"));
  await net.request("MpoolPushMessage", { From: from, To: to, Value: `${FIL}`, Method: 0 }, null);
}

/** blake2b-256 of the file below: that Node, Deno and Chromium give the same bytes, each can load the others' files. */
const DIGEST = "b3b15651b6f973658abcfe25300725159c63d0d62c89be146960660170258785";

test("the file is the same on every runtime, and what is made of it makes the same file", async () => {
  const net = await network();
  await send(net);
  await net.clock.mine(3);
  await send(net);
  const file = await dump(net);
  const { blake2b256 } = await loadCrypto();
  expect(toHex(blake2b256(file))).toBe(DIGEST);
  expect(toHex(blake2b256(await dump(await load(file))))).toBe(DIGEST);
});

test("one that gave old messages up is made into a file, and gives up more when it goes on", async () => {
  const net = await network();
  const messages = async (one: Devnet): Promise<number> => (await one.node.chain.blocks.metadataWith("eth/tx/")).length;
  await send(net);
  await net.clock.mine(4);
  await send(net);
  await net.clock.mine(2);
  await net.node.collector.collect(2);
  const copy = await load(await dump(net));
  expect(await messages(copy)).toBe(1);
  await copy.clock.mine(4);
  expect(await copy.node.collector.collect(2)).toMatchObject({ from: 8 });
  expect(await messages(copy)).toBe(0);
});

test("it goes on where the other was: chain, pool, wallet, settings, and both come to the same head", async () => {
  const net = await network();
  await send(net);
  await net.clock.mine(2);
  const made = await net.request("WalletNew", "bls");
  await net.request("WalletSetDefault", made);
  await send(net);
  const { blocks } = net.node.chain;
  const id = await net.snapshots.take();
  await blocks.write({ metadata: [[ATTACHED_FACT, utf8('["/a/folder"]')]] });
  await net.revert(id.id);
  // Folders of this machine stay as they are, and are no part of another network.
  expect(await blocks.metadata(ATTACHED_FACT)).toBeDefined();
  const copy = await load(await dump(net));
  expect(await copy.node.chain.blocks.metadata(ATTACHED_FACT)).toBeUndefined();
  expect(key(copy)).toBe(key(net));
  expect(copy.node.pool.pending()).toEqual(net.node.pool.pending());
  expect(`${await copy.node.keystore.defaultAddress()}`).toBe(`${await net.node.keystore.defaultAddress()}`);
  expect(copy.clock.isAutomatic).toBe(false);
  expect((await load(await dump(net), { blockTime: 1000 })).clock.isAutomatic).toBe(true);
  for (const one of [net, copy]) await one.clock.mine(3);
  expect(key(copy)).toBe(key(net));
  // A snapshot's number is not given again either.
  expect(await copy.snapshot()).toBe(await net.snapshot());
});

test("a message that waits although its sender has spent what it may cost is left out, and told; what others sent stays", async () => {
  const net = await network({ balance: 100n * FIL });
  const [alice, bob] = net.accounts as [DevAccount, DevAccount];
  const { crypto, pool } = net.node;
  const push = async (keys: KeyInfo, nonce: bigint, gasFeeCap: bigint): Promise<SignedMessage> => {
    const [from, to] = [addressOf(crypto, keys), addressOf(crypto, bob.keys.secp256k1)];
    const message = {
      from,
      to,
      nonce,
      value: 0n,
      method: 0n,
      params: new Uint8Array(0),
      gasLimit: 10n ** 7n,
      gasPremium: 1n,
    };
    const signed = signMessage(crypto, keys, { ...message, gasFeeCap });
    await pool.push(signed, "network");
    return signed;
  };
  // Behind a gap, so that no block takes it: 60 FIL of gas, of 100 that are then 10.
  await push(alice.keys.secp256k1, 3n, 6n * 10n ** 12n);
  const [from, to] = net.accounts.map((account) => account.secp256k1.toString("t"));
  await net.request("MpoolPushMessage", { From: from, To: to, Value: `${30n * FIL}`, Method: 0 }, null);
  await net.clock.mine(1);
  await net.request("MpoolPushMessage", { From: from, To: to, Value: `${30n * FIL}`, Method: 0 }, null);
  await net.clock.mine(1);
  const others = await push(bob.keys.secp256k1, 2n, 10n ** 9n);
  expect(pool.pending()).toHaveLength(2);
  const copy = await load(await dump(net));
  expect(copy.node.pool.pending()).toEqual([others]);
  const notes: string[] = [];
  copy.node.pool.onNote(({ kind, reason }) => notes.push(`${kind}: ${reason}`));
  expect(notes).toEqual([expect.stringMatching(/^dropped: as the network's file was loaded: not enough funds/)]);
});

test("what is no dump, was changed, or lacks blocks is refused by name, and so are options that are the file's", async () => {
  const net = await network();
  const file = await dump(net);
  const { roots, blocks } = readCar(file);
  const [first, ...others] = blocks;
  if (first === undefined) throw new Error("no block");
  const refused = (bytes: Uint8Array, why: string) =>
    expect(Devnet.load(bytes)).rejects.toThrow(`not a dump of a local network: ${why}`);
  await refused(writeCar(roots, [...others, first]), "the root is not its first block");
  await refused(writeCar(roots, [first]), "blocks that its root names are missing");
  await refused(writeCar([others[0]?.cid as Uint8Array], others), "the root");
  // A block of facts named a thousand times would be read as often.
  const root = dagCbor.decode<{ readonly facts: readonly CID[] }>(first.bytes);
  const bytes = dagCbor.encode({ ...root, facts: Array(1000).fill(root.facts[0]) });
  const { bytes: cid } = cidOfBlock(bytes);
  await refused(writeCar([cid], [{ cid, bytes }, ...others]), "its root names a block twice");
  await refused(
    writeCar(roots, [first, { ...(others[0] as (typeof others)[0]), bytes: Uint8Array.of(1) }]),
    "the block at",
  );
  await expect(Devnet.load(file.subarray(0, file.length - 3))).rejects.toMatchObject({ data: { code: "TRUNCATED" } });
  await expect(Devnet.load(file, { seed: "other" })).rejects.toThrow("leave it out");
});

/** A file without one of its blocks. */
function without(file: Uint8Array, cid: Uint8Array): Uint8Array {
  const { roots, blocks } = readCar(file);
  return writeCar(
    roots,
    [...blocks].filter((block) => toHex(block.cid) !== toHex(cid)),
  );
}

/** A file with another root. */
function withRoot(file: Uint8Array, change: (root: Fields) => Fields): Uint8Array {
  const [first, ...others] = readCar(file).blocks;
  const bytes = dagCbor.encode(change(dagCbor.decode<Fields>((first as { readonly bytes: Uint8Array }).bytes)));
  const { bytes: cid } = cidOfBlock(bytes);
  return writeCar([cid], [{ cid, bytes }, ...others]);
}
type Fields = { readonly options: object; readonly [name: string]: unknown };

test("a file decides what the network is, and not where it runs or keeps its keys", async () => {
  const file = await dump(await network());
  const evil = { data: "of the file", retention: 5, machine: "worker", bundle: { a: 1 }, version: "9" };
  const copy = await load(withRoot(file, (root) => ({ ...root, options: { ...root.options, ...evil } })));
  expect(copy.options).toMatchObject({ data: null, seed: "dump", version: (await network()).options.version });
  for (const name of ["retention", "machine", "bundle"]) expect(copy.options).not.toHaveProperty(name);
});

test("a file whose parts do not fit each other is refused as one, and not as a folder with other options", async () => {
  const net = await network({ miners: 1 });
  const file = await dump(net);
  const refused = (change: (root: Fields) => Fields, why: string) =>
    expect(Devnet.load(withRoot(file, change))).rejects.toThrow(`not a dump of a local network: ${why}`);
  await refused((root) => ({ ...root, facts: [] }), "it has no chain");
  await refused((root) => ({ ...root, options: { ...root.options, seed: "another" } }), "its options do not fit");
  const skipped = (one: number) => (root: Fields) => {
    const [miner] = root["miners"] as readonly object[];
    return { ...root, miners: [{ ...miner, skipped: [one] }] };
  };
  await refused(skipped(48), "miners is no list of what it should be");
  expect(
    (await load(withRoot(file, skipped(47)))).laboratory?.skipped(net.local?.miners[0]?.address as Address),
  ).toEqual([47]);
  await net.node.chain.blocks.write({ metadata: [["fork/from", utf8("{}")]] });
  const { facts, sectors } = await net.snapshots.copy();
  expect(() => checkFacts(facts)).toThrow("it is one of a fork");
  expect(sectors).toEqual([]);
});

test("a network with actors of a bundle that nobody published has their code in its file", async () => {
  const net = await network({ networkVersion: 23, bundle: await testBundle({}) });
  await send(net);
  await net.clock.mine(2);
  const file = await dump(net);
  const copy = await load(file);
  expect([key(copy), copy.options.networkVersion]).toEqual([key(net), 23]);
  expect(toHex(await dump(copy))).toBe(toHex(file));
  for (const one of [net, copy]) {
    await send(one);
    await one.clock.mine(3);
  }
  expect(key(copy)).toBe(key(net));
  await expect(load(file, { networkVersion: 23 })).rejects.toThrow("leave it out");
  const { codes } = await testBundle({});
  await expect(load(without(file, codes.get("reward")?.bytes as Uint8Array))).rejects.toThrow(
    "not a dump of a local network: it does not have the actors of its state",
  );
});

test("published actors that a file names are asked for; what its root says wrongly, or may not say, is refused or left", async () => {
  const file = await dump(await network({ networkVersion: 23, bundle: await testBundle({}) }));
  const { manifest: root, codes } = actorBundle("devnet", 14) ?? {};
  const named = { network: "devnet", actorsVersion: 14, root };
  const of = (bundles: unknown, options: object = {}): Uint8Array =>
    withRoot(file, (all) => ({ ...all, bundles, options: { ...all.options, ...options } }));
  await expect(load(of([named]))).rejects.toMatchObject({
    data: { code: "MISSING_BUNDLE", network: "devnet", actorsVersion: 14 },
  });
  for (const [bytes, why] of [
    [of([{ ...named, actorsVersion: 13 }]), "it names a bundle of actors"],
    [of([{ ...named, root: [...(codes?.values() ?? [])][0] }]), "it names a bundle of actors"],
    [of([named, named]), "its root names a bundle twice"],
    [of("devnet"), "bundles is no list"],
    [of([], { networkVersion: "23" }), "options.networkVersion is no count"],
    [of([], { predeploy: 1 }), "options.predeploy"],
    [of([], { upgrades: [{ epoch: 5 }] }), "options.upgrades is no list"],
    [of([], { upgrades: Array(101).fill({ epoch: 5, networkVersion: 24 }) }), "options.upgrades has 101"],
    [withRoot(file, (all) => ({ ...all, form: 3 })), "it has form 3"],
  ] as const)
    await expect(load(bytes), why).rejects.toThrow(why);
  for (const options of [
    { upgrades: [{ epoch: 5, networkVersion: 5 }] },
    { networkVersion: 99 },
    { accounts: 1e9 },
    { mnemonic: "two words" },
    { proofs: "none" },
  ])
    await expect(load(of([], options))).rejects.toThrow("not a dump of a local network: there is no network with its");
  // Where the network of a file runs is for whoever loads it to say.
  const copy = await load(of([], { data: "/nowhere", version: "file's" }));
  expect(copy.options).toMatchObject({ data: null, version: VERSION });
});
