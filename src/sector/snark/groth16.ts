/**
 * Groth16 verification with Filecoin's key and proof files: the typed face of that part of `proofs.wasm`.
 *
 * A proof has 192 bytes; the proofs of several partitions follow each other. Public inputs are field elements of
 * 32 bytes, little-endian. Bytes that are wrong in any way give a verdict, never an exception.
 */
import { FilError } from "../../base/errors.ts";
import { checkNames } from "../../base/options.ts";
import type { Proofs } from "../../core/proofs.ts";
import { checkBytes } from "../params.ts";
import { badType, checkProofs, checkRecord, isBytes, isList } from "../shape.ts";

/** Why a proof was refused, or `VALID`. The order is that of the codes in `assembly/proofs/verify/groth16.ts`. */
const VERDICTS = [
  "VALID",
  /** The pairing equation does not hold. */
  "INVALID",
  "BAD_PROOF_LENGTH",
  /** A point is malformed, off the curve, outside of the group of prime order, or neutral. */
  "BAD_PROOF_POINT",
  "BAD_INPUT_COUNT",
  /** A public input that is not below the group's order, or not of 32 bytes. */
  "BAD_INPUT",
  "BAD_KEY_LENGTH",
  "BAD_KEY_POINT",
  /** No proofs, too many, or an aggregate whose count contradicts its length or the rows of inputs. */
  "BAD_PROOF_COUNT",
] as const;

export type ProofVerdict = (typeof VERDICTS)[number];

export type VerifyingKeyErrorData = { readonly code: "BAD_KEY_LENGTH" | "BAD_KEY_POINT" | "KEY_RELEASED" };

/** Bytes that are no verifying key, or a key used after its release. */
export class VerifyingKeyError extends FilError<VerifyingKeyErrorData> {}

/** An aggregate of proofs (SnarkPack) and what it is checked against. */
export type AggregateStatement = {
  /**
   * The aggregate: 2260 + 2976 log2(n) bytes for n proofs, n a power of two, and nothing behind them (the network's readers
   * pass over what follows).
   */
  readonly aggregate: Uint8Array;
  /** The reference string's verifying part: g, g^a, g^b (48 bytes each), h, h^a, h^b (96 each), compressed. */
  readonly srs: Uint8Array;
  /**
   * Public inputs of each proof; when fewer than n, the last stands for the rest, as provers pad. n is the next power of
   * two from their number on, at least 2; any other n is `BAD_PROOF_COUNT`.
   */
  readonly inputs: readonly (readonly Uint8Array[])[];
  /** What prover and verifier bind into the transcript: on the network a digest of seeds and commitments. */
  readonly include: Uint8Array;
  /** Transcript version: 1 up to network version 15, 2 from 16 on. */
  readonly version: 1 | 2;
};

/** A verifying key, read and with its constant pairing computed; belongs to one module instance. */
export type VerifyingKey = {
  /** Public inputs of the circuit, without the leading constant. */
  readonly inputCount: number;
  /**
   * Verifies one proof. Inputs as `inputCount` elements of 32 bytes, little-endian.
   * Cost: three Miller loops, one final exponentiation, and a sum over the inputs.
   */
  verify(proof: Uint8Array, inputs: readonly Uint8Array[]): ProofVerdict;
  /**
   * Verifies proofs together: `proofs` is 192 bytes for each row of `inputs`. Valid only if all are.
   * `entropy`: 32 bytes that no prover could know beforehand; with the proofs' and inputs' digest they weigh the proofs
   * against each other.
   */
  verifyBatch(proofs: Uint8Array, inputs: readonly (readonly Uint8Array[])[], entropy: Uint8Array): ProofVerdict;
  /**
   * Verifies an aggregate of proofs under this key. `entropy`: 32 bytes unknown to the prover.
   * Errors: `SectorError` for entropy or a reference string of the wrong length, and for what is of another type.
   */
  verifyAggregate(statement: AggregateStatement, entropy: Uint8Array): ProofVerdict;
  /** Gives the key's memory back, once; every later call throws `KEY_RELEASED`. */
  release(): void;
};

export type VerifyingKeyOptions = {
  /**
   * Whether each point of the key is checked for the subgroup (default true). Leave it out only for bytes whose digest
   * was compared with a known one: window PoSt keys have 25 840 points.
   */
  readonly checked?: boolean;
};

/** Bytes of `AggregateStatement.srs`. */
export const AGGREGATE_SRS_BYTES = 432;
const INPUT_BYTES = 32;
const PROOF_BYTES = 192;
/** Most proofs of a batch, and of an aggregate: see the core's files. */
const MAX_BATCH = 4096;
const MAX_AGGREGATED = 65536;

/** Throws `BAD_TYPE` unless the value is bytes of any number. */
function checkAnyBytes(what: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) badType(what, "bytes");
}

/** Throws `BAD_TYPE` unless the value is a list of rows of inputs; the inputs themselves get a verdict. */
function checkRows(rows: unknown): void {
  if (!isList(rows, null, Array.isArray)) badType("inputs", "a list of rows of inputs");
}

/**
 * Reads a verifying key in the layout of Filecoin's `.vk` files.
 * Errors: `VerifyingKeyError` `BAD_KEY_LENGTH`, `BAD_KEY_POINT`.
 */
export function readVerifyingKey(module: Proofs, bytes: Uint8Array, options: VerifyingKeyOptions = {}): VerifyingKey {
  checkProofs(module);
  checkAnyBytes("key", bytes);
  checkRecord("options", options);
  checkNames<VerifyingKeyOptions>("readVerifyingKey", options, { checked: true });
  const { instance, exports: core } = module;
  const size = core.groth16KeySize(bytes.length);
  if (size === 0) throw new VerifyingKeyError({ code: "BAD_KEY_LENGTH" }, `no verifying key has ${bytes.length} bytes`);
  const key = module.take(size);
  const code = module.with(bytes.length, (at) => {
    instance.write(at, bytes);
    return core.groth16PrepareKey(key, at, bytes.length, options.checked === false ? 0 : 1);
  });
  if (code !== 0) {
    module.give(key, size);
    const verdict = VERDICTS[code] === "BAD_KEY_POINT" ? "BAD_KEY_POINT" : "BAD_KEY_LENGTH";
    throw new VerifyingKeyError({ code: verdict }, `verifying key refused: ${verdict}`);
  }
  const inputCount = core.groth16InputCount(key);
  let released = false;
  /** What lies in a released key's place may be a prover's bytes. */
  const checkHeld = (): void => {
    if (released) throw new VerifyingKeyError({ code: "KEY_RELEASED" }, "verifying key used after its release");
  };

  /** Lays proofs, inputs and entropy out in a block and calls `check`; null inputs of wrong length are answered before. */
  const run = (
    proofs: Uint8Array,
    rows: readonly (readonly Uint8Array[])[],
    entropy: Uint8Array,
    check: (proofs: number, inputs: number, entropy: number, scratch: number) => number,
  ): ProofVerdict => {
    checkHeld();
    checkAnyBytes("proof", proofs);
    checkRows(rows);
    if (rows.some((row) => row.length !== inputCount)) return "BAD_INPUT_COUNT";
    if (!rows.every((row) => isList(row, null, (input) => isBytes(input, INPUT_BYTES)))) return "BAD_INPUT";
    if (proofs.length !== rows.length * PROOF_BYTES) return "BAD_PROOF_LENGTH";
    const inputBytes = rows.length * inputCount * INPUT_BYTES;
    const head = (proofs.length + inputBytes + INPUT_BYTES + 15) & ~15;
    return module.with(head + (core.groth16Scratch(rows.length, inputCount) >>> 0), (at) => {
      const inputsAt = at + proofs.length;
      instance.write(at, proofs);
      let to = inputsAt;
      for (const row of rows) {
        for (const input of row) {
          instance.write(to, input);
          to += INPUT_BYTES;
        }
      }
      instance.write(to, entropy);
      return VERDICTS[check(at, inputsAt, to, at + head)] ?? "INVALID";
    });
  };

  const verifyAggregate = (statement: AggregateStatement, entropy: Uint8Array): ProofVerdict => {
    checkHeld();
    checkRecord("statement", statement);
    const { aggregate, srs, inputs: rows, include, version } = statement;
    checkBytes("entropy", entropy);
    checkBytes("reference string", srs, AGGREGATE_SRS_BYTES);
    checkAnyBytes("aggregate", aggregate);
    checkAnyBytes("include", include);
    checkRows(rows);
    if (version !== 1 && version !== 2) badType("version", "1 or 2");
    if (rows.length === 0 || rows.length > MAX_AGGREGATED) return "BAD_PROOF_COUNT";
    if (rows.some((row) => row.length !== inputCount)) return "BAD_INPUT_COUNT";
    if (!rows.every((row) => isList(row, null, (input) => isBytes(input, INPUT_BYTES)))) return "BAD_INPUT";
    const scratchBytes = core.aggregateScratch(aggregate.length, inputCount) >>> 0;
    if (scratchBytes === 0) return "BAD_PROOF_LENGTH";
    // Entropy, reference string, aggregate, include, inputs, then the scratch at an aligned place.
    const parts = [entropy, srs, aggregate, include, ...rows.flat()];
    const head = (parts.reduce((sum, part) => sum + part.length, 0) + 15) & ~15;
    return module.with(head + scratchBytes, (at) => {
      const places: number[] = [];
      let to = at;
      for (const part of parts) {
        places.push(to);
        instance.write(to, part);
        to += part.length;
      }
      const [entropyAt, srsAt, proofAt, includeAt] = places as [number, number, number, number];
      const code = core.aggregateVerify(
        key,
        srsAt,
        proofAt,
        aggregate.length,
        includeAt + include.length,
        inputCount,
        rows.length,
        includeAt,
        include.length,
        version,
        entropyAt,
        at + head,
      );
      return VERDICTS[code] ?? "INVALID";
    });
  };

  return {
    inputCount,
    verifyAggregate,
    verify: (proof, inputs) =>
      run(proof, [inputs], new Uint8Array(), (proofAt, inputsAt, _entropy, scratch) =>
        core.groth16Verify(key, proofAt, proof.length, inputsAt, inputCount, scratch),
      ),
    verifyBatch: (proofs, inputs, entropy) => {
      checkBytes("entropy", entropy);
      checkRows(inputs);
      if (inputs.length === 0 || inputs.length > MAX_BATCH) return "BAD_PROOF_COUNT";
      return run(proofs, inputs, entropy, (proofsAt, inputsAt, entropyAt, scratch) =>
        core.groth16VerifyBatch(key, proofsAt, proofs.length, inputs.length, inputsAt, inputCount, entropyAt, scratch),
      );
    },
    release: () => {
      checkHeld();
      released = true;
      module.give(key, size);
    },
  };
}
