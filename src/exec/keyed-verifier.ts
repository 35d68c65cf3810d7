/**
 * Verifying the proofs that actors submit, with verifying keys that the caller supplies.
 *
 * Filecoin's keys are public but large and belong to circuits, one for each sector size and kind of proof. For a proof whose
 * key is not among those given the caller's stated policy decides; there is no silent acceptance.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { FilError } from "../base/errors.ts";
import type { Proofs } from "../core/proofs.ts";
import { sectorSizeOf } from "../params/proving.ts";
import { proverId, SectorError, sealProof, sectorParams } from "../sector/params.ts";
import { commitmentOfCidV1, commitmentOfSealedCid } from "../sector/piece/cid.ts";
import type { PublicSector } from "../sector/post/post-proof.ts";
import type { VerifyingKey } from "../sector/snark/groth16.ts";
import { verifyPoStProof, verifySealProof } from "../sector/snark/verify.ts";
import { CID } from "../types/cid.ts";
import type { ProofVerifier } from "./types.ts";

export type VerifierErrorData = {
  readonly code: "KEY_MISSING";
  readonly circuit: ProofCircuit;
  readonly sectorBytes: number;
};
export class VerifierError extends FilError<VerifierErrorData> {}

export type ProofCircuit = "seal" | "window-post";

/** What happens to a proof whose verifying key is absent: a verdict, or `refuse` (the run fails with `KEY_MISSING`). */
export type MissingKeyPolicy = "accept" | "reject" | "refuse";

export type VerifierOptions = {
  readonly proofs: Proofs;
  /** Keys by circuit and sector size in bytes, read by `proofs`' module. */
  readonly keys: ReadonlyMap<string, VerifyingKey>;
  readonly missing: MissingKeyPolicy;
  /** 32 bytes that no prover can foresee, for weighing proofs of several partitions. */
  readonly entropy: () => Uint8Array;
  /**
   * Whether window proofs of the second version (types 10 to 14, FIP-0061) exist. Networks before version 19 know none, and
   * refuse them whatever they prove. Default: false.
   */
  readonly secondWindowVersion?: boolean;
  /** Told of every verdict that the policy gave in place of a key. */
  readonly onMissing?: (circuit: ProofCircuit, sectorBytes: number) => void;
};

/** Key of `VerifierOptions.keys`. */
export function circuitKey(circuit: ProofCircuit, sectorBytes: number): string {
  return `${circuit}/${sectorBytes}`;
}

/** Registered PoSt proofs: winning, window and window of the second version, five sector sizes each. */
const FIRST_WINDOW = 5;
const FIRST_WINDOW_V1_1 = 10;
const LAST_POST = 14;
const LAST_FIRST_VERSION = 9;

export function keyedVerifier(options: VerifierOptions): ProofVerifier {
  const { proofs, keys, missing } = options;
  const lastPost = options.secondWindowVersion === true ? LAST_POST : LAST_FIRST_VERSION;
  const absent = (circuit: ProofCircuit, sectorBytes: number): boolean => {
    options.onMissing?.(circuit, sectorBytes);
    if (missing === "refuse")
      throw new VerifierError(
        { code: "KEY_MISSING", circuit, sectorBytes },
        `no verifying key for ${circuit} proofs of ${sectorBytes}-byte sectors`,
      );
    return missing === "accept";
  };
  return {
    verifyPoSt(info) {
      const [randomness, list, challenged] = dagCbor.decode(info) as [Uint8Array, unknown[], unknown[][], number];
      const [post] = list as [number, Uint8Array][];
      if (post === undefined || list.length !== 1) return false;
      const [type, proof] = post;
      const sectorBytes = sectorSizeOf(type);
      if (sectorBytes === undefined || type < FIRST_WINDOW || type > lastPost) return false;
      const key = keys.get(circuitKey("window-post", sectorBytes));
      if (key === undefined) return absent("window-post", sectorBytes);
      const sectors: PublicSector[] = [];
      try {
        for (const [sealType, sectorNumber, sealed] of challenged) {
          const commR = commitmentOfSealedCid(CID.asCID(sealed) as CID);
          if (commR === null || sealProof(sealType as number).sectorBytes !== sectorBytes) return false;
          sectors.push({ sectorNumber: sectorNumber as number, commR });
        }
        const kind = type >= FIRST_WINDOW_V1_1 ? "window" : "window-legacy";
        const seed = fieldSafe(randomness);
        const params = sectorParams(sectorBytes);
        return (
          verifyPoStProof(proofs, {
            key,
            params,
            kind,
            randomness: seed,
            sectors,
            proof,
            entropy: options.entropy(),
          }) === "VALID"
        );
      } catch (error) {
        return falseIfMalformed(error);
      }
    },
    async verifySeal(info) {
      const tuple = dagCbor.decode(info) as [
        number,
        [number, number],
        number[],
        Uint8Array,
        Uint8Array,
        Uint8Array,
        CID,
        CID,
      ];
      const [type, [miner, sectorNumber], , ticket, seed, proof, sealed, unsealed] = tuple;
      const described = sealProof(type);
      const key = keys.get(circuitKey("seal", described.sectorBytes));
      if (key === undefined) return absent("seal", described.sectorBytes);
      const commR = commitmentOfSealedCid(CID.asCID(sealed) as CID);
      const commD = commitmentOfCidV1(CID.asCID(unsealed) as CID);
      if (commR === null || commD === null) return false;
      const statement = {
        proof: described,
        proverId: proverId(BigInt(miner)),
        sectorNumber,
        ticket,
        seed,
        commR,
        commD,
      };
      const verdict = verifySealProof(proofs, { key, statement, proof, entropy: options.entropy() });
      return verdict.then((text) => text === "VALID").catch(falseIfMalformed);
    },
  };
}

/** A malformed statement is not proved: the network's verifiers answer with an error. */
function falseIfMalformed(error: unknown): false {
  if (error instanceof SectorError) return false;
  throw error;
}

/** Randomness as a field element: the two top bits cleared, as the network's verifiers do. */
function fieldSafe(randomness: Uint8Array): Uint8Array {
  const out = randomness.slice();
  out[31] = (out[31] as number) & 0x3f;
  return out;
}
