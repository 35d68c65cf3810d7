/** Options that cannot be meant are refused at once and by name, wherever a program may give them. */
import { expect, test } from "vitest";
import { OptionError } from "../../../src/base/options.ts";
import { connect } from "../../../src/client.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { ExecutionPool } from "../../../src/exec/pool.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { checkDevnetOptions } from "../../../src/node/devnet-options.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { FIL } from "../../../src/types/amount.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

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

test.each(WRONG)("a network with a wrong %s is not opened", async (option, values) => {
  for (const value of values) {
    const opened = Devnet.open({ ...TEST_OPTIONS, [option]: value });
    await expect(opened, String(value)).rejects.toMatchObject({ code: "BAD_OPTION", data: { option } });
    await expect(opened).rejects.toThrow(`${option}: `);
  }
});

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
