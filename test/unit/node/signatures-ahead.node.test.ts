/** Signatures of fetched blocks are verified in workers, and validation finds them: the same answers, none asked for twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { SignaturesAhead } from "../../../src/consensus/signatures-ahead.ts";
import type { FullBlock } from "../../../src/consensus/validator.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { LocalVerifier } from "../../../src/node/local-verifier.ts";
import type { BlockHeader, Tipset } from "../../../src/types/block-header.ts";
import { openPeerNode, type PeerNode } from "../../support/peer-nodes.ts";

const EPOCHS = 6;
let node: PeerNode;
let crypto: Crypto;
const tipsets: (readonly FullBlock[])[] = [];
let genesis: Tipset;

beforeAll(async () => {
  crypto = await loadCrypto();
  node = await openPeerNode({ net: { machine: "worker" } });
  const top = await node.mine(EPOCHS);
  const { chain } = node.net.node;
  genesis = await chain.genesis();
  for (let at: Tipset | null = top; at !== null && at.height > 0; at = await chain.parent(at)) {
    const blocks = at.blocks.map(async (header) => ({ header, messages: await chain.messages(header) }));
    tipsets.unshift(await Promise.all(blocks));
  }
}, 60_000);
afterAll(async () => {
  await node.close();
});

/** A verifier that counts what it verifies in this thread. */
async function counting() {
  const counts = { signatures: 0, rounds: 0 };
  const verifier = new LocalVerifier(
    (node.net.local as NonNullable<PeerNode["net"]["local"]>).verification.facts,
    {
      ...crypto,
      blsVerify: (...args) => {
        counts.signatures++;
        return crypto.blsVerify(...args);
      },
      blsVerifyBatch: (signed, random) => {
        counts.signatures += signed.length;
        return crypto.blsVerifyBatch(signed, random);
      },
      drandVerifyQuicknet: (...args) => {
        counts.rounds++;
        return crypto.drandVerifyQuicknet(...args);
      },
    },
    await loadProofs(),
  );
  const { states } = node.net.node;
  const validator = verifier.validator(states, () => Date.now() + 3_600_000);
  return { counts, ahead: verifier.ahead(states), validator };
}
const signal = new AbortController().signal;

test("what was verified ahead is not verified again, and without it everything is", async () => {
  const [plain, helped] = [await counting(), await counting()];
  await helped.ahead(tipsets, genesis.blocks, signal);
  for (const one of [plain, helped])
    for (const blocks of tipsets) await Promise.all(blocks.map((block) => one.validator.validate(block)));
  const blocks = tipsets.flat().length;
  expect(plain.counts).toEqual({ signatures: 3 * blocks, rounds: tipsets.length });
  expect(helped.counts).toEqual({ signatures: 0, rounds: 0 });
});

test("what was given up is verified by validation itself", async () => {
  const helped = await counting();
  const given = new AbortController();
  given.abort(new Error("given up"));
  await helped.ahead(tipsets, genesis.blocks, given.signal);
  const [first] = tipsets[0] as readonly [FullBlock];
  await helped.validator.validate(first);
  expect(helped.counts.signatures).toBe(3);
});

test("of a header with very many beacon entries none is verified ahead", async () => {
  const [first] = (tipsets[0] as readonly FullBlock[]).map(({ header }) => header) as [BlockHeader];
  const [entry] = first.beaconEntries as [BlockHeader["beaconEntries"][number]];
  const withEntries = (count: number): BlockHeader => ({ ...first, beaconEntries: Array(count).fill(entry) });
  const ahead = new SignaturesAhead(node.net.node.states);
  const entries = async (count: number) => (await ahead.of([withEntries(count)], genesis.blocks)).entries.length;
  expect([await entries(3), await entries(8192)]).toEqual([3, 0]);
});

test.each<[string, (header: BlockHeader) => Partial<BlockHeader>, RegExp]>([
  [
    "signature",
    ({ blockSig }) => ({ blockSig: { type: 2, data: flipped(blockSig?.data) } }),
    /not signed by the worker/,
  ],
  ["ticket", ({ ticket }) => ({ ticket: flipped(ticket) }), /ticket is not the worker's/],
  ["length of a ticket", ({ ticket }) => ({ ticket: ticket?.subarray(1) ?? null }), /ticket is not the worker's/],
  [
    "entry",
    ({ beaconEntries: [one] }) => ({ beaconEntries: [{ round: one?.round ?? 0n, data: flipped(one?.data) }] }),
    /./,
  ],
])("a wrong %s is found as without workers", async (_, change, why) => {
  const [block] = tipsets[2] as readonly [FullBlock];
  const wrong = { ...block, header: { ...block.header, ...change(block.header) } };
  const below = (tipsets[1] as readonly FullBlock[]).map(({ header }) => header);
  const [plain, helped] = [await counting(), await counting()];
  await helped.ahead([[wrong]], below, signal);
  const failure = async ({ validator }: typeof plain) =>
    validator.validate(wrong).then(
      () => "none",
      (error: Error & { code?: string }) => `${error.code} ${error.message}`,
    );
  const found = await failure(helped);
  expect(found).toBe(await failure(plain));
  expect(found).toMatch(why);
});

function flipped(bytes: Uint8Array | null | undefined): Uint8Array {
  const out = Uint8Array.from(bytes ?? []);
  out[5] = (out[5] as number) ^ 1;
  return out;
}
