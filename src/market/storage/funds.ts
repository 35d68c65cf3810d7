/**
 * Balances in the storage market as this node manages them: what is reserved, in all and for single deals, and which
 * messages that add to a balance, or take from it, are under way. Survives a restart: a message is written down before the pool
 * has it. Deals that were held earlier are covered first, so that none waits for all that come after it.
 * Source: lotus chain/market/fundmanager.go, which waits for a message before the next; here those under way are counted.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from "../../base/bytes.ts";
import { Turns } from "../../base/turns.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { decodeSignedMessage, encodeSignedMessage, type Message, signedMessageCid } from "../../types/message.ts";
import type { Draft } from "../paych/chain-access.ts";
import type { MarketChain } from "./chain-access.ts";
import { DealError } from "./errors.ts";
import { type DealProposal, proposalCid } from "./proposal.ts";

const PREFIX = "market/reserved/";
/** Messages to one balance, and out of it, that may be under way; what deals lack beyond is sent together, when there is room. */
const MAX_ADDING = 100;
const MAX_ADDING_OF_DEALS = 8;
/** Looks at a head that moves meanwhile. */
const MAX_LOOKS = 5;

/** attoFIL, and the CID by which the market has the proposal once it is published: from then on it locks the amount itself. */
export type Hold = { readonly amount: bigint; readonly onChain: string | null };
export type Adding = {
  readonly cid: string;
  readonly amount: bigint;
  /** The signed message, by which it is known when it is given a higher fee by hand; null in records of before. */
  readonly signed: Uint8Array | null;
};
export type Funds = {
  /** attoFIL that must stay in the balance, beside what is held for deals. */
  readonly reserved: bigint;
  /** What is held for single deals, by their names: each once, however often it is asked for. */
  readonly holds: ReadonlyMap<string, Hold>;
  readonly adding: readonly Adding[];
  /** What is taken out of the balance, and is in it yet. */
  readonly taking: readonly Adding[];
};

const NOTHING: Funds = { reserved: 0n, holds: new Map(), adding: [], taking: [] };

type Stored = {
  readonly reserved: string;
  readonly holds?: Readonly<Record<string, string>>;
  readonly published?: Readonly<Record<string, string>>;
  readonly adding: readonly StoredMessage[];
  readonly taking?: readonly StoredMessage[];
};
type StoredMessage = { readonly cid: string; readonly amount: string; readonly signed?: string };

export type FundOptions = {
  readonly blocks: BlockStore;
  readonly chain: MarketChain;
  /**
   * Whether a message waits in the pool, with the fee that it had or another. One that does not is in the chain, which `chain` tells
   * of, or is dropped. `message`: null where only its CID is known.
   */
  readonly isWaiting: (cid: CID, message: Message | null) => boolean;
};

type Sent = Pick<Adding, "cid" | "signed">;

type Balance = {
  /** As they were written last. */
  readonly kept: Funds;
  readonly funds: Funds;
  readonly free: bigint;
  readonly coming: bigint;
  /** Of what is held for deals: what the market has locked for them already. */
  readonly lockedOfHolds: bigint;
};

export function totalOf({ reserved, holds }: Funds): bigint {
  return [...holds.values()].reduce((sum, { amount }) => sum + amount, reserved);
}

/** What is reserved for everything up to a deal, in the order in which deals came. */
function totalUpTo({ reserved, holds }: Funds, deal: string): bigint {
  let sum = reserved;
  for (const [name, { amount }] of holds) {
    sum += amount;
    if (name === deal) break;
  }
  return sum;
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
    return this.cover(wallet, id, (funds, hasRoom) => {
      if (!hasRoom) throw tooMany();
      return { ...funds, reserved: funds.reserved + amount };
    });
  }

  /**
   * As `reserve`, for one deal: asked for again, it is held once. Where too many messages are under way nothing is sent, and what
   * is lacking is sent when it is asked for again.
   */
  async hold(
    wallet: Address,
    id: Address,
    deal: string,
    amount: bigint,
    proposal: DealProposal | null = null,
  ): Promise<CID | null> {
    const held = await this.heldFor(amount, proposal);
    return this.cover(wallet, id, (funds) => {
      const before = funds.holds.get(deal);
      // Each head asks for it again, of every deal that waits.
      if (before?.amount === held.amount && before.onChain === held.onChain) return funds;
      return { ...funds, holds: new Map(funds.holds).set(deal, held) };
    });
  }

  /** As `hold`, for a deal that the chain has taken back, with its funds: they were there, and nothing is sent. */
  async holdAgain(id: Address, deal: string, amount: bigint, proposal: DealProposal): Promise<void> {
    const held = await this.heldFor(amount, proposal);
    await this.turns.run(async () => {
      const funds = await this.of(id);
      await this.write(id, { ...funds, holds: new Map(funds.holds).set(deal, held) });
    });
  }

  private async heldFor(amount: bigint, proposal: DealProposal | null): Promise<Hold> {
    const normalised = proposal === null ? null : await this.options.chain.normalised(proposal);
    return { amount, onChain: normalised === null ? null : `${proposalCid(normalised)}` };
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

  /** Whether all that is reserved is in the balance now; or what is held for a deal, behind what came before it. */
  async isCovered(id: Address, deal: string | null = null): Promise<boolean> {
    const { funds, free, coming } = await this.free(id);
    if (deal !== null && !funds.holds.has(deal)) return false;
    return (deal === null ? totalOf(funds) : totalUpTo(funds, deal)) <= free - coming;
  }

  /** What of the balance is reserved beside what the market has locked: what is held for a published deal is there once, not twice. */
  async reservedOf(id: Address): Promise<bigint> {
    const { funds, lockedOfHolds } = await this.free(id);
    return totalOf(funds) - lockedOfHolds;
  }

  /** Sends funds of a key to a balance, by whatever address; what is reserved next counts on it. */
  async add(wallet: Address, to: Address, amount: bigint): Promise<CID> {
    const { chain } = this.options;
    const draft = chain.addBalanceDraft(wallet, to, amount);
    const id = await chain.messages.idOf(to);
    // The balance of nobody whom the chain knows yet is reserved for nothing.
    if (id === null) return this.send(draft, async () => undefined);
    return this.turns.run(async () => {
      const { funds } = await this.free(id);
      if (funds.adding.length >= MAX_ADDING) throw tooMany();
      return this.noted(id, funds, draft, (sent) => ({ ...funds, adding: [...funds.adding, { ...sent, amount }] }));
    });
  }

  /** Takes funds out of a balance, but not what is reserved, and not what is being taken already. */
  withdraw(wallet: Address, of: Address, id: Address, amount: bigint): Promise<CID> {
    const { chain } = this.options;
    return this.turns.run(async () => {
      const { funds, free, coming, lockedOfHolds } = await this.free(id);
      const reserved = totalOf(funds) - lockedOfHolds;
      if (amount > 0n && reserved > 0n && amount > free - lockedOfHolds - coming - reserved)
        throw new DealError(
          { code: "LIMIT" },
          `insufficient funds for withdrawal of ${filText(amount)} (reserved: ${filText(reserved)})`,
        );
      if (funds.taking.length >= MAX_ADDING) throw tooMany();
      return this.noted(id, funds, chain.withdrawDraft(wallet, of, amount), (sent) => ({
        ...funds,
        taking: [...funds.taking, { ...sent, amount }],
      }));
    });
  }

  /** `change` is told whether there is room for a message more. */
  private cover(wallet: Address, id: Address, change: (funds: Funds, hasRoom: boolean) => Funds): Promise<CID | null> {
    return this.turns.run(async () => {
      const { kept, funds: before, free } = await this.free(id);
      const { adding } = before;
      const funds = change(before, adding.length < MAX_ADDING);
      const lacking = totalOf(funds) - free;
      if (lacking <= 0n || adding.length >= MAX_ADDING_OF_DEALS) {
        const isAsKept =
          funds === before && adding.length === kept.adding.length && before.taking.length === kept.taking.length;
        if (!isAsKept) await this.write(id, funds);
        return null;
      }
      return this.noted(id, before, this.options.chain.addBalanceDraft(wallet, id, lacking), (sent) => ({
        ...funds,
        adding: [...adding, { ...sent, amount: lacking }],
      }));
    });
  }

  /** Sends a message; what it makes of the funds is written before the pool has it, and taken back if the pool does not take it. */
  private async noted(id: Address, before: Funds, draft: Draft, after: (sent: Sent) => Funds): Promise<CID> {
    try {
      return await this.send(draft, (sent) => this.write(id, after(sent)));
    } catch (error) {
      await this.write(id, before);
      throw error;
    }
  }

  /**
   * Funds without the messages that were executed or dropped, and what the balance has free for them or soon will have: with what
   * the market has locked already of what is still held, and without what is being taken out. `coming`: how much of it is under way.
   */
  private async free(id: Address): Promise<Balance> {
    const { chain, isWaiting } = this.options;
    for (let attempt = 1; ; attempt++) {
      const { epoch } = chain;
      const before = await this.of(id);
      // The pool first: what has left it by now is in the chain that is read next. The other way round it would be missed,
      // and sent again.
      const waits = ({ cid, signed }: Adding): boolean =>
        isWaiting(parseCid(cid), signed === null ? null : decodeSignedMessage(signed).message);
      const [adding, taking] = [before.adding.filter(waits), before.taking.filter(waits)];
      const { escrow, locked } = await chain.escrow(id);
      const holds = [...before.holds.values()];
      const pending = await chain.pendingOf(holds.flatMap(({ onChain }) => onChain ?? []));
      let lockedOfHolds = 0n;
      for (const { amount, onChain } of holds) if (onChain !== null && pending.has(onChain)) lockedOfHolds += amount;
      const coming = sumOf(adding);
      // The market gives what it has free, however much is asked for.
      const most = escrow - locked + coming;
      const leaving = sumOf(taking);
      const free = most + lockedOfHolds - (leaving < most ? leaving : most);
      // What left the pool for a block meanwhile was counted twice.
      if (chain.epoch === epoch || attempt === MAX_LOOKS)
        return { kept: before, funds: { ...before, adding, taking }, free, coming, lockedOfHolds };
    }
  }

  private async send(draft: Draft, keep: (sent: Sent) => Promise<void>): Promise<CID> {
    let sent: CID | null = null;
    await this.options.chain.messages.send(draft, async (signed) => {
      sent = signedMessageCid(signed);
      await keep({ cid: `${sent}`, signed: encodeSignedMessage(signed) });
    });
    return sent as unknown as CID;
  }

  private async write(id: Address, { reserved, holds, adding, taking }: Funds): Promise<void> {
    const isEmpty = reserved === 0n && holds.size === 0 && adding.length === 0 && taking.length === 0;
    const published = [...holds].flatMap(([name, { onChain }]) => (onChain === null ? [] : [[name, onChain] as const]));
    const stored: Stored = {
      reserved: reserved.toString(),
      ...(holds.size === 0
        ? {}
        : { holds: Object.fromEntries([...holds].map(([name, { amount }]) => [name, amount.toString()])) }),
      ...(published.length === 0 ? {} : { published: Object.fromEntries(published) }),
      adding: adding.map(storedMessage),
      ...(taking.length === 0 ? {} : { taking: taking.map(storedMessage) }),
    };
    const value = isEmpty ? null : utf8(JSON.stringify(stored));
    await this.options.blocks.write({ metadata: [[PREFIX + id, value]] }, { sync: true });
  }
}

const sumOf = (messages: readonly Adding[]): bigint => messages.reduce((sum, { amount }) => sum + amount, 0n);
const storedMessage = ({ cid, amount, signed }: Adding): StoredMessage => ({
  ...{ cid, amount: amount.toString() },
  ...(signed === null ? {} : { signed: toBase64(signed) }),
});
const messageOf = ({ cid, amount, signed }: StoredMessage): Adding => ({
  ...{ cid, amount: BigInt(amount) },
  signed: signed === undefined ? null : fromBase64(signed),
});

function tooMany(): DealError {
  return new DealError({ code: "LIMIT" }, `${MAX_ADDING} messages to this balance wait; wait for some of them`);
}

/** What a store keeps of an actor's funds. */
export async function readFunds(blocks: Pick<BlockStore, "metadata">, id: Address): Promise<Funds> {
  const bytes = await blocks.metadata(PREFIX + id);
  if (bytes === undefined) return NOTHING;
  const { reserved, holds = {}, published = {}, adding, taking = [] } = JSON.parse(fromUtf8(bytes)) as Stored;
  return {
    reserved: BigInt(reserved),
    holds: new Map(
      Object.entries(holds).map(([name, amount]) => [
        name,
        { amount: BigInt(amount), onChain: published[name] ?? null },
      ]),
    ),
    adding: adding.map(messageOf),
    taking: taking.map(messageOf),
  };
}
