/** Groth16 proving beside snarkjs, and its parts: transforms and sums beside ffjavascript and montgomery. One thread each. */
import { bls12_381 as noble } from "@noble/curves/bls12-381.js";
import { getCurveFromName } from "ffjavascript";
import { msm as montgomery } from "montgomery";
import { groth16 } from "snarkjs";
import { loadProofs } from "../dist/core/proofs.js";
import { inThisThread } from "../dist/proving/in-thread.js";
import { ProvingPool } from "../dist/proving/pool.js";
import { passStages, reverseBits } from "../dist/proving/snark/passes.js";
import { proveWitness } from "../dist/proving/snark/prove.js";
import { readVerifyingKey } from "../dist/sector/snark/groth16.js";
import { median } from "./harness.mjs";
import { benchCircuit, ourSide, snarkjsSide } from "./support-prove.mjs";

export const title = "Groth16 proving";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export async function cases() {
  const proofs = await loadProofs();
  const curve = await getCurveFromName("bls12381", true);
  return [
    ...(await proving(proofs, curve)),
    ...transforms(proofs, curve),
    ...(await typical(proofs, curve)),
    ...sums(proofs),
  ];
}

async function proving(proofs, curve) {
  const list = [];
  for (const bits of [12, 15]) {
    const circuit = benchCircuit(2 ** bits);
    const ours = await ourSide(proofs, circuit);
    const theirs = await snarkjsSide(proofs, curve, circuit, ours);
    const key = readVerifyingKey(proofs, ours.params.verifyingKey);
    const input = [Uint8Array.from({ length: 32 }, (_, i) => Number((circuit.values[1] >> BigInt(8 * i)) & 255n))];
    list.push({
      name: `a proof of 2^${bits} constraints, half of the witness bits`,
      target: { snarkjs: 3 },
      note: "ours checks every row and verifies its proof before it is handed out",
      answer: (proof) => key.verify(proof, input),
      contestants: {
        ours: () => proveWitness(proofs, inThisThread(), ours.params, ours.shape, ours.witness),
        snarkjs: async () => bytesOf((await groth16.prove(theirs.zkey, theirs.wtns)).proof),
      },
    });
  }
  return list;
}

/** A proof of snarkjs in the network's layout. */
function bytesOf({ pi_a, pi_b, pi_c }) {
  const g1 = ([x, y]) => noble.G1.Point.fromAffine({ x: BigInt(x), y: BigInt(y) }).toBytes(true);
  const pair = ([c0, c1]) => ({ c0: BigInt(c0), c1: BigInt(c1) });
  const b = noble.G2.Point.fromAffine({ x: pair(pi_b[0]), y: pair(pi_b[1]) }).toBytes(true);
  return Uint8Array.from([...g1(pi_a), ...b, ...g1(pi_c)]);
}

function transforms(proofs, curve) {
  return [12, 15, 17].map((bits) => {
    const count = 2 ** bits;
    const bytes = scalarsOf(count, () => 1);
    const at = proofs.take(32 * count);
    const out = proofs.take(32 * count);
    const ours = () => {
      proofs.instance.write(at, bytes);
      // Numbers in and out, as the peer takes and gives them (in Montgomery form of either's own).
      let before = 0;
      for (const stages of passStages(bits)) {
        const after = bits - before - stages;
        for (let block = 0; block < 2 ** before; block++) {
          const from = at + block * 2 ** (stages + after) * 32;
          proofs.exports.fftPass(
            from,
            1,
            0,
            32 * 2 ** after,
            2 ** after,
            stages,
            before,
            reverseBits(block, before),
            0,
            0,
          );
        }
        before += stages;
      }
      return out;
    };
    return {
      name: `a transform of 2^${bits} elements`,
      ops: count,
      target: { ffjavascript: 2 },
      note: "ours leaves the reversed order, which its next transform takes; the peer's is natural",
      contestants: { ours, ffjavascript: () => curve.Fr.fft(bytes) },
    };
  });
}

/** Scalars: full ones where `kind(i)` is 1, otherwise that bit or number. */
function scalarsOf(count, kind) {
  const out = new Uint8Array(32 * count);
  let x = 88172645463325252n;
  const words = new BigUint64Array(out.buffer);
  for (let i = 0; i < count; i++) {
    const value = kind(i);
    if (value !== 1) {
      out[32 * i] = value === 2 ? 1 : 0;
      continue;
    }
    for (let word = 0; word < 4; word++) {
      x ^= (x << 13n) & 0xffffffffffffffffn;
      x ^= x >> 7n;
      x ^= (x << 17n) & 0xffffffffffffffffn;
      words[4 * i + word] = x;
    }
    out[32 * i + 31] &= 0x3f;
  }
  return out;
}

/** Encoded points without a pattern. */
function pointsOf(proofs, count) {
  const { exports, instance } = proofs;
  const table = proofs.take(exports.g1TableBytes() >>> 0);
  const at = proofs.take(count * 128);
  instance.write(at, noble.G1.Point.BASE.toBytes(false));
  exports.g1FillTable(table, at);
  instance.write(
    at + 96 * count,
    scalarsOf(count, () => 1),
  );
  exports.g1Multiples(table, at + 96 * count, count, at);
  const points = instance.read(at, 96 * count);
  proofs.give(at, count * 128);
  proofs.give(table, exports.g1TableBytes() >>> 0);
  return points;
}

/** Our sum, from encoded points; its answer is uncompressed. */
function ourSum(proofs, points, scalars) {
  const { exports, instance } = proofs;
  const count = scalars.length / 32;
  const at = proofs.take(points.length + scalars.length + 96);
  const [scalarsAt, out] = [at + points.length, at + points.length + scalars.length];
  instance.write(scalarsAt, scalars);
  const scratch = proofs.take(exports.g1SumScratch(scalarsAt, count) >>> 0);
  return () => {
    instance.write(at, points);
    instance.write(scalarsAt, scalars);
    exports.g1SumWindow(out, at, scalarsAt, count, scratch);
    return instance.read(out, 96);
  };
}

async function typical(proofs, curve) {
  const count = 2 ** 15;
  const points = pointsOf(proofs, count);
  // As in a SHA-256 circuit: 98 of 100 are bits, half of them ones.
  const scalars = scalarsOf(count, (i) => (i % 50 === 0 ? 1 : i % 2 === 0 ? 2 : 0));
  const bases = await curve.G1.batchUtoLEM(points.slice());
  return [
    {
      name: "a sum of 2^15 points with a typical witness: 98 % bits",
      ops: count,
      answer: hex,
      note: "the peer's points are converted beforehand",
      contestants: {
        ours: ourSum(proofs, points, scalars),
        ffjavascript: async () => {
          const out = new Uint8Array(96);
          curve.G1.toRprUncompressed(out, 0, await curve.G1.multiExpAffine(bases, scalars));
          return out;
        },
      },
    },
  ];
}

function sums(proofs) {
  return [14, 16, 18].map((bits) => {
    const count = 2 ** bits;
    const points = pointsOf(proofs, count);
    const scalars = scalarsOf(count, () => 1);
    const theirPoints = Array.from({ length: count }, (_, i) => [
      points.slice(96 * i, 96 * i + 48).reverse(),
      points.slice(96 * i + 48, 96 * i + 96).reverse(),
      false,
    ]);
    const theirScalars = Array.from({ length: count }, (_, i) => scalars.slice(32 * i, 32 * i + 32));
    return {
      name: `a sum of 2^${bits} points`,
      ops: count,
      target: { montgomery: 1.5 },
      note: "both from bytes",
      answer: hex,
      contestants: {
        ours: ourSum(proofs, points, scalars),
        montgomery: () => {
          const { result } = montgomery(theirScalars, theirPoints);
          return encodedOf(result);
        },
      },
    };
  });
}

/** The peer's answer, little-endian coordinates, as ours. */
function encodedOf([x, y]) {
  return Uint8Array.from([...x.slice(0, 48).reverse(), ...y.slice(0, 48).reverse()]);
}

export async function facts() {
  const proofs = await loadProofs();
  const ours = await ourSide(proofs, benchCircuit(2 ** 16));
  // In turn: a machine's speed changes from minute to minute.
  const pools = [1, 2].map((workers) => ({ pool: ProvingPool.open(workers), times: [] }));
  for (let round = 0; round < 7; round++)
    for (const { pool, times } of pools) {
      const start = performance.now();
      await proveWitness(proofs, pool, ours.params, ours.shape, ours.witness);
      times.push((performance.now() - start) / 1000);
    }
  const [one, two] = await Promise.all(
    pools.map(async ({ pool, times }) => {
      await pool.close();
      return median(times);
    }),
  );
  return [
    { name: "a proof of 2^16 constraints, one worker (wall time)", value: one, unit: "s" },
    { name: "two workers against one", value: one / two, unit: "x", least: 1.7 },
  ];
}
