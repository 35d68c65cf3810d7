/** Chain info of drand networks as servers give it: taken if its hash is made of it. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { drandInfoToJson } from "../../../src/beacon/drand.ts";
import { fetchDrandInfo } from "../../../src/beacon/drand-servers.ts";
import { DRAND_MAINNET, QUICKNET } from "../../../src/beacon/networks.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { closeJsonServers, serveJson } from "../../support/json-server.ts";

let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});
afterEach(closeJsonServers);

type InfoJson = Readonly<Record<string, string | number | { readonly beaconID: string }>>;

describe("chain info", () => {
  // As api.drand.sh gives it.
  const quicknet: InfoJson = {
    ...drandInfoToJson(QUICKNET),
    groupHash: "f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e",
    metadata: { beaconID: "quicknet" },
  };
  const mainnet: InfoJson = {
    ...drandInfoToJson(DRAND_MAINNET),
    groupHash: "176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a",
    metadata: { beaconID: "default" },
  };
  const wrongHash = { code: "BAD_CHAIN_INFO", data: { field: "hash" } };

  test("is taken if its hash is made of it, of the chain that was asked for", async () => {
    const hash = toHex(QUICKNET.chainHash);
    const server = await serveJson((path) => ({ "/info": mainnet, [`/${hash}/info`]: quicknet })[path] ?? null);
    expect(await fetchDrandInfo(server, crypto)).toEqual(DRAND_MAINNET);
    expect(await fetchDrandInfo(`${server}/${hash}/`, crypto)).toEqual(QUICKNET);
    await expect(fetchDrandInfo(`${server}/${hash.replace("5", "6")}`, crypto)).rejects.toThrow("status 404");
  });

  test("is refused if anything in it was changed", async () => {
    const changed = [
      { ...quicknet, period: 4 },
      { ...quicknet, genesis_time: 1 },
      { ...quicknet, public_key: quicknet.public_key?.toString().replace("83cf", "83ce") },
      { ...quicknet, groupHash: mainnet.groupHash },
      { ...quicknet, metadata: { beaconID: "other" } },
    ];
    for (const info of changed)
      await expect(fetchDrandInfo(await serveJson(() => info), crypto)).rejects.toMatchObject(wrongHash);
    // Without its group the hash proves nothing: who asks for a hash is not given another's key under it.
    const { groupHash: _, ...bare } = quicknet;
    const forged = await serveJson(() => ({
      ...bare,
      public_key: bare.public_key?.toString().replace("83cf", "83ce"),
    }));
    await expect(fetchDrandInfo(`${forged}/${toHex(QUICKNET.chainHash)}`, crypto)).rejects.toMatchObject(wrongHash);
    const other = await serveJson(() => mainnet);
    await expect(fetchDrandInfo(`${other}/${toHex(QUICKNET.chainHash)}`, crypto)).rejects.toMatchObject(wrongHash);
  });
});
