/** Hashes through the public face, copies into and out of the module included. */
import { createHash } from "node:crypto";
import { SHA256 as AsSha256, digest as asDigest } from "@chainsafe/as-sha256";
import { blake2b as nobleBlake2b } from "@noble/hashes/blake2.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { keccak_256 as nobleKeccak } from "@noble/hashes/sha3.js";
import blake2bWasm from "blake2b-wasm";
import { createBLAKE2b, createKeccak, createSHA256 } from "hash-wasm";
import { loadCrypto } from "../dist/core/crypto.js";

export const title = "Hashes";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const MIB = 1 << 20;

function input(length) {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = (i * 131 + (i >>> 8) * 17) & 255;
  return out;
}

export async function cases() {
  const crypto = await loadCrypto();
  const wasmSha = await createSHA256();
  const wasmBlake = await createBLAKE2b(256);
  const wasmKeccak = await createKeccak(256);
  await new Promise((done) => blake2bWasm.ready(done));
  const streamed = (begin, data, step) => () => {
    const hasher = begin();
    for (let at = 0; at < data.length; at += step) hasher.update(data.subarray(at, at + step));
    return hasher;
  };
  const sha = (length, target) => {
    const data = input(length);
    return {
      name: `sha-256, ${length === MIB ? "1 MiB stream in 64 KiB steps" : `${length} bytes`}`,
      bytes: length,
      answer: hex,
      target,
      native: ["node:crypto"],
      contestants:
        length === MIB
          ? {
              ours: () => streamed(() => crypto.createSha256(), data, 65536)().digest(),
              "hash-wasm": () => streamed(() => wasmSha.init(), data, 65536)().digest("binary"),
              "@chainsafe/as-sha256": () => streamed(() => new AsSha256().init(), data, 65536)().final(),
              "@noble/hashes": () => streamed(() => nobleSha256.create(), data, 65536)().digest(),
              "node:crypto": () => streamed(() => createHash("sha256"), data, 65536)().digest(),
            }
          : {
              ours: () => crypto.sha256(data),
              "hash-wasm": () => wasmSha.init().update(data).digest("binary"),
              "@chainsafe/as-sha256": () => asDigest(data),
              "@noble/hashes": () => nobleSha256(data),
              "node:crypto": () => createHash("sha256").update(data).digest(),
            },
    };
  };
  const blake = (length, target) => {
    const data = input(length);
    return {
      name: `blake2b-256, ${length === MIB ? "1 MiB" : `${length} bytes`}`,
      bytes: length,
      answer: hex,
      target,
      contestants: {
        ours: () => crypto.blake2b256(data),
        "hash-wasm": () => wasmBlake.init().update(data).digest("binary"),
        "blake2b-wasm": () => blake2bWasm(32).update(data).digest(),
        "@noble/hashes": () => nobleBlake2b(data, { dkLen: 32 }),
      },
    };
  };
  const data512 = input(MIB);
  const keccakData = input(MIB);
  return [
    sha(MIB, { "hash-wasm": 1.05 }),
    sha(64, { "hash-wasm": 1.05 }),
    blake(200, { "hash-wasm": 1, "@noble/hashes": 3 }),
    blake(MIB, { "hash-wasm": 1, "@noble/hashes": 3 }),
    {
      name: "blake2b-512, 1 MiB (node:crypto has no shorter digest)",
      bytes: MIB,
      answer: hex,
      native: ["node:crypto"],
      contestants: {
        ours: () => crypto.blake2b(data512, 64),
        "node:crypto": () => createHash("blake2b512").update(data512).digest(),
      },
    },
    {
      name: "keccak-256, 1 MiB",
      bytes: MIB,
      answer: hex,
      contestants: {
        ours: () => crypto.keccak256(keccakData),
        "hash-wasm": () => wasmKeccak.init().update(keccakData).digest("binary"),
        "@noble/hashes": () => nobleKeccak(keccakData),
      },
    },
  ];
}
