/** The main network's first epochs: every root computed, then the state carried over to the second actors. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { encodeMetadata } from "../../src/chain/snapshot-format.ts";
import { openRecorded, type ReplayReport, replayChain } from "../../src/conformance/replay.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import { MIGRATIONS } from "../../src/exec/upgrades.ts";
import { readCar, writeCar } from "../../src/storage/car.ts";
import { CID } from "../../src/types/cid.ts";
import fixture from "../fixtures/actors/upgrade-v2.json" with { type: "json" };
import { sourceOf } from "../support/bytes-source.ts";
import { readShared } from "../support/vectors.ts";

const car = await readShared("chains/mainnet-epochs-0-39.car");
const absent = car === null;
if (absent) console.warn("skipped: no chains/mainnet-epochs-0-39.car; set FILIGREE_VECTORS to the folder that has it");
const bytesOf = (): Uint8Array => (car as Uint8Array).slice();

const trusting = { verifyPoSt: () => true, verifySeal: () => true };
let report: ReplayReport | undefined;
async function replay(): Promise<ReplayReport> {
  report ??= await replayChain(bytesOf(), { proofs: trusting, hashes: await loadCrypto() });
  return report;
}

test.skipIf(absent)("every state root and receipts root of epochs 0 to 39 is what the headers claim", async () => {
  const { tipsets, messages, nullRounds, lastEpoch } = await replay();
  expect({ tipsets, messages, nullRounds, lastEpoch }).toEqual({
    tipsets: 31,
    messages: 213,
    nullRounds: 7,
    lastEpoch: 39,
  });
});

test.skipIf(absent)(
  "a snapshot of format 2, whose root is its metadata, is the same chain, in memory as read where it lies",
  async () => {
    const { roots, blocks } = readCar(bytesOf());
    const metadata = encodeMetadata({ head: roots.map((root) => CID.decode(root)), f3: null });
    const options = { proofs: trusting, hashes: await loadCrypto() };
    const wrapped = writeCar([metadata.cid], [metadata, ...blocks]);
    const opened = await Promise.all([wrapped, sourceOf(wrapped)].map((one) => openRecorded(one, options)));
    const plain = await openRecorded(bytesOf(), options);
    for (const { tipsets } of opened)
      expect(tipsets.map(({ key }) => `${key}`)).toEqual(plain.tipsets.map(({ key }) => `${key}`));
  },
);

test.skipIf(absent)("a changed block is refused by its CID", async () => {
  const bytes = bytesOf();
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
  const hashes = await loadCrypto();
  await expect(replayChain(bytes, { proofs: trusting, hashes })).rejects.toMatchObject({ data: { code: "BAD_BLOCK" } });
});

test.skipIf(absent)("the upgrade to the second actors gives the official module's tree", async () => {
  const { store, stateRoot } = await replay();
  expect(stateRoot).toBe(fixture.stateRoot);
  for (const { priorEpoch, actors } of fixture.upgrades) {
    const made = new Map<string, Uint8Array>();
    const root = await MIGRATIONS["actors-v2"](
      CID.parse(stateRoot),
      priorEpoch,
      {
        peek: (cid) => store.peek(cid),
        put: (block) => made.set(`${CID.decode(block.cid)}`, block.bytes),
      },
      {},
    );
    const [version, map] = dagCbor.decode(made.get(`${root}`) as Uint8Array) as [number, CID];
    expect(version).toBe(1);
    expect(`${map}`).toBe(actors);
  }
});
