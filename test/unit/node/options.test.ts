/** Options that cannot be meant are refused at once and by name, wherever a program may give them. */
import { expect, test } from "vitest";
import { OptionError } from "../../../src/base/options.ts";
import { connect } from "../../../src/client.ts";
import { replayChain } from "../../../src/conformance/replay.ts";
import { runVector } from "../../../src/conformance/run.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { useWasm } from "../../../src/core/load.ts";
import { poseidonAny } from "../../../src/core/poseidon-any.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { Vm } from "../../../src/core/vm.ts";
import { readBundle } from "../../../src/exec/bundle.ts";
import { Bundles } from "../../../src/exec/bundles.ts";
import { Executor } from "../../../src/exec/executor.ts";
import { keyedVerifier } from "../../../src/exec/keyed-verifier.ts";
import { ExecutionPool } from "../../../src/exec/pool.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { checkDevnetOptions, checkUpgrades } from "../../../src/node/devnet-options.ts";
import { LocalProving } from "../../../src/node/local-proving.ts";
import { openProvider } from "../../../src/provider.ts";
import { commitPayload, commitStream } from "../../../src/proving/commit.ts";
import { inThisThread } from "../../../src/proving/in-thread.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { sealDirectory } from "../../../src/proving/seal.ts";
import { makeLocalParams } from "../../../src/proving/snark/local-params.ts";
import { snarkPoSt } from "../../../src/proving/snark/sector-proofs.ts";
import { NodesLab } from "../../../src/scenario/nodes-lab.ts";
import { runScenario } from "../../../src/scenario/run.ts";
import { readVerifyingKey } from "../../../src/sector/snark/groth16.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { TableStore } from "../../../src/storage/table-store.ts";
import { FIL } from "../../../src/types/amount.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

const NO_COUNTS = [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, 2 ** 40, "2", null] as never[];

const WRONG: readonly (readonly [keyof DevnetOptions, readonly unknown[]])[] = [
  ["accounts", [...NO_COUNTS, 0, 101]],
  ["miners", [Number.NaN, -1, 1.5, 17, "1"]],
  ["sectors", [...NO_COUNTS, 0, 257]],
  ["sectorSize", ["4MiB", "8 MiB", 2048, null]],
  ["blockTime", [Number.NaN, -1, Number.POSITIVE_INFINITY, 3601, "1"]],
  ["genesisTime", [Number.NaN, -5, 0.5, 1e300, 2 ** 32]],
  ["retention", [Number.NaN, 999, -1, 1e300, "all"]],
  ["balance", [-1n, 10n ** 40n, 5, "5", null]],
  ["seed", [5, null, ""]],
  ["mnemonic", [5, null, ""]],
  ["data", [5, "", undefined]],
  ["machine", ["x", 1, null]],
  ["version", [1, ""]],
];

test("states of fewer epochs than a version needs are not what is kept: that is refused, however it is asked", async () => {
  const later = { ...TEST_OPTIONS, networkVersion: 28, retention: 1899 };
  await expect(Devnet.open(later)).rejects.toMatchObject({
    data: { option: "retention" },
    message: expect.stringContaining("at network version 28 the states of at least 1900 epochs are kept"),
  });
  const net = await Devnet.open({ ...TEST_OPTIONS, networkVersion: 28, retention: 1900, bundle: await testBundle() });
  try {
    await expect(net.request("ChainPrune", { KeepEpochs: 1899 })).rejects.toThrow(/KeepEpochs: at least 1900/);
    await expect(net.node.prune(1899)).rejects.toMatchObject({ data: { option: "keep" } });
    await net.request("ChainPrune", { KeepEpochs: 1900 });
  } finally {
    await net.close();
  }
});

test.each(WRONG)("a network with a wrong %s is not opened", async (option, values) => {
  for (const value of values) {
    const opened = Devnet.open({ ...TEST_OPTIONS, [option]: value });
    await expect(opened, String(value)).rejects.toMatchObject({ code: "BAD_OPTION", data: { option } });
    await expect(opened).rejects.toThrow(`${option}: `);
  }
});

test.each([new Uint8Array(9), new Bundles([]), {}, null, "v18.car"])(
  "%s is no bundle of actors, and it is said what is",
  async (given) => {
    const bundle = given as never;
    const opened = Devnet.open({ ...TEST_OPTIONS, networkVersion: 28, bundle });
    await expect(opened).rejects.toMatchObject({ code: "BAD_OPTION", data: { option: "bundle" } });
    await expect(opened).rejects.toThrow(/what `readBundle` returns/);
    expect(() => checkUpgrades(27, [{ networkVersion: 28, epoch: 5, bundle }])).toThrow(/what `readBundle` returns/);
  },
);

test("large sectors are few, and have no real proofs", async () => {
  const large = { ...TEST_OPTIONS, miners: 13, sectors: 5, sectorSize: "8MiB" } as const;
  await expect(Devnet.open(large)).rejects.toMatchObject({ data: { option: "sectors" } });
  expect(() => checkDevnetOptions({ ...large, sectors: 1, proofs: "groth16" })).toThrow(/sectorSize: .*2 KiB/);
});

test("time and server of a network are asked for with what can be", async () => {
  const net = await Devnet.open({ ...TEST_OPTIONS, accounts: 1, balance: FIL, blockTime: 3600 });
  try {
    for (const count of NO_COUNTS) {
      await expect(net.clock.mine(count)).rejects.toThrow(OptionError);
      await expect(net.clock.skip(count)).rejects.toThrow(OptionError);
    }
    for (const seconds of [Number.NaN, -1, 1e-9, 3601])
      expect(() => net.clock.setBlockTime(seconds)).toThrow(OptionError);
    const serving: readonly (readonly [string, object])[] = [
      ...[Number.NaN, -1, 1.5, 65_536, "80"].map((port) => ["port", { port }] as const),
      ...["", 5, null].map((host) => ["host", { host }] as const),
      ["allowHost", { allowHosts: ["no name"] }],
      ["cors", { allowOrigins: ["*"] }],
    ];
    for (const [option, options] of serving)
      await expect(net.serve(options), JSON.stringify(options)).rejects.toMatchObject({ data: { option } });
    expect(net.head.height).toBe(0);
  } finally {
    await net.close();
  }
});

test("pools, memories and time limits of no size are none", async () => {
  for (const size of [...NO_COUNTS.filter((one) => one !== null), 0, 257]) {
    expect(() => ProvingPool.open(size), `${size}`).toThrow(OptionError);
    expect(() => new ExecutionPool({ size }), `${size}`).toThrow(OptionError);
  }
  for (const maxPages of [Number.NaN, 0, -1, 65_537])
    await expect(loadProofs({ maxPages })).rejects.toThrow(OptionError);
  for (const timeout of [Number.NaN, 0, -1, 2 ** 31])
    expect(() => connect("http://127.0.0.1:1", { timeout })).toThrow(OptionError);
  expect(await loadCrypto()).toBeDefined();
});

test("an option that there is not is refused by everything that takes options once", async () => {
  const proofs = await loadProofs();
  const jobs = inThisThread();
  const wrong = { seeed: 1 } as never;
  const none = undefined as never;
  const parts = { blocks: new MemoryStore(), randomness: none, proofs: none };
  const takers: Readonly<Record<string, () => unknown>> = {
    "Devnet.open": () => Devnet.open(wrong),
    "Devnet.load": () => Devnet.load(new Uint8Array(0), wrong),
    "Devnet.fork": () => Devnet.fork("http://127.0.0.1:1", wrong),
    openProvider: () => openProvider(wrong),
    "LocalProving.open": () => LocalProving.open(wrong),
    "NodesLab.open": () => NodesLab.open(wrong),
    runScenario: () => runScenario({}, wrong),
    replayChain: () => replayChain(new Uint8Array(0), wrong),
    runVector: () => runVector("file", "{}", wrong),
    "Vm.create": () => Vm.create(none, wrong),
    Executor: () => new Executor(wrong, parts),
    "parts of Executor": () => new Executor({}, { ...parts, ...(wrong as object) }),
    ExecutionPool: () => new ExecutionPool(wrong),
    "client of ExecutionPool": () => new ExecutionPool({ size: 1 }).client({}, { ...parts, ...(wrong as object) }),
    keyedVerifier: () => keyedVerifier(wrong),
    readBundle: () => readBundle(new Uint8Array(0), wrong),
    "TableStore.open": () => TableStore.open("", none, wrong),
    useWasm: () => useWasm(wrong),
    loadCrypto: () => loadCrypto(wrong),
    loadProofs: () => loadProofs(wrong),
    poseidonAny: () => poseidonAny(proofs, [], wrong),
    connect: () => connect("http://127.0.0.1:1", wrong),
    "ProvingPool.open": () => ProvingPool.open(1, wrong),
    commitPayload: () => commitPayload(proofs, none, none, wrong),
    commitStream: () => commitStream(proofs, none, none, wrong),
    makeLocalParams: () => makeLocalParams(jobs, { circuit: "window-2048", seed: "x", ...(wrong as object) }),
    "options of makeLocalParams": () => makeLocalParams(jobs, { circuit: "window-2048", seed: "x" }, wrong),
    snarkPoSt: () =>
      snarkPoSt(proofs, jobs, { sectorBytes: 2048, kind: "window", sectors: [], partitions: [], params: none }, wrong),
    sealDirectory: () => sealDirectory(proofs, jobs, "", none, wrong),
    readVerifyingKey: () => readVerifyingKey(proofs, new Uint8Array(0), wrong),
  };
  for (const [taker, take] of Object.entries(takers)) {
    const error = await (async () => take())().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error, taker).toMatchObject({ code: "BAD_OPTION", data: { option: "seeed" } });
  }
});

test("of a network too, whatever is asked of it; and switches are on or off", async () => {
  for (const name of ["reset", "repair", "predeploy"])
    await expect(Devnet.open({ ...TEST_OPTIONS, [name]: "false" })).rejects.toThrow(`${name}: true or false expected`);
  const upgrades = [{ epoch: 5, version: 17 }] as never;
  await expect(Devnet.open({ networkVersion: 16, upgrades })).rejects.toThrow(/^version: .* upgrades/);
  for (const none of [null, 5, {}, "x"])
    await expect(Devnet.open({ networkVersion: 16, upgrades: none as never })).rejects.toThrow(/^upgrades: a list of/);
  const fork = (whole: unknown): Promise<Devnet> => Devnet.fork("http://127.0.0.1:1", { whole } as never);
  await expect(fork("false")).rejects.toThrow("whole: true or false expected");
  await expect(fork({ limit: {} })).rejects.toThrow("there is no such option of whole; is limits meant?");
  await expect(fork({ limits: { byte: 1 } })).rejects.toThrow(/^byte: .* of whole.limits; is bytes meant/);
  await expect(fork({ limits: { bytes: "1" } })).rejects.toThrow(/^whole.limits.bytes: a number from 1/);
  const net = await Devnet.open({ ...TEST_OPTIONS, accounts: 1, balance: FIL });
  try {
    await expect(net.serve({ prot: 1 } as never)).rejects.toThrow(
      "prot: there is no such option of Devnet.serve; is port meant?",
    );
    await expect(net.revert(1, { kept: true } as never)).rejects.toThrow(/^kept: .* of Devnet.revert; there are keep/);
    expect(() => net.dump({ automin: true } as never)).toThrow(/^automin: .* is automine meant/);
    await expect(net.revert(1, { keep: "false" } as never)).rejects.toThrow("keep: true or false expected");
    expect(() => net.dump({ automine: 1 } as never)).toThrow("automine: true or false expected");
  } finally {
    await net.close();
  }
});

test("a profile or a network that is none is told as that, with those that there are", async () => {
  const profile = "mainet" as never;
  const told = 'profile: "mainnet" or "devnet" or "calibrationnet" or "devnet-8MiB" expected, got "mainet"';
  await expect(Vm.create(undefined as never, { profile })).rejects.toThrow(told);
  const parts = { blocks: new MemoryStore(), randomness: undefined as never, proofs: undefined as never };
  expect(() => new Executor({ profile }, parts)).toThrow(told);
  expect(() => new ExecutionPool({ size: 1 }).client({ profile }, parts)).toThrow(told);
  await expect(new Bundles().find("mainet" as never, 9)).rejects.toThrow(/^network: "mainnet" or .* got "mainet"/);
  await expect(new Bundles().require("constructor" as never, 9)).rejects.toThrow(OptionError);
});
