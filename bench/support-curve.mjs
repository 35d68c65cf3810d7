/** The curve's kernels (`curve-test.wasm`) for benches: points in and out as the encodings that peers write. */
import { Instance } from "../dist/core/instance.js";
import { compileModule } from "../dist/core/load.js";

export async function loadCurveKernels() {
  const instance = await Instance.create(await compileModule("curve-test.wasm"), { name: "curve-test.wasm" });
  const core = instance.exports;
  const at = core.kernelMemory(65536);
  const bytes = Uint8Array.from({ length: 96 }, (_, i) => i * 5 + 1);
  instance.write(at + 1024, bytes);
  core.frFromBytesBE(at, at + 1024);
  core.frFromBytesBE(at + 256, at + 1040);
  return {
    instance,
    core,
    at,
    /** Puts an affine pair where `pairing` reads it, from compressed bytes. */
    putPair(g1, g2) {
      instance.write(at + 1024, g1);
      instance.write(at + 1200, g2);
      if (core.g1Decompress(at + 4096, at + 1024) !== 0 || core.g2Decompress(at + 4096 + 112, at + 1200) !== 0)
        throw new Error("the peer's points do not decode");
    },
    /** A function that sums `scalars` times `points` (uncompressed, decoded once); its answer is uncompressed. */
    msm(name, size, points, scalars) {
      const group = name.toLowerCase();
      const encoded = (size / 112) * 96;
      const count = points.length / encoded;
      const memory = core.kernelMemory(count * (size + 32) + 2048);
      const scratch = core.kernelMemory(core[`${group}MsmScratch`](count));
      const [scalarsAt, outAt] = [memory + count * size, memory + count * (size + 32)];
      for (let i = 0; i < count; i++) {
        instance.write(outAt, points.subarray(i * encoded, (i + 1) * encoded));
        if (core[`${group}FromUncompressed`](memory + i * size, outAt) !== 0)
          throw new Error("a point does not decode");
      }
      instance.write(scalarsAt, scalars);
      return () => {
        core[`${group}Msm`](outAt, memory, scalarsAt, count, scratch);
        core[`${group}ToAffine`](outAt + 512, outAt);
        core[`${group}ToUncompressed`](outAt + 1024, outAt + 512, 0);
        return instance.read(outAt + 1024, encoded);
      };
    },
    /** Compressed hash of a message to G2. */
    hashToG2(message, tag) {
      instance.write(at + 2048, message);
      instance.write(at + 3072, new TextEncoder().encode(tag));
      core.hashG2(at + 1024, at + 2048, message.length, at + 3072, tag.length);
      core.g2Compress(at + 2048, at + 1024, 0);
      return instance.read(at + 2048, 96);
    },
  };
}
