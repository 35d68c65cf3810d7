/**
 * A bundle of actors for tests, for networks without the published ones: every actor does nothing and succeeds, but power, which
 * answers as if it had made a miner (the first account, which takes no rewards), and the market, which is a guest of the test's own.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { type Bundle, readBundle } from "../../src/exec/bundle.ts";
import { writeCar } from "../../src/storage/car.ts";
import { Address } from "../../src/types/address.ts";
import { type CID, cidOfBlock } from "../../src/types/cid.ts";
import { codeCid } from "./fvm-world.ts";
import { signedLeb, wasmModule } from "./wasm-module.ts";

const NAMES = [
  "system",
  "init",
  "cron",
  "account",
  "storagepower",
  "storageminer",
  "storagemarket",
  "reward",
  "verifiedregistry",
  "datacap",
  "placeholder",
  "eam",
  "ethaccount",
];

/** What is answered by an actor of `answering`. */
export const MINER = Address.id(100);

/** An actor that does nothing and succeeds. */
export const IDLE = wasmModule({
  functions: [{ params: 1, gives: true, body: [0x41, 0, 0x0b] }],
  exports: { invoke: 0 },
});

/** An actor that takes its constructor, which has parameters, and traps in any call without them. */
export const TRAPPING = wasmModule({
  functions: [{ params: 1, gives: true, body: [0x20, 0, 0x45, 0x04, 0x40, 0x00, 0x0b, 0x41, 0, 0x0b] }],
  exports: { invoke: 0 },
});

/** An actor that answers every call with the same CBOR. */
function answering(data: unknown): Uint8Array {
  const bytes = dagCbor.encode(data);
  const at = 64;
  const stores = [...bytes].flatMap((byte, i) => [0x41, ...signedLeb(at + i), 0x41, ...signedLeb(byte), 0x3a, 0, 0]);
  const create = [0x41, 0, 0x42, ...signedLeb(0x71), 0x41, ...signedLeb(at), 0x41, ...signedLeb(bytes.length), 0x10, 0];
  return wasmModule({
    imports: [{ module: "ipld", name: "block_create", params: ["i32", "i64", "i32", "i32"] }],
    // The handle lies at 0 behind the call.
    functions: [{ params: 1, gives: true, body: [...stores, ...create, 0x1a, 0x41, 0, 0x28, 2, 0, 0x0b] }],
    exports: { invoke: 1 },
  });
}

/** The bundle, with other code for some of its actors, or more of them. */
export async function testBundle(code: Readonly<Record<string, Uint8Array>> = {}): Promise<Bundle> {
  const given: Readonly<Record<string, Uint8Array>> = {
    storagepower: answering([MINER.bytes, new Uint8Array(0)]),
    ...code,
  };
  const names = [...NAMES, ...Object.keys(code).filter((name) => !NAMES.includes(name))];
  const codes = names.map((name, i) => {
    // One byte more in each tells idle ones apart: an empty custom section of another name.
    const bytes = given[name] ?? Uint8Array.from([...IDLE, 0, 2, 1, 0x61 + i]);
    return { name, bytes, cid: codeCid(bytes) };
  });
  const block = (data: unknown): { cid: Uint8Array; bytes: Uint8Array; link: CID } => {
    const bytes = dagCbor.encode(data);
    const link = cidOfBlock(bytes);
    return { cid: link.bytes, bytes, link };
  };
  const manifest = block(codes.map(({ name, cid }) => [name, cid]));
  const root = block([1, manifest.link]);
  const blocks = [root, manifest, ...codes.map(({ cid, bytes }) => ({ cid: cid.bytes, bytes }))];
  return readBundle(writeCar([root.cid], blocks), { unknown: true });
}
