/** Headers for tests that need a chain's shape and nothing of its meaning. */
import { Address } from "../../src/types/address.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../../src/types/block-header.ts";
import { type CID, cidOfBlock } from "../../src/types/cid.ts";

export function cidNumber(n: number): CID {
  return cidOfBlock(Uint8Array.of(0x19, n >> 8, n & 255));
}

export function plainHeader(over: Partial<BlockHeader> = {}): BlockHeader {
  return {
    miner: Address.id(1000),
    ticket: new Uint8Array(96).fill(7),
    electionProof: { winCount: 1n, vrfProof: new Uint8Array(96).fill(8) },
    beaconEntries: [{ round: 1n, data: new Uint8Array(96).fill(9) }],
    winPoStProof: [],
    parents: [],
    parentWeight: 0n,
    height: 0,
    parentStateRoot: cidNumber(1),
    parentMessageReceipts: cidNumber(2),
    messages: cidNumber(3),
    blsAggregate: { type: 2, data: new Uint8Array(96) },
    timestamp: 1_600_000_000n,
    blockSig: { type: 2, data: new Uint8Array(96) },
    forkSignaling: 0n,
    parentBaseFee: 100n,
    ...over,
  };
}

/** Tipsets from the genesis up, with the given number of blocks each; heights may have gaps. */
export function plainChain(heights: readonly number[], blocks = 1, seed = 0): Tipset[] {
  const chain: Tipset[] = [];
  for (const height of heights) {
    const parents = chain[chain.length - 1]?.key ?? [];
    chain.push(
      makeTipset(
        Array.from({ length: height === 0 ? 1 : blocks }, (_, i) =>
          plainHeader({
            height,
            parents,
            miner: Address.id(1000 + i),
            ticket: new Uint8Array(96).fill((height * 31 + i * 7 + seed) & 255),
            parentWeight: BigInt(height),
          }),
        ),
      ),
    );
  }
  return chain;
}
