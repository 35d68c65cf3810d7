/** Groth16 verification of proofs of the network's circuits (2 KiB sectors, local keys) beside snarkjs. */
import { readFileSync } from "node:fs";
import { bls12_381 as noble } from "@noble/curves/bls12-381.js";
import { getCurveFromName } from "ffjavascript";
import { groth16 } from "snarkjs";
import { loadProofs } from "../dist/core/proofs.js";
import { readVerifyingKey } from "../dist/sector/snark/groth16.js";

export const title = "Groth16 verification";

const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const numberOf = (hex) => BigInt(`0x${Buffer.from(hex, "hex").reverse().toString("hex")}`).toString();
const fixture = (name) => JSON.parse(readFileSync(new URL(`../test/fixtures/proofs/${name}`, import.meta.url), "utf8"));

export async function cases() {
  const module = await loadProofs();
  // One thread for the peer too.
  await getCurveFromName("bls12381", true);
  const post = fixture("groth16-post.json");
  const entropy = new Uint8Array(32).map((_, i) => i * 3 + 1);
  const list = [];
  for (const name of ["window 2KiB V1_1, one sector", "winning 2KiB"]) {
    const one = post.cases.find((entry) => entry.name === name);
    const file = bytesOf(post.verifyingKeys[one.key].hex);
    const key = readVerifyingKey(module, file);
    const proof = bytesOf(one.proof);
    const inputs = one.circuitInputs[0].map(bytesOf);
    const peerKey = keyForSnarkjs(file);
    const peerProof = proofForSnarkjs(proof);
    const signals = one.circuitInputs[0].map(numberOf);
    list.push({
      name: `${one.key} PoSt, ${inputs.length} public inputs, from bytes`,
      answer: String,
      target: { snarkjs: 5 },
      note: "snarkjs reads decimal strings and checks no subgroup; ours reads compressed bytes and checks",
      contestants: {
        ours: () => key.verify(proof, inputs) === "VALID",
        snarkjs: () => groth16.verify(peerKey, signals, peerProof),
      },
    });
  }
  const window = post.cases.filter((entry) => entry.key === "window");
  const key = readVerifyingKey(module, bytesOf(post.verifyingKeys.window.hex));
  const proofs = bytesOf(window.map((one) => one.proof).join(""));
  const rows = window.flatMap((one) => one.circuitInputs.map((row) => row.map(bytesOf)));
  list.push({
    name: `${rows.length} window PoSt partitions, one batch against one by one`,
    answer: String,
    contestants: {
      ours: () => key.verifyBatch(proofs, rows, entropy) === "VALID",
      "ours, one by one": () =>
        rows.every((row, i) => key.verify(proofs.subarray(192 * i, 192 * i + 192), row) === "VALID"),
    },
  });
  return list;
}

const decimal = (value) => value.toString(10);
const pair = ({ c0, c1 }) => [decimal(c0), decimal(c1)];
const g1 = (bytes) => {
  const { x, y } = noble.G1.Point.fromBytes(bytes).toAffine();
  return [decimal(x), decimal(y), "1"];
};
const g2 = (bytes) => {
  const { x, y } = noble.G2.Point.fromBytes(bytes).toAffine();
  return [pair(x), pair(y), ["1", "0"]];
};

function keyForSnarkjs(file) {
  const count = new DataView(file.buffer, file.byteOffset).getUint32(864);
  return {
    protocol: "groth16",
    curve: "bls12381",
    nPublic: count - 1,
    vk_alpha_1: g1(file.subarray(0, 96)),
    vk_beta_2: g2(file.subarray(192, 384)),
    vk_gamma_2: g2(file.subarray(384, 576)),
    vk_delta_2: g2(file.subarray(672, 864)),
    IC: Array.from({ length: count }, (_, i) => g1(file.subarray(868 + 96 * i, 964 + 96 * i))),
  };
}

function proofForSnarkjs(bytes) {
  return {
    protocol: "groth16",
    curve: "bls12381",
    pi_a: g1(bytes.subarray(0, 48)),
    pi_b: g2(bytes.subarray(48, 144)),
    pi_c: g1(bytes.subarray(144, 192)),
  };
}
