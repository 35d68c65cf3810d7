/** Sums of many multiples in both groups beside ffjavascript, one thread each. */

import { normalizeZ } from "@noble/curves/abstract/curve.js";
import { bls12_381 as noble } from "@noble/curves/bls12-381.js";
import { buildBls12381 } from "ffjavascript";
import { loadCurveKernels } from "./support-curve.mjs";

export const title = "BLS12-381 multi-scalar multiplication";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export async function cases() {
  const kernels = await loadCurveKernels();
  const peer = await buildBls12381(true);
  const list = [];
  for (const [name, size, encoded, goal] of [
    ["G1", 112, 96, 2.5],
    ["G2", 224, 192, 2.2],
  ])
    for (const bits of [10, 12, 14]) {
      const { points, scalars } = makeTerms(name, bits, encoded);
      const ours = kernels.msm(name, size, points, scalars);
      const curve = peer[name];
      // ffjavascript keeps affine points in Montgomery form; converting them is not measured.
      const bases = await curve.batchUtoLEM(points);
      list.push({
        name: `${name}, 2^${bits} points`,
        ops: 2 ** bits,
        clock: "cpu",
        answer: (result) => hex(result),
        ...(bits === 14 ? { target: { ffjavascript: goal } } : {}),
        contestants: {
          ours,
          ffjavascript: async () => {
            const sum = await curve.multiExpAffine(bases, scalars);
            const out = new Uint8Array(encoded);
            curve.toRprUncompressed(out, 0, sum);
            return out;
          },
        },
      });
    }
  return list;
}

/** Points 1 g, 2 g, 3 g ... uncompressed, and full-length scalars, little-endian. */
function makeTerms(name, bits, encoded) {
  const count = 2 ** bits;
  const curve = noble[name].Point;
  const points = new Uint8Array(count * encoded);
  const scalars = new Uint8Array(count * 32);
  const list = [];
  let point = curve.BASE;
  for (let i = 0; i < count; i++) {
    list.push(point);
    point = point.add(curve.BASE);
  }
  normalizeZ(curve, list).forEach((one, i) => {
    points.set(one.toBytes(false), i * encoded);
  });
  let x = 88172645463325252n;
  for (let i = 0; i < count * 32; i++) {
    x ^= (x << 13n) & 0xffffffffffffffffn;
    x ^= x >> 7n;
    x ^= (x << 17n) & 0xffffffffffffffffn;
    scalars[i] = Number(x & 255n);
  }
  for (let i = 31; i < scalars.length; i += 32) scalars[i] &= 0x3f;
  return { points, scalars };
}
