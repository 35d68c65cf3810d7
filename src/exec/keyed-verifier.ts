/**
 * Verifying the proofs that actors submit, with verifying keys that the caller supplies.
 *
 * Filecoin's keys are public but large and belong to circuits, one for each sector size and kind of proof. For a proof whose
 * key is not among those given the caller's stated policy decides; there is no silent acceptance.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { FilError } from "../base/errors.ts";
import { checkChoice, checkNames, type OptionNames } from "../base/options.ts";
import type { Proofs } from "../core/proofs.ts";
import { sectorSizeOf } from "../params/proving.ts";
import { toElement, u64Of } from "../sector/kernel.ts";
import { proverId, SectorError, sealProof, sectorParams } from "../sector/params.ts";
import { commitmentOfCidV1, commitmentOfSealedCid } from "../sector/piece/cid.ts";
import type { PublicSector } from "../sector/post/post-proof.ts";
import type { VerifyingKey } from "../sector/snark/groth16.ts";
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

const OPTIONS: OptionNames<VerifierOptions> = {
  ...{ proofs: true, keys: true, missing: true, entropy: true },
  ...{ secondWindowVersion: true, onMissing: true },
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

type Verifying = typeof import("../sector/snark/verify.ts");
type WindowClaim = Parameters<Verifying["verifyPoStProof"]>[1];
/** What verifies is loaded for the first proof that has a key: who starts a machine need not have it, nor what it stands on. */
let verifying: Verifying | null = null;

async function loadVerifying(): Promise<Verifying> {
  verifying ??= await import("../sector/snark/verify.ts");
  return verifying;
}

/** Throws `OptionError` for an option that there is not, and for a policy that is none. */
export function keyedVerifier(options: VerifierOptions): ProofVerifier {
  checkNames("keyedVerifier", options, OPTIONS);
  checkChoice("missing", options.missing, ["accept", "reject", "refuse"]);
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
      try {
        const claim = windowClaim(info);
        if (typeof claim === "boolean") return claim;
        // At once where it can be: who asks runs a message again after a verdict that was waited for.
        if (verifying !== null) return isWindowProven(verifying, claim);
        return loadVerifying().then((loaded) => isWindowProven(loaded, claim));
      } catch (error) {
        return falseIfMalformed(error);
      }
    },
    async verifySeal(info) {
      try {
        return await verifyOneSeal(info);
      } catch (error) {
        return falseIfMalformed(error);
      }
    },
  };

  function isWindowProven({ verifyPoStProof }: Verifying, claim: WindowClaim): boolean {
    try {
      return verifyPoStProof(proofs, claim) === "VALID";
    } catch (error) {
      return falseIfMalformed(error);
    }
  }

  /** What a proof says, or the verdict where none has to be computed. */
  function windowClaim(info: Uint8Array): WindowClaim | boolean {
    const [randomness, list, challenged] = tupleOf(decoded(info), 4);
    const [post] = tupleOf(list, 1);
    const [type, proof] = tupleOf(post, 2) as [number, Uint8Array];
    if (!Number.isInteger(type) || type < FIRST_WINDOW || type > lastPost) return false;
    const sectorBytes = sectorSizeOf(type) as number;
    const key = keys.get(circuitKey("window-post", sectorBytes));
    if (key === undefined) return absent("window-post", sectorBytes);
    const sectors: PublicSector[] = [];
    for (const sector of listOf(challenged)) {
      const [sealType, sectorNumber, sealed] = tupleOf(sector, 3) as [number, number | bigint, unknown];
      const commR = commitmentOfSealedCid(CID.asCID(sealed) as CID);
      if (commR === null || sealProof(sealType).sectorBytes !== sectorBytes) return false;
      sectors.push({ sectorNumber, commR });
    }
    return {
      key,
      params: sectorParams(sectorBytes),
      kind: type >= FIRST_WINDOW_V1_1 ? "window" : "window-legacy",
      randomness: fieldSafe(randomness),
      sectors,
      proof,
      entropy: options.entropy(),
    };
  }

  async function verifyOneSeal(info: Uint8Array): Promise<boolean> {
    const tuple = tupleOf(decoded(info), 8);
    const [type, sector, , ticket, seed, proof, sealed, unsealed] = tuple as [
      number,
      unknown,
      unknown,
      ...Uint8Array[],
    ];
    const [miner, sectorNumber] = tupleOf(sector, 2) as [number | bigint, number | bigint];
    const described = sealProof(type);
    const key = keys.get(circuitKey("seal", described.sectorBytes));
    if (key === undefined) return absent("seal", described.sectorBytes);
    const commR = commitmentOfSealedCid(CID.asCID(sealed) as CID);
    const commD = commitmentOfCidV1(CID.asCID(unsealed) as CID);
    if (commR === null || commD === null) return false;
    const statement = {
      proof: described,
      proverId: proverId(u64Of(miner)),
      sectorNumber,
      ticket: ticket as Uint8Array,
      seed: seed as Uint8Array,
      commR,
      commD,
    };
    const claim = { key, statement, proof: proof as Uint8Array, entropy: options.entropy() };
    const { verifySealProof } = await loadVerifying();
    return (await verifySealProof(proofs, claim)) === "VALID";
  }
}

/** CBOR that is none, or of another shape than a statement. */
class MalformedStatement extends Error {}

function decoded(info: Uint8Array): unknown {
  try {
    return dagCbor.decode(info);
  } catch (cause) {
    throw new MalformedStatement("not CBOR", { cause });
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedStatement("not a list");
  return value;
}

function tupleOf(value: unknown, length: number): readonly unknown[] {
  const list = listOf(value);
  if (list.length !== length) throw new MalformedStatement(`not a list of ${length}`);
  return list;
}

/** A malformed statement is not proved; the network's verifiers answer an error, which counts as that. */
function falseIfMalformed(error: unknown): false {
  if (error instanceof SectorError || error instanceof MalformedStatement) return false;
  throw error;
}

/** Randomness as a field element: the two top bits cleared, as the network's verifiers do. */
function fieldSafe(randomness: unknown): Uint8Array {
  if (!(randomness instanceof Uint8Array) || randomness.length !== 32) throw new MalformedStatement("no randomness");
  return toElement(randomness);
}
