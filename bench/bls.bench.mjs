/**
 * BLS12-381 beside mcl-wasm, bls-eth-wasm and, natively, @chainsafe/blst: field products as kernels in long chains inside
 * the modules' own loops where they have one, the rest through the public faces, copies and decoding included.
 */
import blst from "@chainsafe/blst";
import { bls12_381 as noble } from "@noble/curves/bls12-381.js";
import blsEth from "bls-eth-wasm";
import mcl from "mcl-wasm";
import { loadCrypto } from "../dist/core/crypto.js";
import { loadCurveKernels } from "./support-curve.mjs";

export const title = "BLS12-381";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

export async function cases() {
  const crypto = await loadCrypto();
  const kernels = await loadCurveKernels();
  await mcl.init(mcl.BLS12_381);
  mcl.setETHserialization(true);
  mcl.setMapToMode(5);
  await blsEth.init(blsEth.BLS12_381);
  return [...fields(kernels), ...pairings(kernels), ...signatures(crypto), aggregate(crypto), ...hashing(kernels)];
}

/** Products in chains of 1000: mcl-wasm's through its exported C functions on addresses, so that its faces cost nothing. */
function fields(kernels) {
  const { core, at } = kernels;
  const chain = 1000;
  const list = [];
  for (const [name, field, goal] of [
    ["Fr", "fr", 2.1],
    ["Fp", "fp", 1.75],
  ]) {
    const a = new mcl[name]();
    const b = new mcl[name]();
    a.setByCSPRNG();
    b.setByCSPRNG();
    const { mod } = mcl;
    const product = mod[`_mclBn${name}_mul`];
    const [pa, pb] = [a, b].map((element) => {
      const address = mod._malloc(element.a_.byteLength);
      mod.HEAP32.set(element.a_, address / 4);
      return address;
    });
    list.push({
      name: `${name} product, chain of ${chain}`,
      ops: chain,
      target: { "mcl-wasm": goal },
      note: "mcl-wasm's product is called from JavaScript once each, about 10 ns of its time",
      contestants: {
        ours: () => core[`${field}MulChain`](at, at + 256, chain),
        "mcl-wasm": () => {
          for (let i = 0; i < chain; i++) product(pa, pa, pb);
        },
      },
    });
  }
  return list;
}

function pairings(kernels) {
  const { core, at } = kernels;
  const p = new mcl.G1();
  const q = new mcl.G2();
  p.setHashOf("p");
  q.setHashOf("q");
  kernels.putPair(p.serialize(), q.serialize());
  return [
    {
      name: "pairing",
      target: { "mcl-wasm": 1.8 },
      contestants: {
        ours: () => core.pairing(at + 8192, at + 4096),
        "mcl-wasm": () => mcl.pairing(p, q),
      },
    },
  ];
}

function signatures(crypto) {
  const secret = new Uint8Array(32).map((_, i) => (i === 31 ? 0 : i * 7 + 1));
  const message = new TextEncoder().encode("a message of some length, as a CID is");
  const key = crypto.blsPublicKey(secret);
  const signature = crypto.blsSign(secret, message);
  // bls-eth-wasm has Ethereum's tag built in and takes no other: it verifies its own signature of the same message.
  const ethSecret = new blsEth.SecretKey();
  ethSecret.deserialize(secret.slice().reverse());
  const ethKey = ethSecret.getPublicKey().serialize();
  const ethSignature = ethSecret.sign(message).serialize();
  const blstSecret = blst.SecretKey.fromBytes(secret.slice().reverse());
  const blstKey = blstSecret.toPublicKey().toBytes();
  const blstSignature = blstSecret.sign(message).toBytes();
  return [
    {
      name: "verify from bytes",
      answer: String,
      target: { "bls-eth-wasm": 1.8 },
      native: ["@chainsafe/blst (native)"],
      contestants: {
        ours: () => crypto.blsVerify(key, message, signature),
        "bls-eth-wasm": () => {
          const publicKey = new blsEth.PublicKey();
          publicKey.deserialize(ethKey);
          const parsed = new blsEth.Signature();
          parsed.deserialize(ethSignature);
          return publicKey.isValidOrder() && publicKey.verify(parsed, message);
        },
        "@noble/curves": () => noble.longSignatures.verify(signature, noble.longSignatures.hash(message, TAG), key),
        "@chainsafe/blst (native)": () =>
          blst.verify(message, blst.PublicKey.fromBytes(blstKey, true), blst.Signature.fromBytes(blstSignature, true)),
      },
    },
    {
      name: "sign",
      native: ["@chainsafe/blst (native)"],
      contestants: {
        ours: () => crypto.blsSign(secret, message),
        "bls-eth-wasm": () => ethSecret.sign(message).serialize(),
        "@chainsafe/blst (native)": () => blstSecret.sign(message).toBytes(),
      },
    },
  ];
}

function aggregate(crypto) {
  const signers = Array.from({ length: 100 }, (_, i) => {
    const secret = new Uint8Array(32).map((_, j) => (j === 31 ? 0 : (i * 31 + j * 7 + 1) & 255));
    const message = crypto.sha256(Uint8Array.of(i));
    return { secret, message, publicKey: crypto.blsPublicKey(secret), signature: crypto.blsSign(secret, message) };
  });
  const ours = crypto.blsAggregate(signers.map((one) => one.signature));
  const eth = signers.map(({ secret, message }) => {
    const key = new blsEth.SecretKey();
    key.deserialize(secret.slice().reverse());
    return { key: key.getPublicKey().serialize(), signature: key.sign(message) };
  });
  const ethSum = new blsEth.Signature();
  ethSum.aggregate(eth.map((one) => one.signature));
  const ethSumBytes = ethSum.serialize();
  const messages = Buffer.concat(signers.map((one) => one.message));
  const blstSets = signers.map(({ secret, message }) => {
    const key = blst.SecretKey.fromBytes(secret.slice().reverse());
    return { key: key.toPublicKey().toBytes(), signature: key.sign(message) };
  });
  const blstSum = blst.aggregateSignatures(blstSets.map((one) => one.signature)).toBytes();
  return {
    name: "verify an aggregate of 100 messages from bytes",
    answer: String,
    target: { "bls-eth-wasm": 1.8 },
    native: ["@chainsafe/blst (native)"],
    note: "@chainsafe/blst may use several cores; its CPU time is counted",
    contestants: {
      ours: () => crypto.blsVerifyAggregate(signers, ours),
      "bls-eth-wasm": () => {
        const keys = eth.map(({ key }) => {
          const publicKey = new blsEth.PublicKey();
          publicKey.deserialize(key);
          return publicKey;
        });
        const parsed = new blsEth.Signature();
        parsed.deserialize(ethSumBytes);
        return parsed.aggregateVerifyNoCheck(keys, messages) && keys.every((key) => key.isValidOrder());
      },
      "@chainsafe/blst (native)": () =>
        blst.aggregateVerify(
          signers.map((one) => one.message),
          blstSets.map(({ key }) => blst.PublicKey.fromBytes(key, true)),
          blst.Signature.fromBytes(blstSum, true),
        ),
    },
  };
}

function hashing(kernels) {
  const message = new TextEncoder().encode("a message of some length, as a CID is");
  const tag = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
  const ours = () => kernels.hashToG2(message, tag);
  return [
    {
      name: "hash to G2 (Ethereum's tag, the only one mcl-wasm has)",
      answer: (point) => hex(point instanceof Uint8Array ? point : point.serialize()),
      target: { "mcl-wasm": 1.5 },
      contestants: {
        ours,
        "mcl-wasm": () => mcl.hashAndMapToG2(message),
        "@noble/curves": () => noble.G2.hashToCurve(message, { DST: tag }).toBytes(),
      },
    },
  ];
}
