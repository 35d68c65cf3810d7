/**
 * One miner's try for a block: election, winning PoSt, ticket, and, if it won, a signed header over chosen messages.
 * Source: lotus miner/miner.go (mineOne), chain/gen/gen.go (IsRoundWinner).
 */
import { equal } from "../base/bytes.ts";
import { minTicket } from "../chain/randomness.ts";
import { type MiningBase, type MiningBaseOptions, miningBase } from "../consensus/base-info.ts";
import { electionInput, ticketInput } from "../consensus/draws.ts";
import { chainWeight } from "../consensus/weight.ts";
import { ticketQuality, winCount } from "../consensus/win-count.ts";
import type { BeaconEntry, PoStProof, Tipset } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";
import {
  type BlockCrypto,
  type DraftBlock,
  draftBlock,
  type MadeBlock,
  signBlock,
  signBlockApart,
} from "./draft-block.ts";
import type { HeldMiner, OwnMiner } from "./own-sectors.ts";
import { faultIn, type PostProver } from "./post-prover.ts";
import { signApart } from "./signer.ts";

export type BlockMakerOptions = MiningBaseOptions & {
  readonly crypto: BlockCrypto;
  readonly prover: PostProver;
  /** Sectors that were drawn for winning PoSt and could not be proved. */
  readonly onFault?: (miner: HeldMiner, sectors: readonly number[], why: string) => void;
};

/** A round that a miner won. */
export type Win = {
  readonly miner: HeldMiner;
  readonly epoch: number;
  readonly base: MiningBase;
  readonly parent: Tipset;
  readonly wins: number;
  readonly election: Uint8Array;
  readonly ticket: Uint8Array;
  /** 0 to 1: how likely its ticket is among the smallest. */
  readonly quality: number;
  readonly post: PoStProof;
};

/** What a miner knows when it tries for a block of `epoch` on top of `parent`. */
export type Round = {
  readonly parent: Tipset;
  readonly epoch: number;
  readonly base: MiningBase;
  /** That of the epoch. */
  readonly networkVersion: number;
  /** Its win of the same epoch on another parent, whose proof of spacetime holds here too if the same sector was drawn. */
  readonly before: Win | null;
};

export type AttemptParts = Pick<BlockMakerOptions, "prover" | "onFault"> & {
  /** BLS signature of the worker. */
  readonly sign: (input: Uint8Array) => Promise<Uint8Array>;
};

/** One miner's try; null if it did not win, may not, or has lost the sector drawn. */
export async function attempt(
  parts: AttemptParts,
  miner: HeldMiner,
  { parent, epoch, base, networkVersion, before }: Round,
): Promise<Win | null> {
  if (base.notEligible !== null) return null;
  const beacon = base.entries[base.entries.length - 1] ?? base.previousEntry;
  const draw = { beacon, epoch, miner: miner.address };
  const election = await parts.sign(electionInput(draw));
  const wins = winCount(election, base.minerPower, base.networkPower);
  if (wins < 1) return null;
  const ticket = await parts.sign(ticketInput(draw, minTicket(parent), networkVersion));
  const isSame =
    before !== null &&
    equal(before.base.postRandomness, base.postRandomness) &&
    before.base.sectors[0]?.number === base.sectors[0]?.number;
  const post = isSame ? before.post : await winningPost(parts, miner, base);
  if (post === null) return null;
  return { miner, epoch, base, parent, wins, election, ticket, quality: ticketQuality(ticket), post };
}

/** Null where the sector that was drawn cannot be proved: the win is lost. */
async function winningPost(
  { prover, onFault }: AttemptParts,
  miner: HeldMiner,
  { postRandomness, sectors }: MiningBase,
): Promise<PoStProof | null> {
  const [drawn] = sectors;
  if (drawn === undefined) return null;
  try {
    return await prover.winning(miner, postRandomness, Number(drawn.number), drawn.sealedCid);
  } catch (error) {
    const { data, message } = faultIn(error);
    onFault?.(miner, data.sectors, message);
    return null;
  }
}

/** Makes blocks in a node, with the keys of its miners' workers. */
export class BlockMaker {
  private readonly options: BlockMakerOptions;

  constructor(options: BlockMakerOptions) {
    this.options = options;
  }

  /** One miner's try for a block of `epoch` on top of `parent`, with the beacon's entries for it; see `attempt`. */
  async tryFor(
    miner: OwnMiner,
    parent: Tipset,
    epoch: number,
    drawn: { readonly previous: BeaconEntry; readonly entries: readonly BeaconEntry[] },
    before: Win | null = null,
  ): Promise<Win | null> {
    const { crypto, states } = this.options;
    const base = await miningBase(this.options, parent, epoch, miner.address, drawn);
    if (base === null) return null;
    const sign = async (input: Uint8Array) => (await signApart(crypto, miner.worker, input)).data;
    const networkVersion = states.networkVersionAt(epoch);
    return attempt({ ...this.options, sign }, miner, { parent, epoch, base, networkVersion, before });
  }

  /** Makes the signed block of a win. `baseFee`: what `parent` gives. */
  async make(
    win: Win,
    worker: OwnMiner["worker"],
    chosen: readonly SignedMessage[],
    baseFee: bigint,
  ): Promise<MadeBlock> {
    return signBlockApart(this.options.crypto, await this.draft(win, chosen, baseFee), worker);
  }

  /** Signs a block; whoever signs more than one block of an epoch is punished (`slash-filter.ts`). */
  sign(draft: DraftBlock, worker: OwnMiner["worker"]): MadeBlock {
    return signBlock(this.options.crypto, draft, worker);
  }

  /** Makes the block of a win without a signature. */
  async draft(win: Win, chosen: readonly SignedMessage[], baseFee: bigint): Promise<DraftBlock> {
    const { parent, epoch } = win;
    const spec = {
      parent,
      epoch,
      baseFee,
      miner: win.miner.address,
      ticket: win.ticket,
      electionProof: { winCount: BigInt(win.wins), vrfProof: win.election },
      beaconEntries: win.base.entries,
      winPoStProof: [win.post],
      parentWeight: await chainWeight(this.options.states, parent),
    };
    return draftBlock(this.options, spec, chosen);
  }
}
