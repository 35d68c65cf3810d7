/**
 * What proofs are on a local network. `attested`: a signature by a public key in place of the SNARK, which costs nothing
 * and proves nothing to strangers. `groth16`: the network's own circuits and proofs, under keys of one person's setup; those
 * of spacetime, and those of seals too where the network has a key of their circuit. Sectors of the genesis have no proof of
 * their seal on chain in either mode: the genesis lays them down.
 */
import { fromBase64, toBase64 } from "../base/bytes.ts";
import type { PostParams } from "../miner/succinct.ts";

export const PROOF_MODES = ["attested", "groth16"] as const;
export type ProofMode = (typeof PROOF_MODES)[number];

/** Bytes of the verifying keys under which a network's proofs are verified, as `.vk` files have them. Without `porep` seals are attested. */
export type LocalVerifyingKeys = { readonly [K in keyof PostParams]: Uint8Array } & { readonly porep?: Uint8Array };

/** A network's proofs as its description says. */
export type DescribedProofs =
  | { readonly mode: "attested" }
  | { readonly mode: "groth16"; readonly setup: string; readonly verifyingKeys: LocalVerifyingKeys };

/** What proofs of seals are. */
export function sealsOf(proofs: DescribedProofs): ProofMode {
  return proofs.mode === "groth16" && proofs.verifyingKeys.porep !== undefined ? "groth16" : "attested";
}

/** Most characters of a verifying key: that of the winning circuit of 2 KiB has 13,636 bytes. */
const MOST_KEY_TEXT = 65_536;

/** The fields of a description. */
export function proofsToJson(proofs: DescribedProofs): Record<string, unknown> {
  if (proofs.mode === "attested") return { proofs: proofs.mode };
  const { winning, window, porep } = proofs.verifyingKeys;
  return {
    proofs: proofs.mode,
    seals: sealsOf(proofs),
    setup: proofs.setup,
    verifyingKeys: {
      winning: toBase64(winning),
      window: toBase64(window),
      ...(porep === undefined ? {} : { porep: toBase64(porep) }),
    },
  };
}

/** Reads them; null names the field that is wrong. Whether the keys are any is seen when they are used. */
export function proofsOfJson(given: Readonly<Record<string, unknown>>): DescribedProofs | { readonly wrong: string } {
  if (given["proofs"] === "attested") return { mode: "attested" };
  if (given["proofs"] !== "groth16") return { wrong: "proofs" };
  // Networks from before seals could be proven say nothing of them.
  const { setup, verifyingKeys, seals = "attested" } = given;
  if (seals !== "attested" && seals !== "groth16") return { wrong: "seals" };
  if (typeof setup !== "string" || setup.length > 1024) return { wrong: "setup" };
  if (typeof verifyingKeys !== "object" || verifyingKeys === null) return { wrong: "verifyingKeys" };
  const keyOf = (kind: keyof LocalVerifyingKeys): Uint8Array | null => {
    const text = (verifyingKeys as Readonly<Record<string, unknown>>)[kind];
    if (typeof text !== "string" || text.length > MOST_KEY_TEXT) return null;
    try {
      return fromBase64(text);
    } catch {
      return null;
    }
  };
  const [winning, window] = [keyOf("winning"), keyOf("window")];
  if (winning === null || window === null) return { wrong: "verifyingKeys" };
  if (seals === "attested") return { mode: "groth16", setup, verifyingKeys: { winning, window } };
  const porep = keyOf("porep");
  if (porep === null) return { wrong: "verifyingKeys" };
  return { mode: "groth16", setup, verifyingKeys: { winning, window, porep } };
}
