/** Pieces, Poseidon and sealing. */
import { hashInto } from "@chainsafe/as-sha256";
import { buildPoseidon } from "circomlibjs";
import * as Fr32Tree from "fr32-sha2-256-trunc254-padded-binary-tree-multihash";
import { poseidon } from "../dist/core/poseidon.js";
import { loadProofs } from "../dist/core/proofs.js";
import { commitStream } from "../dist/proving/commit.js";
import { ProvingPool } from "../dist/proving/pool.js";
import { proverId, sealProof } from "../dist/sector/params.js";
import { commitPiece } from "../dist/sector/piece/pieces.js";
import { provePoRep } from "../dist/sector/seal/porep-proof.js";
import { sealSector } from "../dist/sector/seal/seal.js";
import { MemorySectorStore, UNSEALED_FILE } from "../dist/sector/store.js";

export const title = "Pieces, Poseidon, sealing";

const MIB = 1 << 20;
const hex = (bytes) => Buffer.from(bytes).toString("hex");

function input(length) {
  const out = new Uint8Array(length);
  let x = 1;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x;
  }
  return out;
}

function commP(proofs, paddedMib) {
  const payload = input((paddedMib * MIB * 127) / 128);
  return {
    name: `piece commitment, ${paddedMib} MiB`,
    bytes: payload.length,
    answer: hex,
    target: { "fr32-sha2-256-trunc254-padded-binary-tree-multihash": 5 },
    contestants: {
      ours: () => commitPiece(proofs, payload).commP,
      "fr32-sha2-256-trunc254-padded-binary-tree-multihash": () => {
        const hasher = Fr32Tree.create();
        hasher.write(payload);
        const out = new Uint8Array(hasher.multihashByteLength());
        hasher.digestInto(out, 0, true);
        hasher.free?.();
        return out.slice(-32);
      },
    },
  };
}

function nodeHashes(proofs) {
  const count = 16384;
  const nodes = input(64 * count);
  const out = new Uint8Array(32 * count);
  const at = proofs.take(64 * count);
  return {
    name: "node SHA-256, 16384 nodes of 64 bytes",
    bytes: nodes.length,
    target: { "@chainsafe/as-sha256 (SIMD)": 2.2 },
    note: "Both copy nodes in and digests out. Ours also clears two bits of each digest.",
    contestants: {
      ours: () => {
        proofs.instance.write(at, nodes);
        proofs.exports.hashLevel(at, at, count);
        out.set(proofs.instance.view(at, 32 * count));
      },
      "@chainsafe/as-sha256 (SIMD)": () => hashInto(nodes, out),
    },
  };
}

function poseidonCase(proofs, circom, arity) {
  const elements = Array.from({ length: arity }, (_, i) =>
    input(32 + i)
      .slice(i, i + 32)
      .with(31, 0x3f),
  );
  const peer = elements.map((bytes) => circom.F.e(BigInt(`0x${hex(bytes.toReversed())}`) >> 1n));
  return {
    name: `Poseidon, ${arity} elements`,
    target: arity === 8 ? { "circomlibjs (BN254)": 3.2 } : {},
    note: "The peer's field is BN254's, of the same size; no package offers Filecoin's. Its rounds number 8 + 56 … 65.",
    contestants: { ours: () => poseidon(proofs, elements), "circomlibjs (BN254)": () => circom(peer) },
  };
}

async function sealOnce(proofs, number, seed) {
  const identity = { proof: sealProof(number), proverId: proverId(1000n), sectorNumber: 1, ticket: input(32) };
  const unsealed = input(identity.proof.sectorBytes);
  for (let i = 31; i < unsealed.length; i += 32) unsealed[i] &= 0x3f;
  const store = new MemorySectorStore();
  await store.write(UNSEALED_FILE, 0, unsealed);
  const sealed = await sealSector(proofs, store, identity);
  await provePoRep(proofs, store, { identity, sealed, seed, partition: 0 });
  return sealed;
}

async function workers(pools, proofs, paddedMib) {
  const payload = input((paddedMib * MIB * 127) / 128);
  async function* chunks() {
    for (let at = 0; at < payload.length; at += 4 * MIB) yield payload.subarray(at, at + 4 * MIB);
  }
  const run = (count) => async () => (await commitStream(proofs, pools[count - 1], chunks())).commP;
  return {
    name: `piece commitment in workers, ${paddedMib} MiB`,
    bytes: payload.length,
    clock: "wall",
    answer: hex,
    target: { "one worker": 1.7 },
    note: "ours: two workers; how far they help depends on the cores that are free",
    contestants: { ours: run(2), "one worker": run(1) },
  };
}

export async function cases() {
  const proofs = await loadProofs();
  const circom = await buildPoseidon();
  const pools = [ProvingPool.open(1), ProvingPool.open(2)];
  return [
    commP(proofs, 8),
    commP(proofs, 64),
    nodeHashes(proofs),
    ...[2, 4, 8, 11].map((arity) => poseidonCase(proofs, circom, arity)),
    await workers(pools, proofs, 256),
  ];
}

/** Seals and proves once warm; CPU seconds, as the machine may be shared. */
async function sealFact(number, name, most) {
  const proofs = await loadProofs();
  const seed = input(32);
  await sealOnce(proofs, 5, seed);
  const before = process.cpuUsage();
  await sealOnce(proofs, number, seed);
  const { user, system } = process.cpuUsage(before);
  const memory = proofs.instance.memoryBytes / MIB;
  return [
    { name: `seal and prove a sector of ${name}, one thread`, value: (user + system) / 1000, unit: "ms CPU", most },
    { name: `module memory afterwards, ${name}`, value: memory, unit: "MiB", most: 256 },
  ];
}

export async function facts() {
  const proofs = await loadProofs();
  commitPiece(proofs, input(64 * MIB));
  return [
    {
      name: "module memory of a piece commitment, any size",
      value: proofs.instance.memoryBytes / MIB,
      unit: "MiB",
      most: 16,
    },
    ...(await sealFact(5, "2 KiB", 100)),
    ...(await sealFact(6, "8 MiB", 10_000)),
  ];
}
