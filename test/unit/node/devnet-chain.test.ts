/** What of a local network is fixed with its genesis, and what is said to whoever gives something else. */
import { beforeAll, expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../../src/base/bytes.ts";
import { Chain } from "../../../src/chain/chain.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { type DevAccount, makeAccounts, PUBLIC_MNEMONIC } from "../../../src/node/accounts.ts";
import { type DevnetGenesis, openDevnetChain } from "../../../src/node/devnet-chain.ts";
import { minerWorker } from "../../../src/node/local-miners.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { FIL } from "../../../src/types/amount.ts";

let crypto: Crypto;
let accounts: readonly DevAccount[];
beforeAll(async () => {
  crypto = await loadCrypto();
  accounts = makeAccounts(crypto, { seed: "fixed", mnemonic: PUBLIC_MNEMONIC, count: 2, balance: FIL });
});

function genesisOf(over: Partial<DevnetGenesis> = {}): DevnetGenesis {
  return {
    seed: "fixed",
    balance: 1000n * FIL,
    time: 1_700_000_000,
    accounts,
    workers: [minerWorker(crypto, "fixed", 0)],
    beacon: { round: 1n, data: new Uint8Array(48) },
    ...over,
  };
}

test("exactly the options that differ are named", async () => {
  const blocks = new MemoryStore();
  const open = async (genesis: DevnetGenesis): Promise<string> =>
    openDevnetChain(await Chain.open({ blocks }), crypto, DEVNET, genesis).then(
      () => "",
      (error: Error) => error.message,
    );
  const several = { blockTime: 20, nodes: 2 };
  const own = { ...genesisOf(), several };
  expect(await open(own)).toBe("");
  expect(await open(own)).toBe("");
  const refusal = (others: string): string =>
    `the data directory holds a network made with other options: ${others}; give the same ones, another --data, or --reset`;
  expect(await open({ ...own, several: { ...several, blockTime: 1 } })).toBe(refusal("--block-time 20 (not 1)"));
  expect(await open({ ...own, several: { ...several, nodes: 3 } })).toBe(refusal("--nodes 2 (not 3)"));
  expect(await open({ ...genesisOf({ accounts: accounts.slice(1) }), several })).toBe(
    refusal("--accounts 2 (not 1), another --mnemonic"),
  );
  expect(await open({ ...genesisOf({ balance: 7n * FIL }), several })).toBe(refusal("--balance 1000 (not 7)"));
  expect(await open({ ...genesisOf({ seed: "other" }), several })).toBe(refusal("--seed fixed (not other)"));
  const miner = { sealProof: 0, sectors: [{}, {}] } as unknown as NonNullable<DevnetGenesis["miners"]>[number];
  expect(await open({ ...own, miners: [miner] })).toBe(refusal("no --miners"));
  expect(await open(genesisOf())).toBe(refusal("--block-time 20 (none given), --nodes 2 (none given)"));
  const proven = { ...own, proofs: "groth16", seals: "groth16" } as const;
  expect(await open(proven)).toBe(refusal("--proofs attested (not groth16), --seals attested (not groth16)"));
});

test("a kind of seal that another version has for the same size is no other size", async () => {
  const blocks = new MemoryStore();
  const open = async (genesis: DevnetGenesis) => openDevnetChain(await Chain.open({ blocks }), crypto, DEVNET, genesis);
  await open(genesisOf());
  const kept = JSON.parse(fromUtf8((await blocks.metadata("devnet/identity")) as Uint8Array)) as object;
  const write = (sealProof: number) =>
    blocks.write({
      metadata: [
        ["devnet/identity", utf8(JSON.stringify({ ...kept, miners: 1, sectors: 2, sealProof, networkVersion: 28 }))],
      ],
    });
  const miner = { sealProof: 0, sectors: [{}, {}] } as unknown as NonNullable<DevnetGenesis["miners"]>[number];
  for (const [sealProof, told] of [
    [5, ": --network-version 28 (none given);"],
    [6, ": --sector-size 8MiB (not 2KiB), --network-version 28 (none given);"],
  ] as const) {
    await write(sealProof);
    await expect(open({ ...genesisOf(), miners: [miner] })).rejects.toThrow(told);
  }
});

test("whether seals are proven is fixed with the genesis, both ways", async () => {
  const blocks = new MemoryStore();
  const open = async (genesis: DevnetGenesis) => openDevnetChain(await Chain.open({ blocks }), crypto, DEVNET, genesis);
  await open(genesisOf({ proofs: "groth16", seals: "groth16" }));
  await expect(open(genesisOf({ proofs: "groth16" }))).rejects.toThrow(": --seals groth16 (not attested);");
  await open(genesisOf({ proofs: "groth16", seals: "groth16" }));
});

test("a folder that was made before block time and nodes were kept is taken as it is", async () => {
  const blocks = new MemoryStore();
  const open = async (genesis: DevnetGenesis) => openDevnetChain(await Chain.open({ blocks }), crypto, DEVNET, genesis);
  await open(genesisOf());
  await open({ ...genesisOf(), several: { blockTime: 3, nodes: 2 } });
});
