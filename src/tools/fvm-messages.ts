/**
 * Applies a file of messages to a state of the FVM: `npm run messages:fvm -- <messages.jsonl> <blocks.car> … [--expect <lines.jsonl>]`.
 *
 * Prints a line of JSON for each message, in its order; with `--expect` what differs from another machine's lines instead, and how many
 * messages were alike. The CARs hold the state and the actors' codes. Forms: `docs/conformance.md`. Ends with 1 if anything differs.
 */
import { open, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { describeError } from "../base/errors.ts";
import {
  type DeclaredMessage,
  differencesOf,
  type MessageOutcome,
  MessageRun,
  type NoOutcome,
  type Place,
} from "../conformance/fvm-messages.ts";
import { loadCrypto } from "../core/crypto.ts";
import { readCar } from "../storage/car.ts";
import { checkBlock } from "../storage/check-block.ts";
import { CID, cidKey } from "../types/cid.ts";

const USAGE = "usage: npm run messages:fvm -- <messages.jsonl> <blocks.car> ... [--expect <lines.jsonl>]";
/** Differences that are printed whole; the others are counted. */
const SHOWN = 20;

function refuse(why: string): never {
  process.stderr.write(`${why}\n${USAGE}\n`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({ options: { expect: { type: "string" } }, allowPositionals: true });
  } catch (error) {
    return refuse(describeError(error));
  }
}

async function readBlocks(files: readonly string[]): Promise<Map<string, Uint8Array>> {
  const crypto = await loadCrypto();
  const blocks = new Map<string, Uint8Array>();
  for (const file of files)
    for (const block of readCar(new Uint8Array(await readFile(file))).blocks) {
      if (checkBlock(block, crypto) === "wrong")
        refuse(`${file}: a block is not what its CID ${CID.decode(block.cid)} says`);
      blocks.set(cidKey(block.cid), block.bytes);
    }
  return blocks;
}

async function* linesOf<T>(file: string): AsyncGenerator<T> {
  const handle = await open(file);
  let number = 0;
  for await (const line of handle.readLines()) {
    number++;
    if (line === "") continue;
    try {
      yield JSON.parse(line) as T;
    } catch (error) {
      refuse(`${file}, line ${number}: ${describeError(error)}`);
    }
  }
}

const { values, positionals } = readOptions();
const [messages, ...cars] = positionals;
if (messages === undefined || cars.length === 0) refuse("a file of messages and at least one CAR are expected");
const run = new MessageRun(await readBlocks(cars));
const expected = values.expect === undefined ? null : linesOf<MessageOutcome | NoOutcome>(values.expect);
let count = 0;
let different = 0;
for await (const line of linesOf<Place | DeclaredMessage>(messages)) {
  const ours = await run.apply(line);
  if (ours === null) continue;
  count++;
  if (expected === null) {
    process.stdout.write(`${JSON.stringify(ours)}\n`);
    continue;
  }
  const next = await expected.next();
  if (next.done === true) refuse(`${values.expect} ends before message ${count}`);
  const names = differencesOf(ours, next.value);
  if (names.length > 0 && different++ < SHOWN)
    process.stdout.write(`${JSON.stringify({ message: count, differs: names, ours, theirs: next.value })}\n`);
}
if (expected !== null) {
  process.stdout.write(`${count - different} of ${count} messages alike\n`);
  if (different > 0) process.exitCode = 1;
}
