/** Exports of the proof targets for circuits: what `assembly/proofs/circuit/contract.ts` lists. */
export {
  circuitAssignment,
  circuitAux,
  circuitBegin,
  circuitCounts,
  circuitDensity,
  circuitDigest,
  circuitFailedRow,
  circuitInputDensity,
  circuitInputs,
  circuitPath,
  circuitRows,
  circuitSource,
  circuitSourceLeft,
  circuitStep,
  circuitTerms,
  circuitTermsEnd,
} from "../proofs/circuit/circuit";
