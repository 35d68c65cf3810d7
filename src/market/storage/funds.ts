/**
 * Balances in the storage market as this node manages them: what is reserved, in all and for single deals, and which
 * messages that add to a balance are under way. Survives a restart: a message is written down before the pool has it.
 * Source: lotus chain/market/fundmanager.go, which waits for a message before the next; here those under way are counted.
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { Turns } from "../../base/turns.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { signedMessageCid } from "../../types/message.ts";
import type { Draft } from "../paych/chain-access.ts";
import type { MarketChain } from "./chain-access.ts";
import { DealError } from "./errors.ts";
import { type DealProposal, proposalCid } from "./proposal.ts";

const PREFIX = "market/reserved/";
/** Messages to one balance that may be under way. */
const MAX_ADDING = 100;
/** Looks at a head that moves meanwhile. */
const MAX_LOOKS = 5;

/** attoFIL, and the CID by which the market has the proposal once it is published: from then on it locks the amount itself. */
export type Hold = { readonly amount: bigint; readonly onChain: string | null };
export type Adding = { readonly cid: string; readonly amount: bigint };
export type Funds = {
  /** attoFIL that must stay in the balance, beside what is held for deals. */
  readonly reserved: bigint;
  /** What is held for single deals, by their names: each once, however often it is asked for. */
  readonly holds: ReadonlyMap<string, Hold>;
  readonly adding: readonly Adding[];
};

type Stored = {
  readonly reserved: string;
  readonly holds?: Readonly<Record<string, string>>;
  readonly published?: Readonly<Record<string, string>>;
  readonly adding: readonly { readonly cid: string; readonly amount: string }[];
};

export type FundOptions = {
  readonly blocks: BlockStore;
  readonly chain: MarketChain;
  /** Whether a message waits in the pool. One that does not is in the chain, which `chain` tells of, or is dropped. */
  readonly isWaiting: (cid: CID) => boolean;
};

export function totalOf({ reserved, holds }: Funds): bigint {
  return [...holds.values()].reduce((sum, { amount }) => sum + amount, reserved);
}

export class MarketFunds {
  private readonly options: FundOptions;
  private readonly turns = new Turns();

  constructor(options: FundOptions) {
    this.options = options;
  }

  /** What is kept of an actor's funds. `id`: ID address, as everywhere here. */
  of(id: Address): Promise<Funds> {
    return readFunds(this.options.blocks, id);
  }

  /** Reserves more; what the balance lacks is sent to it from a key of this node. CID of that message, or null. */
  reserve(wallet: Address, id: Address, amount: bigint): Promise<CID | null> {
    return this.cover(wallet, id, (funds) => ({ ...funds, reserved: funds.reserved + amount }));
  }

  /** As `reserve`, for one deal: asked for again, it is held once. */
  async hold(
    wallet: Address,
    id: Address,
    deal: string,
    amount: bigint,
    proposal: DealProposal | null = null,
  ): Promise<CID | null> {
    const normalised = proposal === null ? null : await this.options.chain.normalised(proposal);
    const onChain = normalised === null ? null : `${proposalCid(normalised)}`;
    return this.cover(wallet, id, (funds) => ({
      ...funds,
      holds: new Map(funds.holds).set(deal, { amount, onChain }),
    }));
  }

  /** Reserves less; never less than nothing, and nothing that is held for deals. */
  release(id: Address, amount: bigint): Promise<void> {
    return this.turns.run(async () => {
      const funds = await this.of(id);
      await this.write(id, { ...funds, reserved: funds.reserved > amount ? funds.reserved - amount : 0n });
    });
  }

  /** Holds nothing for a deal any more: the market has locked it, or the deal has failed. */
  drop(id: Address, deal: string): Promise<void> {
    return this.turns.run(async () => {
      const funds = await this.of(id);
      if (!funds.holds.has(deal)) return;
      const holds = new Map(funds.holds);
      holds.delete(deal);
      await this.write(id, { ...funds, holds });
    });
  }

  /** Whether all that is reserved is in the balance now. */
  async isCovered(id: Address): Promise<boolean> {
    const { funds, free, coming } = await this.free(id);
    return totalOf(funds) <= free - coming;
  }

  /** Sends funds of a key to a balance. */
  add(wallet: Address, to: Address, amount: bigint): Promise<CID> {
    return this.send(this.options.chain.addBalanceDraft(wallet, to, amount), async () => undefined);
  }

  /** Takes funds out of a balance, but not what is reserved. */
  withdraw(wallet: Address, of: Address, id: Address, amount: bigint): Promise<CID> {
    const { chain } = this.options;
    return this.turns.run(async () => {
      const reserved = totalOf(await this.of(id));
      const { escrow, locked } = await chain.escrow(id);
      if (amount > 0n && reserved > 0n && amount > escrow - locked - reserved)
        throw new DealError(
          { code: "LIMIT" },
          `insufficient funds for withdrawal of ${filText(amount)} (reserved: ${filText(reserved)})`,
        );
      return this.send(chain.withdrawDraft(wallet, of, amount), async () => undefined);
    });
  }

  private cover(wallet: Address, id: Address, change: (funds: Funds) => Funds): Promise<CID | null> {
    return this.turns.run(async () => {
      const { funds: before, free } = await this.free(id);
      const funds = change(before);
      const lacking = totalOf(funds) - free;
      if (lacking <= 0n) {
        await this.write(id, funds);
        return null;
      }
      if (funds.adding.length >= MAX_ADDING)
        throw new DealError({ code: "LIMIT" }, `${MAX_ADDING} messages to this balance wait; wait for some of them`);
      return this.send(this.options.chain.addBalanceDraft(wallet, id, lacking), (cid) =>
        this.write(id, { ...funds, adding: [...funds.adding, { cid: `${cid}`, amount: lacking }] }),
      ).catch(async (error: unknown) => {
        // Nobody has the message: what was written of it goes. One that the pool took is found under way.
        await this.write(id, before);
        throw error;
      });
    });
  }

  /**
   * Funds without the messages that were executed or dropped, and what the balance has free for them or soon will have: with what
   * the market has locked already of what is still held. `coming`: how much of it is under way.
   */
  private async free(id: Address): Promise<{ readonly funds: Funds; readonly free: bigint; readonly coming: bigint }> {
    const { chain, isWaiting } = this.options;
    for (let attempt = 1; ; attempt++) {
      const { epoch } = chain;
      const before = await this.of(id);
      // The pool first: what has left it by now is in the chain that is read next. The other way round it would be missed,
      // and sent again.
      const adding = before.adding.filter(({ cid }) => isWaiting(parseCid(cid)));
      const { escrow, locked } = await chain.escrow(id);
      let lockedOfHolds = 0n;
      for (const { amount, onChain } of before.holds.values())
        if (onChain !== null && (await chain.isPending(parseCid(onChain)))) lockedOfHolds += amount;
      const coming = adding.reduce((sum, { amount }) => sum + amount, 0n);
      // What left the pool for a block meanwhile was counted twice.
      if (chain.epoch === epoch || attempt === MAX_LOOKS)
        return { funds: { ...before, adding }, free: escrow - locked + lockedOfHolds + coming, coming };
    }
  }

  private async send(draft: Draft, keep: (cid: CID) => Promise<void>): Promise<CID> {
    let sent: CID | null = null;
    await this.options.chain.messages.send(draft, async (signed) => {
      sent = signedMessageCid(signed);
      await keep(sent);
    });
    return sent as unknown as CID;
  }

  private async write(id: Address, { reserved, holds, adding }: Funds): Promise<void> {
    const isEmpty = reserved === 0n && holds.size === 0 && adding.length === 0;
    const published = [...holds].flatMap(([name, { onChain }]) => (onChain === null ? [] : [[name, onChain] as const]));
    const stored: Stored = {
      reserved: reserved.toString(),
      ...(holds.size === 0
        ? {}
        : { holds: Object.fromEntries([...holds].map(([name, { amount }]) => [name, amount.toString()])) }),
      ...(published.length === 0 ? {} : { published: Object.fromEntries(published) }),
      adding: adding.map(({ cid, amount }) => ({ cid, amount: amount.toString() })),
    };
    const value = isEmpty ? null : utf8(JSON.stringify(stored));
    await this.options.blocks.write({ metadata: [[PREFIX + id, value]] }, { sync: true });
  }
}

/** What a store keeps of an actor's funds. */
export async function readFunds(blocks: Pick<BlockStore, "metadata">, id: Address): Promise<Funds> {
  const bytes = await blocks.metadata(PREFIX + id);
  if (bytes === undefined) return { reserved: 0n, holds: new Map(), adding: [] };
  const { reserved, holds = {}, published = {}, adding } = JSON.parse(fromUtf8(bytes)) as Stored;
  return {
    reserved: BigInt(reserved),
    holds: new Map(
      Object.entries(holds).map(([name, amount]) => [
        name,
        { amount: BigInt(amount), onChain: published[name] ?? null },
      ]),
    ),
    adding: adding.map(({ cid, amount }) => ({ cid, amount: BigInt(amount) })),
  };
}
