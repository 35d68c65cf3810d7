/** What a network's start says of its version, its actors and those to come, and when an upgrade is told. */
import { expect, test } from "vitest";
import { chainIdNote, ethereumLine } from "../../../src/cli/account-words.ts";
import { ComingVersions, upgradeText, versionFacts, versionLine } from "../../../src/cli/version-text.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { type DevAccount, makeAccounts, PUBLIC_MNEMONIC } from "../../../src/node/accounts.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { devnetAt } from "../../../src/params/networks.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

test("version, actors and whose they are, and what is to come", async () => {
  const native = await Devnet.open(TEST_OPTIONS);
  expect(versionLine(await versionFacts(native.network, native.node.chain))).toBe(
    "Version    network version 5 (Tape), actors v2 this engine's own",
  );
  await native.close();
  const later = await Devnet.open({ ...TEST_OPTIONS, networkVersion: 27, bundle: await testBundle() });
  const network = devnetAt(27, [{ epoch: 20, networkVersion: 28 }]);
  const facts = await versionFacts(network, later.node.chain);
  expect(versionLine(facts)).toMatch(
    /^Version {4}network version 27 \(GoldenWeek\), actors v17 of a bundle that nobody published, bafy\w+; 28 from epoch 20 on, with actors v18$/,
  );
  expect(versionLine({ ...facts, actors: "devnet" })).toContain("actors v17 published for devnet;");
  await later.close();
});

test("an upgrade is told once, with the first head that has it", () => {
  const upgrade = { epoch: 20, networkVersion: 28 };
  const coming = new ComingVersions([upgrade]);
  expect([18, 19, 21, 19, 20, 22].map((height) => coming.at(height))).toEqual([[], [], [upgrade], [], [], []]);
  expect(new ComingVersions([upgrade], 20).at(21)).toEqual([]);
  expect(upgradeText(upgrade)).toBe("epoch 20  network version 28 (FireHorse) is in force, with actors v18");
});

test("a network that has Ethereum's accounts by an upgrade says when, and that the genesis gave them nothing", async () => {
  const hygge = { epoch: 3, networkVersion: 18 };
  expect(upgradeText(hygge)).toMatch(
    /^epoch 3 {2}network version 18 .* with actors v10; Ethereum's tools work from now/,
  );
  expect(upgradeText({ epoch: 3, networkVersion: 17 })).not.toContain("Ethereum");
  expect(chainIdNote({ networkVersion: 17, toCome: [] })).toMatch(/on this network version$/);
  expect(chainIdNote({ networkVersion: 16, toCome: [{ epoch: 2, networkVersion: 17 }, hygge] })).toMatch(
    /on this network version; from epoch 3 on for Ethereum's tools$/,
  );
  expect(chainIdNote({ networkVersion: 18, toCome: [] })).toMatch(/^for Ethereum's tools/);
  const spec = { seed: "", mnemonic: PUBLIC_MNEMONIC, count: 1, balance: 0n };
  const [account] = makeAccounts(await loadCrypto(), spec) as [DevAccount];
  const line = (version: number, isNew: boolean): string => ethereumLine(account, devnetAt(version, [hygge]), isNew);
  expect(line(17, true)).toContain("what was sent to m/44'/60'/0'/0/n; alice: 0xf39fd6e5");
  expect(line(18, true)).toContain("as much at m/");
  expect(line(18, false)).toContain("also at m/");
});
