/** The Docker and compose examples, read line by line: there is no engine here to run them with. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string): string => readFileSync(`${root}docs/examples/docker/${file}`, "utf8");
const INSTRUCTIONS = ["FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"];

/** Instructions of the Dockerfile with their arguments, continued lines joined. */
const steps = read("Dockerfile")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => [line.split(" ")[0] as string, line.slice(line.indexOf(" ") + 1).trim()] as const);
const of = (name: string): string[] => steps.filter(([one]) => one === name).map(([, rest]) => rest);

const help = spawnSync(process.execPath, ["dist/cli/bin.js", "devnet", "--help"], { cwd: root, encoding: "utf8" });
const known = new Set(help.stdout.match(/--[a-z-]+/g));
const optionsIn = (words: readonly string[]): string[] => words.filter((word) => word.startsWith("--"));

test("the Dockerfile has instructions that there are, an image that engines allow, and no root", () => {
  for (const [name] of steps) expect(INSTRUCTIONS).toContain(name);
  const { engines } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { engines: { node: string } };
  const least = Number(/\d+/.exec(engines.node)?.[0]);
  for (const image of of("FROM")) expect(Number(/^node:(\d+)-/.exec(image)?.[1])).toBeGreaterThanOrEqual(least);
  expect(of("USER")).toEqual(["node"]);
  for (const list of [...of("ENTRYPOINT"), ...of("CMD")]) expect(Array.isArray(JSON.parse(list))).toBe(true);
});

test("every option that the examples give to the command exists", () => {
  const entry = JSON.parse(of("ENTRYPOINT")[0] as string) as string[];
  expect(entry.slice(0, 2)).toEqual(["filigree", "devnet"]);
  const compose = parse(read("compose.yaml")) as { services: { filecoin: { command: string[] } } };
  const used = optionsIn([
    ...entry,
    ...(JSON.parse(of("CMD")[0] as string) as string[]),
    ...compose.services.filecoin.command,
  ]);
  expect(used).toContain("--allow-host");
  expect(used.filter((option) => !known.has(option))).toEqual([]);
});

test("the compose file names what the Dockerfile has", () => {
  const { services, volumes } = parse(read("compose.yaml")) as {
    services: Record<
      string,
      {
        build?: { dockerfile: string };
        ports?: string[];
        volumes?: string[];
        depends_on?: Record<string, { condition: string }>;
      }
    >;
    volumes: Record<string, unknown>;
  };
  expect(services["filecoin"]?.build?.dockerfile).toBe("docs/examples/docker/Dockerfile");
  expect(services["filecoin"]?.ports).toEqual([`127.0.0.1:1234:${of("EXPOSE")[0]}`]);
  expect(services["filecoin"]?.volumes).toEqual([`${Object.keys(volumes)[0]}:${of("VOLUME")[0]}`]);
  // A condition of health needs a check of it.
  expect(services["client"]?.depends_on?.["filecoin"]?.condition).toBe("service_healthy");
  expect(of("HEALTHCHECK")).toHaveLength(1);
});
