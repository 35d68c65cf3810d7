/** Whether a proof holds, found out in a worker: a PoRep takes longer than a page may stand still. */
import { loadProofs } from "../../core/proofs.ts";
import { decodeProof, describeProof, judgeProof, KEY_HEAD_BYTES, keyBytes } from "../../sector/proof-file.ts";
import type { Finding } from "./verify.ts";

/** `keys`: files or parts of a description that may hold the verifying key of a SNARK's circuit. */
export type ProofQuestion = { readonly proof: Uint8Array; readonly keys: readonly Uint8Array[] };
export type ProofAnswer =
  | { readonly kind: "findings"; readonly findings: readonly Finding[] }
  | { readonly kind: "failed"; readonly text: string };

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
const say = (answer: ProofAnswer): void => scope.postMessage(answer);

async function judge({ proof: bytes, keys }: ProofQuestion): Promise<readonly Finding[]> {
  const proof = decodeProof(bytes);
  if (proof === null)
    throw new Error(
      "a proof is expected as `filigree prove` writes it: DAG-CBOR of a statement with openings or a SNARK",
    );
  const proofs = await loadProofs();
  const about = describeProof(proof).map((line) => ({ text: line.replace(/ {2,}/, ": "), isGood: true }));
  const given = keys.map((file) => {
    const length = keyBytes(file.subarray(0, KEY_HEAD_BYTES), file.length);
    if (length === null)
      throw new Error("the file of the key holds no verifying key (.vk, or .params, which begins with one)");
    return file.subarray(0, length);
  });
  let found = { holds: false, reason: "" };
  // Of the keys of a network one is that of the circuit.
  for (const key of "snark" in proof && given.length > 0 ? given : [null]) {
    found = await judgeProof(proofs, proof, key, crypto.getRandomValues(new Uint8Array(32)));
    if (found.holds) break;
  }
  return [...about, { text: found.reason, isGood: found.holds }];
}

scope.addEventListener("message", ({ data }: MessageEvent<ProofQuestion>) => {
  judge(data).then(
    (findings) => say({ kind: "findings", findings }),
    (error: unknown) => say({ kind: "failed", text: error instanceof Error ? error.message : String(error) }),
  );
});
