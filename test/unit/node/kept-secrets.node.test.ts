/** Keys and other secrets outlive whatever becomes of the store beside them, and are never overwritten unasked. */
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { deriveKey } from "../../../src/keys/keys.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { openSecrets } from "../../../src/platform/node-secrets.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-secrets-"));
afterAll(() => rm(root, { recursive: true, force: true }));
const open = (data: string, options: Partial<DevnetOptions> = {}) =>
  Devnet.open({ ...TEST_OPTIONS, accounts: 1, data, ...options });

test("a repair of a folder whose store is gone keeps every key, and adds those of the genesis that are missing", async () => {
  const data = path.join(root, "wallet");
  const first = await open(data);
  const own = await first.node.keystore.add(deriveKey(first.node.crypto, "mine", "own", "secp256k1"));
  await first.node.keystore.setDefault(own);
  await first.node.keystore.remove(first.accounts[0]?.bls as never);
  await first.close();
  await rm(path.join(data, "store"), { recursive: true });
  await expect(open(data)).rejects.toMatchObject({ code: "DAMAGED" });
  const repaired = await open(data, { repair: true });
  expect(repaired.node.keystore.has(own)).toBe(true);
  expect(`${await repaired.node.keystore.defaultAddress()}`).toBe(`${own}`);
  expect(repaired.node.keystore.list()).toHaveLength(3);
  await repaired.close();
});

test("damaged secrets are named and stay as they are; moved away, the network goes on without them", async () => {
  const data = path.join(root, "damaged");
  await (await open(data)).close();
  const secrets = await openSecrets(data);
  for (const [name, code] of [
    ["keystore", "BAD_KEYSTORE"],
    ["token-secret", "BAD_SECRET"],
  ] as const) {
    await secrets.write(name, utf8("cut"));
    for (const repair of [false, true])
      await expect(open(data, { repair })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/restore it from a copy, or move it away/),
      });
    expect(await secrets.read(name)).toEqual(utf8("cut"));
    await rename(path.join(data, "secrets", name), path.join(root, `away-${name}`));
    const net = await open(data);
    expect(net.node.keystore.list()).toHaveLength(2);
    await net.close();
  }
});
