/**
 * A storage market in a test's hands: escrow, published deals and sectors, as the actors keep them, with messages that are
 * executed when the test says so. Nodes on it may die and come back: the chain stays.
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { Crypto } from "../../src/core/crypto.ts";
import { addressOf, signBytes, signMessage, verifyBytes } from "../../src/keys/keys.ts";
import type { MarketChain, OnChainDeal } from "../../src/market/storage/chain-access.ts";
import {
  clientFunds,
  type DealProposal,
  proposalCid,
  signedProposalOf,
  signedProposalTuple,
} from "../../src/market/storage/proposal.ts";
import type { PieceTaker } from "../../src/market/storage/provider-steps.ts";
import { dealDuration } from "../../src/market/storage/rules.ts";
import { EXPORTED } from "../../src/schema/published/exported.ts";
import { sameCall } from "../../src/stmgr/message-search.ts";
import { Address } from "../../src/types/address.ts";
import { bigToBytes } from "../../src/types/amount.ts";
import { type CID, cidOfBlock } from "../../src/types/cid.ts";
import { type Message, type MessageReceipt, type SignedMessage, signedMessageCid } from "../../src/types/message.ts";
import { MARKET } from "../../src/types/singletons.ts";
import { keyOfNumber } from "./paych-chain.ts";

const NOTHING = new Uint8Array(0);
export const MINER = Address.id(1000);
export const COLLATERAL = 5000n;
const PUBLISH = 4n;
const SETTLE = BigInt(EXPORTED.SettleDealPayments);

type Held = { escrow: bigint; locked: bigint };

export class FakeMarket {
  epoch = 10;
  networkVersion = 5;
  readonly crypto: Crypto;
  readonly client: Address;
  readonly worker: Address;
  /** `gone`: the epoch after which the market has the deal no more. */
  readonly deals: {
    proposal: DealProposal;
    activated: number | null;
    slashed: number | null;
    updated: number | null;
    gone: number | null;
  }[] = [];
  /** As from actors v13 on: the market pays when it is asked. */
  paysWhenAsked = false;
  readonly balances = new Map<string, Held>();
  /** Messages that were executed, in their order. */
  readonly executed: SignedMessage[] = [];
  /** Pieces by deal, each time that one was put into a sector. */
  readonly placed: number[] = [];
  /** Sectors that were closed for good. */
  readonly closed: number[] = [];
  private readonly waiting: SignedMessage[] = [];
  private readonly receipts = new Map<string, MessageReceipt>();
  private readonly listeners = new Set<() => void>();
  private readonly sectors = new Map<number, number>();
  private readonly nonces = new Map<string, bigint>();
  /** Deals that the chain, as it is now, never had. */
  private readonly undone = new Set<number>();

  constructor(crypto: Crypto) {
    this.crypto = crypto;
    this.client = addressOf(crypto, keyOfNumber(1));
    this.worker = addressOf(crypto, keyOfNumber(2));
  }

  private keyFor(address: Address) {
    return [keyOfNumber(1), keyOfNumber(2)].find((key) => addressOf(this.crypto, key).equals(address));
  }

  idOf(address: Address): Address | null {
    if (address.equals(this.client)) return Address.id(101);
    if (address.equals(this.worker)) return Address.id(102);
    return address.protocol === 0 ? address : null;
  }

  held(id: Address): Held {
    const held = this.balances.get(`${id}`) ?? { escrow: 0n, locked: 0n };
    this.balances.set(`${id}`, held);
    return held;
  }

  /** An epoch: what waits is executed, sectors with new pieces are proven. */
  mine(): void {
    this.epoch++;
    for (const signed of this.waiting.splice(0)) this.execute(signed);
    for (const deal of this.sectors.keys()) {
      const one = this.deals[deal];
      if (one !== undefined) one.activated ??= this.epoch;
    }
    for (const listener of [...this.listeners]) listener();
  }

  /** The miner gives a deal's sector up before it is proven. */
  giveUp(deal: number): void {
    this.sectors.delete(deal);
  }

  /** Messages that wait for the next epoch. */
  get pool(): readonly SignedMessage[] {
    return this.waiting;
  }

  /** The message of a nonce that waits gets a higher fee, by hand, and with it another CID; or is another altogether. */
  replace({ message }: SignedMessage, more: Partial<Message> = {}): void {
    const at = this.waiting.findIndex((one) => one.message.nonce === message.nonce);
    const priced = { ...message, gasPremium: message.gasPremium + 10n, ...more };
    this.waiting[at] = signMessage(this.crypto, this.keyFor(message.from) as never, priced);
  }

  /** Whether a message waits for the next epoch. */
  get hasWork(): boolean {
    return this.waiting.length > 0;
  }

  private execute(signed: SignedMessage): void {
    const { message } = signed;
    const params = dagCbor.decode(message.params);
    let returned: Uint8Array = NOTHING;
    let exitCode = 0;
    if (message.method === 2n) {
      const id = this.idOf(Address.fromBytes(params as Uint8Array)) as Address;
      this.held(id).escrow += message.value;
    } else if (message.method === 3n) {
      const [of, wanted] = params as [Uint8Array, string];
      const held = this.held(this.idOf(Address.fromBytes(of)) as Address);
      const left = held.escrow - held.locked;
      held.escrow -= left < BigInt(wanted) ? left : BigInt(wanted);
    } else if (message.method === PUBLISH) {
      const proposals = this.proposalsIn(message.params);
      exitCode = this.check(proposals);
      if (exitCode === 0) {
        const ids = proposals.map((proposal) => this.publish(proposal));
        returned = dagCbor.encode([ids]);
      }
    } else if (message.method === SETTLE) {
      exitCode = this.settleExit;
      if (exitCode === 0) returned = dagCbor.encode(this.settle(params as readonly number[]));
    }
    this.executed.push(signed);
    this.receipts.set(`${signedMessageCid(signed)}`, { exitCode, return: returned, gasUsed: 1n });
  }

  /** Exit code of messages that ask for payments. */
  settleExit = 0;

  private settle(ids: readonly number[]): unknown {
    const failed: [number, number][] = [];
    const paid: [Uint8Array, boolean][] = [];
    for (const [index, id] of ids.entries()) {
      const deal = this.deals[id];
      if (deal === undefined || deal.gone !== null) {
        failed.push([index, 32]);
        continue;
      }
      const { startEpoch, endEpoch, pricePerEpoch } = deal.proposal;
      const until = Math.min(this.epoch, Number(endEpoch));
      const payment = BigInt(until - Math.max(Number(startEpoch), deal.updated ?? 0)) * pricePerEpoch;
      const isLast = this.epoch >= endEpoch;
      if (isLast) deal.gone = this.epoch;
      else deal.updated = this.epoch;
      this.held(Address.id(101)).escrow -= payment;
      this.held(MINER).escrow += payment;
      paid.push([bigToBytes(payment), isLast]);
    }
    return [[paid.length, failed], paid];
  }

  /** The chain goes another way, on which nothing is published yet: the messages wait again, and ids are given anew. */
  reorg(): void {
    for (const signed of this.executed.filter(({ message }) => message.method === PUBLISH)) {
      this.executed.splice(this.executed.indexOf(signed), 1);
      this.receipts.delete(`${signedMessageCid(signed)}`);
      this.waiting.push(signed);
    }
    for (const [id, deal] of this.deals.entries()) {
      if (deal.gone !== null) continue;
      deal.gone = this.epoch;
      this.undone.add(id);
      this.held(deal.proposal.client).locked -= clientFunds(deal.proposal);
      this.held(MINER).locked -= deal.proposal.providerCollateral;
    }
    for (const listener of [...this.listeners]) listener();
  }

  private proposalsIn(params: Uint8Array): DealProposal[] {
    const [deals] = dagCbor.decode(params) as [unknown[]];
    return deals.map((deal) => this.normalised(signedProposalOf(deal).proposal) as DealProposal);
  }

  normalised(proposal: DealProposal): DealProposal | null {
    const client = this.idOf(proposal.client);
    return client === null ? null : { ...proposal, client };
  }

  private isPublished(proposal: DealProposal): boolean {
    const cid = proposalCid(this.normalised(proposal) as DealProposal);
    return this.deals.some((deal) => deal.gone === null && proposalCid(deal.proposal).equals(cid));
  }

  private check(proposals: readonly DealProposal[]): number {
    let needed = 0n;
    for (const proposal of proposals) {
      if (this.isPublished(proposal)) return 16;
      needed += clientFunds(proposal);
    }
    const { escrow, locked } = this.held(Address.id(101));
    const provider = this.held(MINER);
    const collateral = proposals.reduce((sum, one) => sum + one.providerCollateral, 0n);
    return escrow - locked < needed || provider.escrow - provider.locked < collateral ? 19 : 0;
  }

  private publish(proposal: DealProposal): number {
    this.held(proposal.client).locked += clientFunds(proposal);
    this.held(MINER).locked += proposal.providerCollateral;
    return this.deals.push({ proposal, activated: null, slashed: null, updated: null, gone: null }) - 1;
  }

  /** All sectors take their pieces back. */
  takeBack(): void {
    this.sectors.clear();
  }

  /** The miner as a node has it: what is in a sector stays there, unless all is taken back. */
  pieces(): PieceTaker {
    return {
      startBuffer: 100,
      add: async (_miner, { bytes }, { id }) => {
        const known = this.sectors.get(id);
        if (known !== undefined) return { sector: known, offset: 0 };
        for await (const _ of bytes);
        this.placed.push(id);
        this.sectors.set(id, this.sectors.size + 1);
        return { sector: this.sectors.size, offset: 0 };
      },
      holds: (_miner, { sector }) => [...this.sectors.values()].includes(sector),
      seal: async (_miner, sector) => void this.closed.push(sector),
      read: async () => null,
      isUnsealed: async () => false,
      prove: () => {
        throw new Error("no sector has data here");
      },
      sectorState: () => "Packing",
    };
  }

  /** The chain as one node sees it, until that ends. */
  chain(): MarketChain {
    const market = this;
    const { crypto } = this;
    const draft = (from: Address, value: bigint, method: bigint, params: unknown) => ({
      ...{ from, to: MARKET, value, method },
      params: dagCbor.encode(params),
    });
    return {
      prefix: "t",
      get epoch() {
        return market.epoch;
      },
      minVerifiedBytes: 256n,
      get dealDuration() {
        return dealDuration(market.networkVersion);
      },
      onHeadChange(listener) {
        market.listeners.add(listener);
        return () => void market.listeners.delete(listener);
      },
      messages: {
        idOf: async (address) => market.idOf(address),
        keyOf: async (address) => {
          if (market.idOf(address) === null) return address;
          return address.equals(Address.id(101)) ? market.client : address;
        },
        hasKey: (address) => market.keyFor(address) !== undefined,
        sign: (address, bytes) => signBytes(crypto, market.keyFor(address) as never, bytes),
        verify: (signature, address, bytes) => verifyBytes(crypto, signature, address, bytes),
        async send(wanted, keep) {
          // As the estimate of gas: it is tried first.
          const exit = wanted.method === PUBLISH ? market.check(market.proposalsIn(wanted.params)) : 0;
          if (exit !== 0) throw new Error(`the message would fail with exit code ${exit}`);
          const name = `${wanted.from}`;
          const nonce = market.nonces.get(name) ?? 0n;
          const bare = { ...wanted, nonce, gasLimit: 1n, gasFeeCap: 0n, gasPremium: 0n };
          const signed = signMessage(crypto, market.keyFor(wanted.from) as never, bare);
          await keep(signed);
          market.nonces.set(name, nonce + 1n);
          market.waiting.push(signed);
        },
        async resend(signed) {
          const cid = `${signedMessageCid(signed)}`;
          const isKnown = market.receipts.has(cid) || market.waiting.some((one) => `${signedMessageCid(one)}` === cid);
          if (isKnown) return;
          const name = `${signed.message.from}`;
          if (signed.message.nonce < (market.nonces.get(name) ?? 0n)) return;
          market.nonces.set(name, signed.message.nonce + 1n);
          market.waiting.push(signed);
        },
        async wait(cid, signal) {
          for (;;) {
            signal.throwIfAborted();
            const receipt = market.receipts.get(`${cid}`);
            if (receipt !== undefined) return receipt;
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        },
        tryOut: async ({ params }) => market.check(market.proposalsIn(params)),
      },
      provider: async () => ({ worker: market.worker, senders: [market.worker], sectorBytes: 2048 }),
      escrow: async (id) => ({ ...market.held(id) }),
      collateral: async () => ({ min: COLLATERAL, max: 10n ** 27n }),
      dataCap: async () => null,
      async deal(id): Promise<OnChainDeal | null> {
        const found = market.deals[id];
        return found === undefined || found.gone !== null ? null : onChain(found);
      },
      async endOf(id) {
        const found = market.undone.has(id) ? undefined : market.deals[id];
        return { epoch: found?.gone ?? market.epoch, last: found === undefined ? null : onChain(found) };
      },
      get paysWhenAsked() {
        return market.paysWhenAsked;
      },
      isPublished: async (proposal) => market.isPublished(proposal),
      sector: async () => null,
      async pendingOf(names) {
        const there = market.deals.flatMap(({ proposal, gone }) => (gone === null ? [`${proposalCid(proposal)}`] : []));
        return new Set(names.filter((name) => there.includes(name)));
      },
      normalised: async (proposal) => market.normalised(proposal),
      publishDraft: (from, deals) => draft(from, 0n, PUBLISH, [deals.map(signedProposalTuple)]),
      addBalanceDraft: (from, to, value) => draft(from, value, 2n, to.bytes),
      withdrawDraft: (from, of, value) => draft(from, 0n, 3n, [of.bytes, `${value}`]),
      settleDraft: (from, ids) => draft(from, 0n, SETTLE, ids),
    };
  }

  isWaiting = (cid: CID, message: Message | null): boolean =>
    this.waiting.some(
      (one) => signedMessageCid(one).equals(cid) || (message !== null && sameCall(one.message, message)),
    );
}

const onChain = ({ proposal, activated, updated, slashed }: FakeMarket["deals"][number]): OnChainDeal => ({
  ...{ proposal, activated, updated, slashed },
});

export const rootOf = (n: number): CID => cidOfBlock(Uint8Array.of(0x80 + n));
