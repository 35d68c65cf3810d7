/** The shape of the circuit that runs: numbers that the sector's size and the kind of proof fix; layout in `contract.ts`. */
import { KIND_POREP, KIND_POST, KIND_UPDATE } from "./contract";
import { addRows, startRows } from "./inclusion";

export let kind: u32 = 0;
/** log2 of the nodes of a sector. */
export let nodeBits: u32 = 0;
/** PoSt: sectors, and challenges of each. */
export let sectors: u32 = 0;
/** Challenges: of a sector, of a PoRep partition, of an update partition. */
export let challenges: u32 = 0;
export let layers: u32 = 0;
export let partitionBits: u32 = 0;
export let apexLeaves: u32 = 0;

let subArity: u32 = 0;
let topArity: u32 = 0;

export const MAX_LAYERS: u32 = 11;
export const MAX_APEX: u32 = 128;
export const MAX_UPDATE_CHALLENGES: u32 = 86;
const MAX_SECTORS: u32 = 2349;
const MAX_CHALLENGES: u32 = 180;

/** Takes a shape; false if there are no such circuits. */
export function setShape(shape: usize): bool {
  kind = load<u32>(shape);
  nodeBits = load<u32>(shape, 4);
  subArity = load<u32>(shape, 8);
  topArity = load<u32>(shape, 12);
  if (nodeBits < 3 || nodeBits > 31) return false;
  if (subArity != 0 && subArity != 2 && subArity != 8) return false;
  if (topArity != 0 && (topArity != 2 || subArity == 0)) return false;
  if (upperBits() > nodeBits || (nodeBits - upperBits()) % 3 != 0) return false;
  const first = load<u32>(shape, 16);
  const second = load<u32>(shape, 20);
  if (kind == KIND_POST) {
    sectors = first;
    challenges = second;
    return sectors > 0 && sectors <= MAX_SECTORS && challenges > 0 && challenges <= MAX_CHALLENGES;
  }
  if (kind == KIND_POREP) {
    layers = first;
    challenges = second;
    return (layers == 2 || layers == MAX_LAYERS) && challenges > 0 && challenges <= MAX_CHALLENGES;
  }
  partitionBits = first;
  challenges = second;
  apexLeaves = load<u32>(shape, 24);
  return (
    kind == KIND_UPDATE &&
    challenges > 0 &&
    challenges <= MAX_UPDATE_CHALLENGES &&
    apexLeaves >= 2 &&
    apexLeaves <= MAX_APEX &&
    popcnt<u32>(apexLeaves) == 1 &&
    partitionBits <= 4 &&
    partitionBits + ctz<u32>(apexLeaves) < nodeBits
  );
}

function upperBits(): u32 {
  return (subArity == 0 ? 0 : ctz<u32>(subArity)) + (topArity == 0 ? 0 : ctz<u32>(topArity));
}

/** Rows of the Poseidon trees: 8-ary, then the upper parts. */
export function setReplicaRows(): void {
  startRows();
  addRows(8, (nodeBits - upperBits()) / 3);
  if (subArity != 0) addRows(subArity, 1);
  if (topArity != 0) addRows(topArity, 1);
}

/** `count` binary rows. */
export function setBinaryRows(count: u32): void {
  startRows();
  addRows(2, count);
}
