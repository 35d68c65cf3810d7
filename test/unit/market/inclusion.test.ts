/** A deal's piece in its sector: what a provider shows is held against what the chain has there. */
import { expect, test } from "vitest";
import { loadProofs } from "../../../src/core/proofs.ts";
import {
  checkInclusion,
  commDOnChain,
  decodeInclusion,
  encodeInclusion,
  type Inclusion,
} from "../../../src/market/storage/inclusion.ts";
import type { DealProposal } from "../../../src/market/storage/proposal.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { proveInclusion } from "../../../src/sector/piece/inclusion.ts";
import { PieceHasher } from "../../../src/sector/piece/pieces.ts";
import { Address } from "../../../src/types/address.ts";

const proofs = await loadProofs();
const SECTOR = 2048;

const pieces = [1, 2].map((n) => new PieceHasher(proofs).update(new Uint8Array(100 * n).fill(n)).digest());
const deals = pieces.map(({ commP, paddedSize }, i) => ({
  id: 7 + i,
  proposal: {
    ...{ pieceCid: pieceCidV1(commP), pieceSize: BigInt(paddedSize), verified: false, label: "" },
    ...{ client: Address.id(1), provider: Address.id(2), startEpoch: 1n, endEpoch: 2n, pricePerEpoch: 1n },
    ...{ providerCollateral: 0n, clientCollateral: 0n },
  } satisfies DealProposal,
}));
const onChain = { sectorBytes: SECTOR, deals, pieces };

function shown(index: number): Inclusion {
  const { offset, path } = proveInclusion(proofs, SECTOR, pieces, index);
  const steps = path.steps.map(({ index: at, siblings }) => ({ index: at, sibling: siblings[0] as Uint8Array }));
  return { sector: 3, offset, sectorBytes: SECTOR, steps };
}

test("what is shown survives the wire, and leads to the CommD of the chain's deals", () => {
  for (const [i, { id }] of deals.entries()) {
    const found = decodeInclusion(encodeInclusion(shown(i))) as Inclusion;
    expect(found).toEqual(shown(i));
    expect(checkInclusion(proofs, onChain, id, found)).toEqual(commDOnChain(proofs, onChain));
  }
  expect(decodeInclusion(encodeInclusion(null))).toBeNull();
});

test("another place, another path, another sector, and deals that the chain does not have there show nothing", () => {
  const right = shown(0);
  const no = (change: Partial<Inclusion>, deal = 7, chain = onChain) =>
    expect(() => checkInclusion(proofs, chain, deal, { ...right, ...change })).toThrow(
      /is not shown to be in sector 3/,
    );
  no({ offset: 256 });
  no({ sectorBytes: 4096 });
  no({ steps: right.steps.slice(1) });
  no({ steps: right.steps.map(({ index, sibling }) => ({ index, sibling: sibling.map((byte) => byte ^ 1) })) });
  no({ steps: right.steps.map(({ sibling }) => ({ index: 2, sibling })) });
  no({}, 8);
  no({}, 9);
  no({}, 7, { sectorBytes: SECTOR, deals: deals.slice(0, 1), pieces: pieces.slice(0, 1) });
  for (const bad of [[0x80], [0x84, 1, 1, 1, 1], [0xff], [0x84, 0x20, 1, 1, 0x80]])
    expect(() => decodeInclusion(Uint8Array.from(bad))).toThrow(/not a proof of inclusion/);
});
