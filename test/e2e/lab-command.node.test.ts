/** `filigree lab` and `devnet --load` as users type them: snapshots, time, and a network that moves into another process. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { banner } from "../../src/cli/devnet-output.ts";
import { versionFacts } from "../../src/cli/version-text.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let net: Devnet;
let url: string;
let kept: KeptProcess;
let other: CommandNet | undefined;
beforeAll(async () => {
  kept = startKeptProcess(".");
  folder = await mkdtemp(path.join(tmpdir(), "filigree-lab-"));
  net = await Devnet.open({ accounts: 2, seed: "lab command" });
  net.clock.setAutomine(false);
  ({ url } = await net.serve());
});
afterAll(async () => {
  await kept.close();
  await other?.close();
  await net?.close();
  await rm(folder, { recursive: true, force: true });
});

const filigree = (...args: readonly string[]): Promise<Outcome> => kept.run(args);
const lab = (...args: readonly string[]) => filigree("lab", ...args, "--rpc", url);

test("a snapshot, time, and back; the whole network as a file, with which another process goes on", async () => {
  expect((await lab("snapshot")).out).toBe(`snapshot 1; go back to it with: filigree lab revert 1 --rpc ${url}\n`);
  const seconds = net.network.blockDelaySeconds;
  expect(JSON.parse((await lab("pass", `${3 * seconds}s`, "--json")).out)).toMatchObject({ epoch: 3 });
  expect((await lab("snapshots")).out).toBe("1  epoch 0, 0 messages waiting\n");
  expect((await lab("revert", "1")).out).toContain("the head is at epoch 0, ");
  const [again, mined] = [await lab("revert", "1"), await lab("mine", "5")];
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("there is no snapshot 1 (any more)") });
  expect(mined.out).toContain("the head is at epoch 5, ");
  const file = path.join(folder, "network.car");
  expect((await lab("dump", file)).out).toContain(`go on with it: filigree devnet --load ${file}`);
  other = await startCommandNet("--load", file);
  const head = async (at: string) => JSON.parse((await filigree("chain", "head", "--rpc", at, "--json")).out);
  expect(await head(other.url)).toEqual(await head(url));
  expect(other.accounts[0]?.secp256k1).toBe(net.accounts[0]?.secp256k1.toString("t"));
  const refused = await filigree("devnet", "--memory", "--port", "0", "--load", file, "--seed", "mine");
  expect(refused).toMatchObject({ code: 64, err: expect.stringContaining("--seed is that of the file; leave it out") });
});

test("the network of a scenario's file executes messages; one that was told to make no tipsets says so", async () => {
  const [scenario, file] = [path.join(folder, "scenario.json"), path.join(folder, "scenario.car")];
  await writeFile(
    scenario,
    JSON.stringify({ name: "\u001b[31msaved", network: { accounts: 2 }, steps: [{ mine: 1 }] }),
  );
  const ran = await filigree("scenario", "run", scenario, "--save", file);
  expect(ran).toMatchObject({ code: 0, err: "" });
  // A name that came with a file commands no terminal.
  expect(ran.out).toContain("\ufffd[31msaved: 1 step,");
  const loaded = await Devnet.load(await readFile(file));
  try {
    const version = await versionFacts(loaded.network, loaded.node.chain);
    const started = { url, data: null, resumed: 1, token: null, version };
    expect(banner(loaded, started).join("\n")).toContain("What each address has by now, and a BLS address");
    expect(banner(loaded, { ...started, resumed: null }).join("\n")).toContain("1000000 FIL on each address");
    expect(banner(loaded, started)).toContain("Mining     when a message arrives");
    expect(banner(net, started).join("\n")).toContain("Mining     on call alone, as it was set: filigree lab mine");
    const [From, To] = loaded.accounts.map(({ secp256k1 }) => secp256k1.toString("t"));
    const { CID } = await loaded.request("MpoolPushMessage", { From, To, Value: "1", Method: 0 }, null);
    expect(await loaded.request("StateWaitMsg", CID, 0, -1, true)).toMatchObject({ Receipt: { ExitCode: 0 } });
  } finally {
    await loaded.close();
  }
});
