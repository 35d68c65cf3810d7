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
import { signBytes } from "../keys/keys.ts";
import type { BeaconEntry, PoStProof, Tipset } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";
import { type BlockCrypto, type DraftBlock, draftBlock, type MadeBlock, signBlock } from "./draft-block.ts";
import type { OwnMiner } from "./own-sectors.ts";
import { faultIn, type PostProver } from "./post-prover.ts";

export type BlockMakerOptions = MiningBaseOptions & {
  readonly crypto: BlockCrypto;
  readonly prover: PostProver;
  /** Sectors that were drawn for winning PoSt and could not be proved. */
  readonly onFault?: (miner: OwnMiner, sectors: readonly number[], why: string) => void;
};

/** A round that a miner won. */
export type Win = {
  readonly miner: OwnMiner;
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

export class BlockMaker {
  private readonly options: BlockMakerOptions;

  constructor(options: BlockMakerOptions) {
    this.options = options;
  }

  /**
   * Tries for a block of `epoch` on top of `parent`; null if the miner did not win, may not, or has lost the sector drawn. `before`: its win of the
   * same epoch on another parent, whose proof of spacetime holds here too if the same sector was drawn.
   */
  async tryFor(
    miner: OwnMiner,
    parent: Tipset,
    epoch: number,
    drawn: { readonly previous: BeaconEntry; readonly entries: readonly BeaconEntry[] },
    before: Win | null = null,
  ): Promise<Win | null> {
    const { crypto, states } = this.options;
    const base = await miningBase(this.options, parent, epoch, miner.address, drawn);
    if (base === null || base.notEligible !== null) return null;
    const beacon = base.entries[base.entries.length - 1] ?? base.previousEntry;
    const draw = { beacon, epoch, miner: miner.address };
    const election = signBytes(crypto, miner.worker, electionInput(draw)).data;
    const wins = winCount(election, base.minerPower, base.networkPower);
    if (wins < 1) return null;
    const input = ticketInput(draw, minTicket(parent), states.networkVersionAt(epoch));
    const ticket = signBytes(crypto, miner.worker, input).data;
    const [sector] = base.sectors;
    const isSame =
      before !== null &&
      equal(before.base.postRandomness, base.postRandomness) &&
      before.base.sectors[0]?.number === sector?.number;
    const post = isSame ? before.post : await this.winningPost(miner, base);
    if (post === null) return null;
    return { miner, epoch, base, parent, wins, election, ticket, quality: ticketQuality(ticket), post };
  }

  /** Null where the sector that was drawn cannot be proved: the win is lost. */
  private async winningPost(miner: OwnMiner, { postRandomness, sectors }: MiningBase): Promise<PoStProof | null> {
    try {
      return await this.options.prover.winning(miner, postRandomness, Number(sectors[0]?.number));
    } catch (error) {
      const { data, message } = faultIn(error);
      this.options.onFault?.(miner, data.sectors, message);
      return null;
    }
  }

  /** Makes the signed block of a win. `baseFee`: what `parent` gives. */
  async make(win: Win, chosen: readonly SignedMessage[], baseFee: bigint): Promise<MadeBlock> {
    return this.sign(await this.draft(win, chosen, baseFee), win.miner);
  }

  /** Signs a block; whoever signs more than one block of an epoch is punished (`slash-filter.ts`). */
  sign(draft: DraftBlock, miner: OwnMiner): MadeBlock {
    return signBlock(this.options.crypto, draft, miner.worker);
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
