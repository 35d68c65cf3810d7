/**
 * A network with published actors as a file: it names their bundles and has no code of theirs; what is made of it goes on where the
 * network was, over the upgrade that is still to come. Where no bundles are at hand this says so and skips.
 */

import { describe, expect, test } from "vitest";
import { concat } from "../../src/base/bytes.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import { Bundles } from "../../src/exec/bundles.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { readOptions } from "../../src/node/dump.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

const bundles = givenBundles();
const [v17, v18] = await Promise.all([17, 18].map((version) => bundles.find("devnet", version)));
const isHere = v17 !== undefined && v18 !== undefined;
const FIRST = 6;

async function dump(net: Devnet): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of net.dump()) parts.push(part);
  return concat(...parts);
}

async function namedIn(file: Uint8Array): Promise<string[]> {
  const source = { size: file.length, read: async (at: number, length: number) => file.subarray(at, at + length) };
  const { bundles: named } = await readOptions(source, await loadCrypto());
  return named.map(({ network, actorsVersion, root }) => `${network} v${actorsVersion} ${root}`);
}

async function pay(net: Devnet): Promise<void> {
  const [From, To] = net.accounts.map(({ secp256k1 }) => `${secp256k1}`);
  const { CID } = await net.request("MpoolPushMessage", { From, To, Value: "7" }, null);
  await net.clock.mine(2);
  expect((await net.request("StateSearchMsg", [], CID, -1, true)).Receipt.ExitCode).toBe(0);
}

describe.skipIf(!isHere)(`from version 27 to 28${isHere ? "" : ` (${HOW})`}`, () => {
  test("before the upgrade and after it the file makes the same network, and says which bundle is missing", {
    timeout: 300_000,
  }, async () => {
    const upgrades = [{ networkVersion: 28, epoch: FIRST, ...(v18 === undefined ? {} : { bundle: v18 }) }];
    const net = await Devnet.open({
      ...TEST_OPTIONS,
      miners: 1,
      networkVersion: 27,
      upgrades,
      ...(v17 === undefined ? {} : { bundle: v17 }),
    });
    net.clock.setAutomine(false);
    try {
      await pay(net);
      const early = await dump(net);
      expect(await namedIn(early)).toEqual([`devnet v17 ${v17?.root}`]);
      // All codes together have some megabytes.
      expect(early.length).toBeLessThan(1 << 20);
      await expect(Devnet.load(early)).rejects.toMatchObject({
        data: { code: "MISSING_BUNDLE", network: "devnet", actorsVersion: 17 },
        message: expect.stringContaining("give it (`filigree bundle add <file>`"),
      });
      const only = new Bundles();
      if (v17 !== undefined) only.add(v17);
      await expect(Devnet.load(early, { bundles: only })).rejects.toMatchObject({ data: { actorsVersion: 18 } });
      const copy = await Devnet.load(early, { bundles });
      try {
        expect(copy.head).toEqual(net.head);
        expect(await dump(copy)).toEqual(early);
        for (const one of [net, copy]) {
          await one.clock.mineTo(FIRST + 1);
          await pay(one);
        }
        expect(copy.head).toEqual(net.head);
        expect(await copy.request("StateNetworkVersion", [])).toBe(28);
      } finally {
        await copy.close();
      }
      const late = await dump(net);
      expect(await namedIn(late)).toEqual([v17, v18].map((one, i) => `devnet v${17 + i} ${one?.root}`));
      const again = await Devnet.load(late, { bundles });
      try {
        await pay(again);
        expect(await again.request("StateGetNetworkParams")).toEqual(await net.request("StateGetNetworkParams"));
      } finally {
        await again.close();
      }
    } finally {
      await net.close();
    }
  });
});
