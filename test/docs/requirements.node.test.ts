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
  readonly number: number;
  readonly asked: string;
  readonly here: string;
  readonly state: string;
  readonly where: string;
  readonly check: string;
};

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
const table = read("docs/requirements.md")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map(cellsOf);
const rows: Row[] = table
  .filter((cells) => cells.length === 6 && /^\d/.test(cells[0] as string))
  .map((cells) => {
    const [number, asked, here, state, where, check] = cells as [string, string, string, string, string, string];
    return { number: Number(number), asked, here, state, where: where.replaceAll("`", ""), check };
  });

test("every row stands there once, in order, with what is asked and what is here", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
  expect(rows.filter(({ asked, here }) => asked === "" || here === "")).toEqual([]);
});

/** Files of tests by name, read once. */
const sources = new Map<string, string>();

/** Whether a check names a file of tests and a title of a test or a group of tests in it. */
function isCheck(check: string): boolean {
  const [, file, title] = /^`(test\/[^`]+\.test\.ts)`: (.+)$/s.exec(check) ?? [];
  if (file === undefined || title === undefined || !existsSync(path.join(root, file))) return false;
  if (!sources.has(file)) sources.set(file, read(file));
  const quoted = [`"${title}"`, `\`${title}\``, `'${title}'`];
  return title.length >= 10 && quoted.some((text) => sources.get(file)?.includes(text) === true);
}

test("what is built has a place and a check, what is later an area, what was replaced its replacement", () => {
  const file = (name: string): boolean => name !== "" && existsSync(path.join(root, name));
  const good = ({ state, where, check }: Row): boolean => {
    if (state === "later") return AREAS.includes(where) && check === "";
    if (!["built", "part", "replaced"].includes(state) || !file(where)) return false;
    return check === "" ? state === "replaced" : isCheck(check);
  };
  expect(rows.filter((row) => !good(row))).toEqual([]);
});

test("the counts at the head are those of the rows", () => {
  const counts: Record<string, number> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
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
