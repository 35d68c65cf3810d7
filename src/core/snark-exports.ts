/** What `assembly/entry/proofs-prove.ts` exports; see `proof-exports.ts`. */
import type { ExportKinds } from "./instance.ts";

type RowArguments = [terms: number, bytes: number, rows: number];

export type SnarkExports = {
  assembleProof(out: number, key: number, sums: number, scalars: number): number;
  fftPass(
    data: number,
    vectors: number,
    apart: number,
    stride: number,
    columns: number,
    stages: number,
    extra: number,
    first: number,
    up: number,
    inverse: number,
  ): void;
  quotientRows(data: number, apart: number, blocks: number, stages: number, extra: number, firstBlock: number): void;
  quotientJoin(a: number, b: number, c: number, h: number, count: number): void;
  quotientEnd(data: number, blocks: number, stages: number, extra: number, firstBlock: number): void;
  firstUnsatisfied(a: number, b: number, c: number, count: number): number;
  packElements(input: number, out: number, count: number): number;
  unpackElements(input: number, out: number, count: number): void;
  g1SumScratch(scalars: number, count: number): number;
  g2SumScratch(scalars: number, count: number): number;
  g1SumWindow(out: number, points: number, scalars: number, count: number, scratch: number): number;
  g2SumWindow(out: number, points: number, scalars: number, count: number, scratch: number): number;
  g1SumPoints(out: number, points: number, count: number): number;
  g2SumPoints(out: number, points: number, count: number): number;
  g1TableBytes(): number;
  g2TableBytes(): number;
  g1FillTable(table: number, bytes: number): number;
  g2FillTable(table: number, bytes: number): number;
  g1Multiples(table: number, scalars: number, count: number, out: number): void;
  g2Multiples(table: number, scalars: number, count: number, out: number): void;
  rowValues(
    ...rest: [
      ...RowArguments,
      inputs: number,
      inputCount: number,
      aux: number,
      auxCount: number,
      a: number,
      b: number,
      c: number,
    ]
  ): number;
  rowDensities(
    ...rest: [...RowArguments, inputCount: number, auxCount: number, inputs: number, a: number, b: number]
  ): number;
  addRows(
    ...rest: [
      ...RowArguments,
      inputCount: number,
      auxCount: number,
      lagrange: number,
      first: number,
      count: number,
      at: number,
      bt: number,
      ct: number,
    ]
  ): number;
  lagrangeValues(tau: number, k: number, first: number, count: number, out: number, scratch: number): void;
  frSetNumber(r: number, bytes: number): number;
  frQuotient(r: number, a: number, b: number): void;
  frVanishing(r: number, tau: number, k: number): void;
  writeNumbers(elements: number, count: number, dense: number, out: number): number;
  joinNumbers(
    at: number,
    bt: number,
    ct: number,
    count: number,
    alpha: number,
    beta: number,
    factor: number,
    out: number,
  ): void;
  powerNumbers(base: number, factor: number, first: number, count: number, out: number): void;
};

export const SNARK_EXPORTS: ExportKinds<SnarkExports> = {
  assembleProof: "function",
  fftPass: "function",
  quotientRows: "function",
  quotientJoin: "function",
  quotientEnd: "function",
  firstUnsatisfied: "function",
  packElements: "function",
  unpackElements: "function",
  g1SumScratch: "function",
  g2SumScratch: "function",
  g1SumWindow: "function",
  g2SumWindow: "function",
  g1SumPoints: "function",
  g2SumPoints: "function",
  g1TableBytes: "function",
  g2TableBytes: "function",
  g1FillTable: "function",
  g2FillTable: "function",
  g1Multiples: "function",
  g2Multiples: "function",
  rowValues: "function",
  rowDensities: "function",
  addRows: "function",
  lagrangeValues: "function",
  frSetNumber: "function",
  frQuotient: "function",
  frVanishing: "function",
  writeNumbers: "function",
  joinNumbers: "function",
  powerNumbers: "function",
};
