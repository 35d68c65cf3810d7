/** What the fourth generation of the FVM (network versions 21 to 28) has of its own: reachable blocks, the scan for links, events. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { platform } from "#platform";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { Address } from "../../../src/types/address.ts";
import { CID, cidOfBlock, cidOfText } from "../../../src/types/cid.ts";
import { applyIn, codeCid, EPOCH, makeWorld, messageOf, openWorld, TESTER_ID } from "../../support/fvm-world.ts";
import { signedLeb, wasmModule } from "../../support/wasm-module.ts";

const code = await platform.readAsset(builtFile("wasm/guest4-test.wasm"));
const world = makeWorld({ code, networkVersion: 21 });

const RAW = 0x55n;
const CBOR = 0x51n;
const DAG_CBOR = 0x71n;
const NOT_FOUND = 6;
const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const u64 = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);
const none = new Uint8Array(0);

const call = (method: bigint, params: Uint8Array = none, networkVersion = 21) =>
  applyIn(world, { method, params }, networkVersion);

async function ask(
  method: bigint,
  params: Uint8Array = none,
): Promise<{ error: number; bytes: Uint8Array; gas: bigint }> {
  const { exitCode, why, return: bytes, gasUsed } = await call(method, params);
  expect({ exitCode, why }).toEqual({ exitCode: 0, why: "" });
  return {
    error: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true),
    bytes: bytes.slice(4),
    gas: gasUsed,
  };
}

const make = (codec: bigint, data: Uint8Array) => ask(2n, concat(u64(codec), data));
const somewhere = cidOfBlock(utf8("somewhere"));

test("a block that was not met cannot be opened, linked to, or become the root", async () => {
  expect((await ask(9n, somewhere.bytes)).error).toBe(NOT_FOUND);
  expect((await ask(10n, somewhere.bytes)).error).toBe(NOT_FOUND);
  expect((await make(DAG_CBOR, dagCbor.encode([somewhere]))).error).toBe(NOT_FOUND);
  // As plain CBOR, or raw, the same bytes hold no link.
  expect((await make(CBOR, dagCbor.encode([somewhere]))).error).toBe(0);
  expect((await make(RAW, dagCbor.encode([somewhere]))).error).toBe(0);
});

test("what the own root links to can be opened; what is linked oneself can become the root", async () => {
  const vm = await openWorld(world, 21);
  const send = (method: bigint, params: Uint8Array, nonce: bigint) =>
    vm.apply(messageOf({ method, params, nonce }), 200).return;
  const error = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  expect(error(send(3n, concat(u64(DAG_CBOR), dagCbor.encode(["leaf"])), 0n))).toBe(0);
  expect(vm.actor(Address.id(TESTER_ID))?.head).toEqual(cidOfBlock(dagCbor.encode(["leaf"])));
  expect(error(send(4n, somewhere.bytes, 1n))).toBe(NOT_FOUND);
});

test("links: to commitments they are passed over, identity CIDs are scanned, other kinds cannot be found", async () => {
  const one = (cid: CID) => make(DAG_CBOR, dagCbor.encode(cid));
  const digest = somewhere.multihash;
  expect((await one(CID.createV1(0xf101, digest))).error).toBe(0);
  expect((await one(CID.createV1(0xf102, digest))).error).toBe(0);
  expect((await one(CID.createV1(0x70, digest))).error).toBe(NOT_FOUND);
  expect((await one(cidOfText("inline text"))).error).toBe(0);
  expect((await one(codeCid(code))).error).toBe(NOT_FOUND);
});

test("a block that is no CBOR, or whose link is none, is refused by number; the scan is paid for all the same", async () => {
  const SERIALIZATION = 10;
  for (const bytes of [
    none,
    [0x82, 1],
    [0x01, 0x01],
    [0x1c],
    [0xd8, 0x2a, 0x01],
    [0xd8, 0x2a, 0x41, 0x01],
    [0x42, 0x01],
  ])
    expect((await make(DAG_CBOR, Uint8Array.from(bytes))).error, String(bytes)).toBe(SERIALIZATION);
  expect((await make(0x70n, none)).error).toBe(9);
  const broken = await make(DAG_CBOR, Uint8Array.from([0x8a, ...new Array<number>(8).fill(1)]));
  const empty = await make(DAG_CBOR, Uint8Array.from([0x8a]));
  // Eight items at 35 gas more, and the parameters' eight bytes: to the chain, and as they are read.
  expect(broken.error).toBe(SERIALIZATION);
  expect(broken.gas - empty.gas).toBeGreaterThan(8n * (1300n + 35n));
});

test("the own root costs 300 gas more than in the third generation", async () => {
  // Of what both generations have alone: a module with another import does not start there.
  const at = (value: number): number[] => [0x41, ...signedLeb(value)];
  const reader = wasmModule({
    imports: [{ module: "self", name: "root", params: 3 }],
    functions: [{ params: 1, gives: true, body: [...at(0), ...at(1024), ...at(64), 0x10, 0, 0x1a, ...at(0), 0x0b] }],
    exports: { invoke: 1 },
  });
  const gas = async (networkVersion: number): Promise<bigint> => {
    const { exitCode, gasUsed } = await applyIn(
      makeWorld({ code: reader, networkVersion }),
      { method: 2n },
      networkVersion,
    );
    expect(exitCode).toBe(0);
    return gasUsed;
  };
  expect((await gas(21)) - (await gas(18))).toBe(300n);
});

test("randomness is the digest itself, at 75 gas an epoch back; of the future it costs more than there is", async () => {
  const near = await ask(6n, u64(BigInt(EPOCH - 10)));
  const far = await ask(6n, u64(BigInt(EPOCH - 110)));
  expect(near.bytes).toEqual(new Uint8Array(32).fill(1));
  expect((await ask(7n, u64(900n))).bytes).toEqual(new Uint8Array(32).fill(2));
  expect(far.gas - near.gas).toBe(7500n);
  expect(await call(6n, u64(BigInt(EPOCH + 1)))).toMatchObject({ exitCode: 7 });
});

test("events: entries in three pieces; each rule has its error", async () => {
  type Entry = { flags?: bigint; codec?: bigint; key: string; value: Uint8Array };
  const event = (entries: readonly Entry[], keysMore = 0): Uint8Array => {
    const keys = concat(...entries.map(({ key }) => utf8(key)));
    const values = concat(...entries.map(({ value }) => value));
    const headers = entries.map(({ flags = 3n, codec = RAW, key, value }) =>
      concat(u64(flags), u64(codec), u32(utf8(key).length, value.length)),
    );
    return concat(u32(entries.length, keys.length + keysMore, values.length), ...headers, keys, values, none);
  };
  const good = event([
    { key: "t1", value: utf8("a") },
    { key: "d", value: utf8("bcd"), codec: CBOR },
  ]);
  const emitted = await call(5n, good);
  expect(new DataView(emitted.return.buffer, emitted.return.byteOffset).getUint32(0, true)).toBe(0);
  expect(emitted.eventsRoot).not.toBeNull();
  const refused = async (entries: readonly Entry[], more = 0): Promise<number> =>
    (await ask(5n, event(entries, more))).error;
  const one = { key: "k", value: none };
  expect(await refused([{ ...one, flags: 4n }])).toBe(1);
  expect(await refused([{ ...one, codec: DAG_CBOR }])).toBe(9);
  expect(await refused([{ ...one, key: "k".repeat(32) }])).toBe(3);
  expect(await refused([one], 1)).toBe(1);
  expect(await refused([{ ...one, value: new Uint8Array(8193) }])).toBe(3);
  expect(await refused(new Array(256).fill({ key: "", value: none }) as Entry[])).toBe(3);
  expect(await refused(new Array(255).fill({ key: "", value: none }) as Entry[])).toBe(0);
});

test("an actor destroys itself: what is left is burnt if it says so, else it is refused", async () => {
  expect((await ask(8n, u32(0))).error).toBe(2);
  const { vm, ...ret } = await call(8n, u32(1));
  expect(ret.exitCode).toBe(0);
  expect(vm.actor(Address.id(TESTER_ID))).toBeNull();
  expect(vm.actor(Address.id(99n))?.balance).toBe(1000n + ret.baseFeeBurn + ret.overestimationBurn);
});

/** An actor that reads its parameters to 1024 and verifies them as an aggregate: its answer is the error and the verdict. */
function verifier(count: number, lengthsAt: number): Uint8Array {
  const at = (value: number): number[] => [0x41, ...signedLeb(value)];
  const keys = 1024 + 96;
  const texts = lengthsAt + 4 * count;
  return wasmModule({
    imports: [
      { module: "ipld", name: "block_read", params: 5 },
      { module: "ipld", name: "block_create", params: ["i32", "i64", "i32", "i32"] },
      { module: "crypto", name: "verify_bls_aggregate", params: 6 },
    ],
    functions: [
      {
        params: 1,
        gives: true,
        body: [
          ...[...at(0), 0x20, 0, ...at(0), ...at(1024), ...at(60_000), 0x10, 0, 0x1a],
          ...[...at(4), ...at(8), ...at(count), ...at(1024), ...at(keys), ...at(texts), ...at(lengthsAt), 0x10, 2],
          ...[0x36, 2, 0, ...at(0), 0x42, ...signedLeb(0x55), ...at(4), ...at(8), 0x10, 1, 0x1a, ...at(0), 0x28, 2, 0],
          0x0b,
        ],
      },
    ],
    exports: { invoke: 3 },
  });
}

test("an aggregate signature: texts that differ, each under its key; what is unsound is a verdict, not an error", async () => {
  const crypto = await loadCrypto();
  const secrets = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const texts = ["one", "another", ""].map(utf8);
  const keys = secrets.map((secret) => crypto.blsPublicKey(secret));
  const signed = (which: readonly number[]): Uint8Array =>
    crypto.blsAggregate(which.map((i) => crypto.blsSign(secrets[i] as Uint8Array, texts[i] as Uint8Array)));
  const verify = async (
    signature: Uint8Array,
    which: readonly number[],
    asKeys = which,
    lengths = which.map((i) => (texts[i] as Uint8Array).length),
  ) => {
    const own = asKeys.map((i) => keys[i] as Uint8Array);
    const params = concat(signature, ...own, u32(...lengths), ...which.map((i) => texts[i] as Uint8Array));
    const code = verifier(which.length, 1024 + 96 + 48 * which.length);
    const {
      exitCode,
      return: bytes,
      gasUsed,
    } = await applyIn(makeWorld({ code, networkVersion: 21 }), { method: 2n, params }, 21);
    expect(exitCode).toBe(0);
    const [error, verdict] = new Int32Array(bytes.slice().buffer);
    return { error, verdict, gas: gasUsed };
  };
  const neutral = Uint8Array.from([0xc0, ...new Uint8Array(95)]);
  const all = [0, 1, 2];
  expect(await verify(signed(all), all)).toMatchObject({ error: 0, verdict: 0 });
  expect(await verify(signed([0, 1]), all)).toMatchObject({ error: 0, verdict: -1 });
  expect(await verify(signed(all), all, [1, 0, 2])).toMatchObject({ error: 0, verdict: -1 });
  // The same text twice, though the sum is right.
  expect(await verify(signed([0, 0]), [0, 0])).toMatchObject({ error: 0, verdict: -1 });
  expect(await verify(neutral, [])).toMatchObject({ error: 0, verdict: 0 });
  expect(await verify(neutral, [0])).toMatchObject({ error: 0, verdict: -1 });
  expect(await verify(new Uint8Array(96), [0])).toMatchObject({ error: 0, verdict: -1 });
  const one = await verify(signed([0]), [0]);
  const two = await verify(signed([0, 1]), [0, 1]);
  // A pairing more, seven gas for each of seven bytes, and what the longer parameters cost.
  const longer = BigInt(48 + 4 + 7) * 1300n;
  expect(two.gas - one.gas).toBeGreaterThan(8_299_302n + 7n * 7n + longer);
  expect(two.gas - one.gas).toBeLessThan(8_299_302n + 7n * 7n + longer + 10_000n);
  expect(await verify(signed([0]), [0], [0], [1 << 30])).toMatchObject({ error: 1 });
  // Two lengths whose sum is cut off to that of the texts: paid for, and then refused.
  const cut = await verify(signed([0, 1]), [0, 1], [0, 1], [2 ** 32 - 1, 11]);
  expect(cut.error).toBe(1);
  expect(cut.gas - one.gas).toBeGreaterThan(8_299_302n);
});

test("gas that ends while what is left is burnt is an error of the machine: exit 10, and the whole limit", async () => {
  const whole = Number((await call(8n, u32(1))).gasUsed);
  const exits = new Set<number>();
  // The price of an actor that changes, 475,000, lies behind the burning.
  for (let limit = whole - 1; limit > whole - 560_000; limit -= 40_000) {
    const { exitCode, gasUsed } = await applyIn(world, { method: 8n, params: u32(1), gasLimit: limit }, 21);
    exits.add(exitCode);
    expect(gasUsed).toBe(BigInt(limit));
  }
  expect(exits).toEqual(new Set([7, 10]));
});
