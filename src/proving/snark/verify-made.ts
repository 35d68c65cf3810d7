/** The verdict on a proof that was just made, as a job. */
import type { Proofs } from "../../core/proofs.ts";
import { type ProofVerdict, readVerifyingKey } from "../../sector/snark/groth16.ts";
import type { VerifyProofJob } from "./jobs.ts";
import { ELEMENT_BYTES } from "./kernel.ts";

/** Throws `VerifyingKeyError` for a key that is none. */
export function verifyHere(
  module: Proofs,
  { verifyingKey, inputs, proof }: Omit<VerifyProofJob, "kind">,
): ProofVerdict {
  const numbers = module.with(inputs.length, (at) => {
    module.instance.write(at, inputs);
    module.exports.unpackElements(at, at, inputs.length / ELEMENT_BYTES);
    return module.instance.read(at, inputs.length);
  });
  const key = readVerifyingKey(module, verifyingKey);
  try {
    const list: Uint8Array[] = [];
    for (let at = ELEMENT_BYTES; at < numbers.length; at += ELEMENT_BYTES)
      list.push(numbers.subarray(at, at + ELEMENT_BYTES));
    return key.verify(proof, list);
  } finally {
    key.release();
  }
}
