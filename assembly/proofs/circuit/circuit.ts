/** Running a circuit: the functions of `contract.ts`. */
import { FR_ONE } from "../../crypto/field/fr.gen";
import { ERROR_SHAPE, KIND_POREP, KIND_POST, USE_CHECK, USE_WITNESS } from "./contract";
import { AT_INPUT, enter, keptPath, leave, resetPath, setSought } from "./path";
import { porepStep, porepSteps } from "./porep";
import { postStep, postSteps } from "./post";
import {
  auxCount,
  building,
  countRow,
  fault,
  inputCount,
  newInput,
  rowCount,
  setAux,
  setInputs,
  setRows,
  setSource,
  sourceLeft,
  startRun,
  valuesInput,
  witnessing,
} from "./run";
import { kind, setShape } from "./shape";
import {
  add,
  densityOfInputs,
  emit,
  failedRow,
  finishDigest,
  setAssignment,
  setDensity,
  setTerms,
  SIDE_A,
  startTerms,
  termsWritten,
} from "./terms";
import { updateStep, updateSteps } from "./update";

let step: u32 = 0;
let started: bool = false;

/** Begins a run of the circuit with the shape at `shape` (7 × u32). 0, or ERROR_SHAPE. */
export function circuitBegin(use: i32, shape: usize): i32 {
  started = false;
  if (use < USE_WITNESS || use > USE_CHECK || !setShape(shape)) return ERROR_SHAPE;
  startRun(use);
  startTerms();
  resetPath();
  step = 0;
  started = true;
  return 0;
}

export function circuitSource(at: usize, bytes: usize): void {
  setSource(at, bytes);
}

/** Bytes of the witness that were not read yet. */
export function circuitSourceLeft(): usize {
  return sourceLeft();
}

/** Must come before the first step of a witness run. */
export function circuitInputs(at: usize): void {
  setInputs(at);
}

export function circuitRows(a: usize, b: usize, c: usize, rows: u32): void {
  setRows(a, b, c, rows);
}

export function circuitAux(aux: usize, count: u32): void {
  setAux(aux, count);
}

export function circuitDensity(a: usize, b: usize): void {
  setDensity(a, b);
}

/** Bit i: whether input i < 32 occurs in a B row; 1 in every circuit here. */
export function circuitInputDensity(): u32 {
  return densityOfInputs();
}

export function circuitTerms(at: usize, bytes: usize): void {
  setTerms(at, bytes);
}

export function circuitTermsEnd(): usize {
  return termsWritten();
}

export function circuitAssignment(inputs: usize, aux: usize): void {
  setAssignment(inputs, aux);
}

export function circuitDigest(out: usize): void {
  finishDigest(out);
}

export function circuitFailedRow(): u32 {
  return failedRow();
}

/** Before the first step of a locating run. */
export function circuitLocate(row: u32): void {
  setSought(row);
}

export function circuitPath(at: usize): u32 {
  return keptPath(at);
}

export function circuitCounts(at: usize): void {
  store<u32>(at, inputCount);
  store<u32>(at, auxCount, 4);
  store<u32>(at, rowCount, 8);
}

/** Steps of the circuit; the rows of the inputs belong to the last. */
function steps(): u32 {
  return kind == KIND_POST ? postSteps() : kind == KIND_POREP ? porepSteps() : updateSteps();
}

/** Runs the next step. 1: there is more; 0: done; below 0: an error. */
export function circuitStep(): i32 {
  if (fault != 0) return fault;
  if (!started) return ERROR_SHAPE;
  if (step == 0) newInput(FR_ONE);
  if (kind == KIND_POST) postStep(step);
  else if (kind == KIND_POREP) porepStep(step);
  else updateStep(step);
  step++;
  if (step == steps()) {
    inputRows();
    started = false;
  }
  return fault != 0 ? fault : started ? 1 : 0;
}

/** A row for every input, which keeps them independent in the keys: input × 0 = 0. */
function inputRows(): void {
  for (let i: u32 = 0; i < inputCount; i++) {
    enter(AT_INPUT, i);
    if (witnessing()) {
      valuesInput(i);
    } else if (building()) {
      add(SIDE_A, i, 1);
      emit();
    }
    countRow();
    leave();
  }
}
