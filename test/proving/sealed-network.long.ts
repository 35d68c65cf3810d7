/**
 * A local network on which seals are proven: a sector is pledged, its proof of replication is a SNARK under a key made here,
 * and the chain takes it. The key takes minutes and 1.1 GB; FILIGREE_PARAMS keeps it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadCrypto } from "../../src/core/crypto.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { LocalMiners } from "../../src/node/local-miners.ts";
import { LocalProving } from "../../src/node/local-proving.ts";
import { porepPartitions } from "../../src/sector/challenges.ts";
import { sealProof, sectorParams } from "../../src/sector/params.ts";
import { pieceCidV1, sealedCid } from "../../src/sector/piece/cid.ts";
import type { Address } from "../../src/types/address.ts";
import { until } from "../support/until.ts";

const LONG = 14_000_000;
const PROVE_COMMIT = 7n;
const SETUP = "a test";
/** States that wait for the chain. */
const ON_CHAIN = ["GetTicket", "PreCommitting", "PreCommitWait", "WaitSeed", "SubmitCommit", "CommitWait"];
const WORKERS = Number(process.env["FILIGREE_WORKERS"] ?? "2");
let folder: string;
let net: Devnet;

beforeAll(async () => {
  folder = process.env["FILIGREE_PARAMS"] ?? (await mkdtemp(path.join(tmpdir(), "filigree-sealed-")));
  const proving = await LocalProving.open({ folder, setup: SETUP, seals: "groth16", workers: WORKERS });
  net = await Devnet.open({ accounts: 3, miners: 1, sectors: 1, seed: "filigree", proving });
}, LONG);
afterAll(async () => {
  await net.close();
  if (process.env["FILIGREE_PARAMS"] === undefined) await rm(folder, { recursive: true });
});

/** Params of the one ProveCommit on the chain, and its exit code. */
async function proveCommit(): Promise<{ readonly number: number; readonly proof: Uint8Array }> {
  const { chain } = net.node;
  for (let at = net.head; at.height > 0; at = await chain.tipset(at.blocks[0]?.parents ?? []))
    for (const { message } of await chain.tipsetMessages(at))
      if (message.method === PROVE_COMMIT) {
        const [number, proof] = dagCbor.decode(message.params) as [number, Uint8Array];
        return { number, proof };
      }
  throw new Error("no proof of a seal on the chain");
}

test("the SNARK of a pledged sector's seal is what the chain takes", { timeout: LONG }, async () => {
  expect(net.services.dev?.info()).toMatchObject({ proofs: "groth16", seals: "groth16" });
  const began = performance.now();
  const { Number: number } = await net.request<{ Number: number }>("PledgeSector");
  const state = async (): Promise<string> => ((await net.request("SectorsStatus", number)) as { State: string }).State;
  // Null rounds cost no winning PoSt: a tipset in every five epochs, and none while the seal is being proven.
  net.clock.setAutomine(false);
  await until(
    "the sector to be proven",
    async () => {
      const now = await state();
      if (ON_CHAIN.includes(now)) await net.clock.skip(4);
      return now === "Proving";
    },
    LONG,
  );
  process.stdout.write(`pledged and proven in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);

  const { number: committed, proof } = await proveCommit();
  expect(committed).toBe(number);
  expect(proof.length).toBe(192);
  // In actors v2 the sector is there only when the power actor's cron has verified its seal.
  expect(await net.request("StateSectorGetInfo", `${net.miner}`, number, null)).toMatchObject({ SectorNumber: number });

  const record = net.sealing?.line(net.miner)?.machine.records.get(number);
  const { sealed, ticket, seed } = record ?? {};
  if (!sealed || !ticket || !seed) throw new Error("the sector's record lacks its parts");
  const id = Number((net.miner as Address).actorId);
  const info = (bytes: Uint8Array, sector = number): Uint8Array => {
    const cids = [sealedCid(sealed.commR), pieceCidV1(sealed.commD)];
    return dagCbor.encode([0, [id, sector], [], ticket.value, seed.value, bytes, ...cids]);
  };
  const local = net.local as LocalMiners;
  const { verifySeal } = local.verifier();
  expect(await verifySeal(info(proof))).toBe(true);
  expect(await verifySeal(info(proof, number + 1))).toBe(false);
  expect(await verifySeal(info(proof.map((byte, i) => (i === 100 ? byte ^ 1 : byte))))).toBe(false);
  const statement = {
    ...{ type: 0, miner: BigInt(id), number: BigInt(number), ticket: ticket.value, seed: seed.value },
    ...{ sealedCid: sealedCid(sealed.commR), unsealedCid: pieceCidV1(sealed.commD) },
  };
  const { sectorBytes, feature } = sealProof(0);
  const { attestor } = local.verification;
  const attested = attestor.attestSeal(statement, porepPartitions(sectorParams(sectorBytes), feature));
  expect(await verifySeal(info(attested))).toBe(false);

  // A network whose seals are attested takes that, and not the SNARK.
  const times = { genesisTime: 0, blockDelay: 30 };
  const options = { seed: "real", miners: 0, sectors: 1, sealProof: 0, firstId: 1000n, owner: net.miner, times };
  const other = await LocalMiners.open({ ...options, networkName: net.node.network.name }, await loadCrypto());
  expect(await other.verifier().verifySeal(info(attested))).toBe(true);
  expect(await other.verifier().verifySeal(info(proof))).toBe(false);
});
