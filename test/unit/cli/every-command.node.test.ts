/**
 * What is the same for every command, by walking all of them: exit codes by cause, and the shape of errors with `--json`. Nothing listens at
 * the node's address, and no file is there.
 */
import { readdir, readFile } from "node:fs/promises";
import type { Command } from "commander";
import { afterEach, expect, test, vi } from "vitest";
import { ownJson, ownName } from "../../../src/cli/json.ts";
import { openProgram, runWords } from "../../../src/cli/program.ts";

vi.setConfig({ testTimeout: 300_000 });
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

type Leaf = { readonly words: readonly string[]; readonly command: Command };

/** Commands that do something, with the words that lead to them. */
function leavesOf(command: Command, words: readonly string[] = []): Leaf[] {
  const inner = command.commands.flatMap((one) => leavesOf(one, [...words, one.name()]));
  return inner.length === 0 ? [{ words, command }] : inner;
}

const program = await openProgram("1.2.3", undefined);
const leaves = leavesOf(program);
const has = ({ command }: Leaf, option: string): boolean => command.options.some(({ long }) => long === option);

type Outcome = { readonly code: number; readonly out: string; readonly err: string };
async function run(...words: string[]): Promise<Outcome> {
  const told = { out: "", err: "" };
  const into = (name: "out" | "err") => (text: unknown) => {
    told[name] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(into("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(into("err"));
  process.exitCode = undefined;
  await runWords("1.2.3", words);
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  vi.restoreAllMocks();
  return { code, ...told };
}

/** All that are not as they should be, with what they did, so that one run names them all. */
async function wrong(of: readonly Leaf[], more: (leaf: Leaf) => string[], isRight: (one: Outcome) => boolean) {
  const found: Record<string, Outcome> = {};
  for (const leaf of of) {
    const words = [...leaf.words, ...more(leaf)];
    const outcome = await run(...words);
    if (!isRight(outcome)) found[words.join(" ")] = outcome;
  }
  return found;
}

/** An error as it has to be with `--json`: one line on standard output, and text for people on the other. */
function isError({ out, err }: Outcome, code: string | null): boolean {
  const [line = "", ...others] = out.trimEnd().split("\n");
  if (others.length > 0 || !/^error: \S/.test(err)) return false;
  const told = JSON.parse(line === "" ? "null" : line) as Record<string, unknown> | null;
  if (told?.["ok"] !== false || `${Object.keys(told)}` !== "ok,error,code") return false;
  return (
    typeof told["error"] === "string" && !told["error"].startsWith("error:") && (code ?? told["code"]) === told["code"]
  );
}

/** A word for each argument and option that a command needs, of the form that it takes; no file of such a name is there. */
const CID = "bafy2bzacebw3iyg4cgnd4ugsqi3udm2cmhfpe3afjwmtyodk2pf6ng5jhqufg";
const WORDS: Readonly<Record<string, string>> = {
  ...{
    to: "t099",
    amount: "1 FIL",
    cid: CID,
    "cid|hash": CID,
    root: CID,
    method: "0",
    what: CID,
    epoch: "5",
    state: "faulty",
    duration: "1h",
  },
  ...{
    number: "1",
    sectors: "1",
    deadline: "1",
    partitions: "0",
    multiaddrs: "/ip4/127.0.0.1/tcp/1",
    address: "t0100",
  },
  ...{
    channel: "t0101",
    proposal: CID,
    deal: "01JDVZ0000000000000000000A",
    from: "t0100",
    folder: "/no/such/folder",
    file: "no-such-file",
    path: "out",
  },
  ...{
    "file.car": "no-such.car",
    "chain.car": "no-such.car",
    "file|-": "/no/such/file",
    "cid|from": CID,
    directory: "/no/such",
  },
  ...{
    "peer id": "12D3KooWJ2iFhb8eRyRN76ShEfhhkRWecfWaLNN8UwBGePfg18C8",
    multiaddr: "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWJ2iFhb8eRyRN76ShEfhhkRWecfWaLNN8UwBGePfg18C8",
  },
  ...{
    provider: "t0100",
    miner: "t0100",
    circuit: "winning-2KiB",
    name: "winning-2KiB",
    "file|dir": "/no/such/file",
    url: "http://127.0.0.1:1/x",
  },
  ...{ "car|head|root": "/no/such/file", peer: "t0100" },
  voucher:
    "i1UCfI2KZvMtAdqEcT8snFLdns9JYEQAAED2AQFJAAbwW1nTsgAAAIBYQgHDxgyiWNVCKrLsz9-MFW4qARBFh_3eCoA_o08SxfpiZXjOWFX3rCPlaCJ7atNcaKxa1wPKkYT9SnFlbDTdFhhCAA",
};
/** Options that a command needs, or that it does nothing without. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  "miner sectors remove": ["--really-do-it"],
  "miner sectors terminate": ["--really-do-it"],
  "miner sectors extend": ["--expiration", "9000"],
  "miner actor set-owner": ["--really-do-it"],
  "mpool clear": ["--really-do-it"],
  "mpool replace": ["--auto"],
  "wallet delete": ["--yes"],
  "paych voucher schedule": ["--count", "2", "--end-epoch", "90"],
  "auth token": ["--perm", "read"],
};

const argumentsFor = ({ words, command }: Leaf): string[] => [
  ...command.registeredArguments
    .filter((one) => one.required)
    .map((one) => {
      const word = WORDS[one.name()];
      if (word === undefined) throw new Error(`${words.join(" ")}: no word for <${one.name()}>`);
      return word;
    }),
  ...(OPTIONS[words.join(" ")] ?? []),
];

test("there are as many commands as the help names, and each takes --json", () => {
  expect(leaves.length).toBeGreaterThan(110);
  expect(leaves.filter((leaf) => !has(leaf, "--json")).map(({ words }) => words.join(" "))).toEqual([]);
});

test("words that cannot be meant end with 64, whichever command they are for", async () => {
  const isUsage = (one: Outcome): boolean =>
    one.code === 64 && isError(one, "USAGE") && one.err.endsWith("(--help shows the options)\n");
  expect(await wrong(leaves, () => ["--no-such-option", "--json"], isUsage)).toEqual({});
  const needing = leaves.filter(({ command }) => command.registeredArguments.some(({ required }) => required));
  expect(needing.length).toBeGreaterThan(50);
  expect(await wrong(needing, () => ["--json"], isUsage)).toEqual({});
  const counted = leaves.filter(({ command }) => command.registeredArguments.every(({ variadic }) => !variadic));
  expect(counted.length).toBeGreaterThan(90);
  const oneMore = ({ command }: Leaf): string[] => command.registeredArguments.map((one) => WORDS[one.name()] ?? "1");
  expect(await wrong(counted, (leaf) => [...oneMore(leaf), "more", "--json"], isUsage)).toEqual({});
  const groups = ["wallet", "paych", "miner", "chain"].map((word) => ({ words: [word], command: program }));
  expect(await wrong(groups, () => ["nothing-like-it", "--json"], isUsage)).toEqual({});
});

test("an empty word, of a variable that is not set, ends with 64: it is no folder, no file and no name", async () => {
  const isUsage = (one: Outcome): boolean => one.code === 64 && isError(one, "USAGE");
  const free = ["<text>", "<json|hex>"];
  const seen = new Set<string>();
  let options = 0;
  for (const leaf of leaves) {
    for (const { long, flags, required } of leaf.command.options) {
      // Those of all commands once: they are the same.
      if (!required || free.some((one) => flags.endsWith(one)) || seen.has(flags)) continue;
      seen.add(flags);
      options++;
      expect(await wrong([leaf], () => [...argumentsFor(leaf), `${long}=`, "--json"], isUsage)).toEqual({});
    }
  }
  expect(options).toBeGreaterThan(90);
  const needing = leaves.filter(({ command }) => command.registeredArguments.some(({ required }) => required));
  for (const leaf of needing) {
    const given = argumentsFor(leaf);
    const place = leaf.command.registeredArguments.findIndex(({ required }) => required);
    expect(await wrong([leaf], () => [...given.with(place, ""), "--json"], isUsage)).toEqual({});
  }
  expect((await run("params", "path", "winning-2KiB", "--seed=", "--dir", "/no/such", "--json")).code).not.toBe(64);
});

test("a node that is not there ends every command that needs one with 1, and the text says what helps", async () => {
  // One that waits for its node, and one that reads a file before it asks.
  const remote = leaves.filter(
    (leaf) => has(leaf, "--rpc") && !["miner run", "wallet import"].includes(leaf.words.join(" ")),
  );
  expect(remote.length).toBeGreaterThan(85);
  const nobody = ["--rpc", "http://127.0.0.1:47998/rpc/v1", "--json"];
  const isUnreachable = (one: Outcome): boolean =>
    one.code === 1 && isError(one, "UNREACHABLE") && one.out.includes("filigree devnet");
  expect(await wrong(remote, (leaf) => [...argumentsFor(leaf), ...nobody], isUnreachable)).toEqual({});
  const isUsage = (one: Outcome): boolean => one.code === 64 && isError(one, "USAGE");
  expect(await wrong(remote, (leaf) => [...argumentsFor(leaf), "--rpc", "nowhere", "--json"], isUsage)).toEqual({});
  const token = [...nobody, "--token-file", "/no/such/token"];
  const isMissing = (one: Outcome): boolean => one.code === 1 && isError(one, "ENOENT");
  expect(await wrong(remote, (leaf) => [...argumentsFor(leaf), ...token], isMissing)).toEqual({});
});

test("a file that is not there ends with 1, whatever was to be done with it; none is taken for wrong usage", async () => {
  const secret = "ab".repeat(32);
  const lines = [
    "bundle add no-such-file",
    "bundle verify no-such-file",
    "chain import no-such-file --data no-such-folder",
    "commp no-such-file",
    "conformance no-such-file",
    "devnet --network-version 23 --bundle no-such-file --port 0 --memory",
    "node init --network no-such-file --genesis no-such.car",
    `prove no-such-file --randomness ${secret} --out no-such-out`,
    "replay no-such-file",
    "replay no-such-file --key seal:2048=no-such-key",
    "scenario run no-such-file.json",
    `seal no-such-file --miner 1 --sector 1 --out no-such-out --ticket ${secret}`,
    "state check no-such-file",
    "unseal no-such-file --out no-such-out",
    "verify no-such-file",
    "wallet import no-such-file",
  ];
  const found: Record<string, Outcome> = {};
  for (const line of lines) {
    const outcome = await run(...line.split(" "), "--json");
    if (outcome.code !== 1 || !isError(outcome, null) || !outcome.err.includes("no-such")) found[line] = outcome;
  }
  expect(found).toEqual({});
});

test("commands print JSON by what they share, which spells it", async () => {
  const folder = new URL("../../../src/cli/commands/", import.meta.url);
  const files = await readdir(folder);
  expect(files.length).toBeGreaterThan(30);
  const found: string[] = [];
  for (const file of files) {
    const text = await readFile(new URL(file, folder), "utf8");
    if (/\bwrite\([^;]*JSON\.stringify/.test(text)) found.push(file);
  }
  expect(found).toEqual([]);
});

test("an object is printed in one spelling", () => {
  const names = ["ID", "IPAddrs", "PieceCID", "State", "DealID", "attoFIL", "GasFeeCap", "VMApplied", "CID"];
  expect(names.map(ownName)).toEqual([
    ...["id", "ipAddrs", "pieceCid", "state", "dealId", "attoFIL", "gasFeeCap", "vmApplied", "cid"],
  ]);
  const found = {
    Deal: { ProposalCID: { "/": CID }, Price: 5n },
    All: [{ "/": CID }],
    object: { Kept: { "/": CID } },
    none: null,
  };
  expect(ownJson(found)).toEqual({
    deal: { proposalCid: CID, price: "5" },
    all: [CID],
    object: { Kept: { "/": CID } },
    none: null,
  });
});

test("an amount below zero, which looks like an option, is told for what it is", async () => {
  for (const words of [
    ["miner", "actor", "withdraw", "-1 FIL"],
    ["send", "bob", "-2 FIL"],
  ]) {
    const amount = words.at(-1);
    const said = `'${amount}' is below zero: amounts and numbers are positive here`;
    expect(await run(...words)).toMatchObject({ code: 64, err: expect.stringContaining(`error: ${said}`) });
    expect(JSON.parse((await run(...words, "--json")).out)).toMatchObject({ error: said, code: "USAGE" });
  }
  expect((await run("send", "bob", "--nothing")).err).toContain("unknown option '--nothing'");
});
