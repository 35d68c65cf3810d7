/**
 * docs/requirements.md: each of the 323 rows once, each with what its state asks for, and the counts at its head. The
 * glossary has the introduction's words.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROWS = 323;
const AREAS = ["consensus", "markets", "mining", "network"];
const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (page: string): string => readFileSync(path.join(root, page), "utf8");

type Row = {
  readonly numbers: readonly number[];
  readonly state: string;
  readonly where: string;
  readonly test: string;
};

/** "5-7" and "9" to their numbers. */
function numbersOf(cell: string): number[] {
  const [from, to = from] = cell.split("-").map(Number) as [number, number?];
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
const table = read("docs/requirements.md")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map(cellsOf);
const rows: Row[] = table
  .filter((cells) => cells.length === 5 && /^\d/.test(cells[0] as string))
  .map(([numbers, , state, where, checked]) => ({
    numbers: numbersOf(numbers as string),
    state: state as string,
    where: (where as string).replaceAll("`", ""),
    test: (checked as string).replaceAll("`", ""),
  }));

test("every row stands there once, in order", () => {
  expect(rows.flatMap(({ numbers }) => numbers)).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
});

test("what is built has a place and a test, what is later an area, what was replaced its replacement", () => {
  const file = (name: string): boolean => name !== "" && existsSync(path.join(root, name));
  const good = ({ state, where, test: checked }: Row): boolean => {
    if (state === "later") return AREAS.includes(where) && checked === "";
    if (!["built", "part", "replaced"].includes(state) || !file(where)) return false;
    return checked === "" ? state === "replaced" : /^test\/.*\.test\.ts$/.test(checked) && file(checked);
  };
  expect(rows.filter((row) => !good(row))).toEqual([]);
});

test("the counts at the head are those of the rows", () => {
  const counts: Record<string, number> = {};
  for (const { state, numbers } of rows) counts[state] = (counts[state] ?? 0) + numbers.length;
  const claimed = table.filter((cells) => cells.length === 2 && /^\d+$/.test(cells[1] as string));
  expect(Object.fromEntries(claimed.map(([state, count]) => [state, Number(count)]))).toEqual(counts);
});

test("the glossary has the words of the introduction", () => {
  const terms = read("docs/glossary.md")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .flatMap((line) => (line.split("|")[1] as string).split(/[,;]/).map((term) => term.trim()));
  const words =
    `actor, address, block, block header, collateral, deal, epoch, file, generation attack, GHOST, height, leader,
    message, miner, owner, payment channel, piece, power fraction, proving period, proving set, repair miner,
    retrieval miner, round, sector, storage fault, storage miner, ticket, ticket chain, tipset, VDF, voucher, VRF, weight,
    worker`.split(/,\s*/);
  const has = (word: string): boolean => terms.some((term) => term === word || term.endsWith(` ${word}`));
  expect(words.filter((word) => !has(word))).toEqual([]);
});
