/**
 * What is reserved of balances in the storage market, and which messages that add to them are under way. Survives a restart.
 * Source: lotus chain/market/fundmanager.go, which waits for a message before the next; here those under way are counted.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { Turns } from "../base/turns.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";

const PREFIX = "market/reserved/";

export type Adding = { readonly cid: string; readonly amount: bigint };
export type Funds = {
  /** attoFIL that must stay in the balance. */
  readonly reserved: bigint;
  readonly adding: readonly Adding[];
};

type Stored = {
  readonly reserved: string;
  readonly adding: readonly { readonly cid: string; readonly amount: string }[];
};

export class FundBook {
  private readonly blocks: BlockStore;
  private readonly turns = new Turns();

  constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  async of(id: Address): Promise<Funds> {
    const bytes = await this.blocks.metadata(PREFIX + id);
    if (bytes === undefined) return { reserved: 0n, adding: [] };
    const { reserved, adding } = JSON.parse(fromUtf8(bytes)) as Stored;
    return { reserved: BigInt(reserved), adding: adding.map(({ cid, amount }) => ({ cid, amount: BigInt(amount) })) };
  }

  /** Changes the funds of an actor; nobody else changes any meanwhile. What `work` gives is kept before this resolves. */
  change<Result>(
    id: Address,
    work: (funds: Funds) => Promise<{ readonly funds: Funds; readonly result: Result }>,
  ): Promise<Result> {
    return this.turns.run(async () => {
      const { funds, result } = await work(await this.of(id));
      const isEmpty = funds.reserved === 0n && funds.adding.length === 0;
      const stored: Stored = {
        reserved: funds.reserved.toString(),
        adding: funds.adding.map(({ cid, amount }) => ({ cid, amount: amount.toString() })),
      };
      const value = isEmpty ? null : utf8(JSON.stringify(stored));
      await this.blocks.write({ metadata: [[PREFIX + id, value]] }, { sync: true });
      return result;
    });
  }
}
