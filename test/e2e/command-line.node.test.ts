/** The command line as a user first meets it: every command explains itself, and what the README names is there. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startKeptProcess } from "../support/kept-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string): string => readFileSync(`${root}${file}`, "utf8");
const filigree = (...args: string[]) =>
  spawnSync(process.execPath, ["dist/cli/bin.js", ...args], { cwd: root, encoding: "utf8" });

/** Names of the commands that a help text lists. */
function commandsIn(help: string): string[] {
  const list = help.slice(help.indexOf("Commands:"));
  const names = [...list.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name as string);
  return names.filter((name) => name !== "help");
}

type Said = { readonly status: number | null; readonly stdout: string; readonly stderr: string };
/** What a group or a command of its own says of itself, each in a process; what the commands of groups say, in one. */
const said = new Map<string, Said>();
const names = commandsIn(filigree("--help").stdout);
for (const name of names) said.set(name, filigree(name, "--help"));
const commands = names.flatMap((name) => {
  const own = said.get(name)?.stdout as string;
  return own.includes("Commands:") ? commandsIn(own).map((sub) => `${name} ${sub}`) : [name];
});
const kept = startKeptProcess(root);
for (const command of commands.filter((one) => !said.has(one))) {
  const { code, out, err } = await kept.run([...command.split(" "), "--help"]);
  said.set(command, { status: code, stdout: out, stderr: err });
}
await kept.close();

test("the list of commands", () => {
  expect(commands).toEqual(expect.arrayContaining(["commp", "conformance", "devnet", "replay", "seal", "state check"]));
});

test.each([...said.keys()])("filigree %s --help", (command) => {
  const { status, stdout, stderr } = said.get(command) as Said;
  expect(stderr).toBe("");
  expect(stdout).toContain(`Usage: filigree ${command}`);
  // Each option's paragraph says its default once at most.
  for (const paragraph of stdout.split(/\n {2}(?=-)/)) expect(paragraph).not.toMatch(/default:[\s\S]*\(?default:/);
  expect(stdout).not.toMatch(/\b[na]FIL\b/);
  expect(status).toBe(0);
});

test("the README names options and commands that exist", () => {
  const readme = read("README.md");
  const options = new Set(said.get("devnet")?.stdout.match(/--[a-z-]+/g));
  const section = readme.slice(readme.indexOf("## The local network"), readme.indexOf("Clients of the network"));
  const named = [...section.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((option) => !options.has(option))).toEqual([]);
  const called = [...readme.matchAll(/npx filigree (\w+)/g)].map(([, name]) => name as string);
  expect(called.filter((name) => !commands.some((one) => one.split(" ")[0] === name))).toEqual([]);
});

test("wrong usage ends with 64 and says where help is", () => {
  const { status, stderr } = filigree("devnet", "--no-such-option");
  expect(status).toBe(64);
  expect(stderr).toContain("--help");
});

test("the version is the package's", () => {
  expect(filigree("--version").stdout.trim()).toBe((JSON.parse(read("package.json")) as { version: string }).version);
});
