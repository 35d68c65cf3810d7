/**
 * What a provider asks for its space, signed by its worker: kept, and signed anew when it has run out; and what a client has seen of
 * others' asks.
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { KeyedTurns } from "../../base/turns.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { Address } from "../../types/address.ts";
import type { MarketChain } from "./chain-access.ts";
import { DealError } from "./errors.ts";
import { decodeSignedAsk, encodeAsk, encodeSignedAsk, type SignedAsk, type StorageAsk } from "./legacy-messages.ts";
import { DEFAULT_RULES, type DealRules } from "./rules.ts";

export type AskTerms = Pick<StorageAsk, "price" | "verifiedPrice" | "minPieceSize" | "maxPieceSize"> & {
  /** Epochs that it holds. */
  readonly duration: bigint;
};

/** Prices and duration. Source: go-fil-markets v1.28.3 storagemarket/impl/storedask. */
const DEFAULT_ASK = {
  price: 500_000_000n,
  verifiedPrice: 50_000_000n,
  minPieceSize: 128n,
  duration: 1_000_000n,
} as const;

const askKey = (miner: Address): string => `deals/ask/${miner}`;
const RULES_KEY = "deals/rules";

export class Asks {
  private readonly blocks: BlockStore;
  private readonly chain: MarketChain;
  private readonly turns = new KeyedTurns();

  constructor(blocks: BlockStore, chain: MarketChain) {
    this.blocks = blocks;
    this.chain = chain;
  }

  /** The ask that holds now. */
  get(miner: Address): Promise<SignedAsk> {
    return this.turns.run(`${miner}`, async () => {
      const kept = await this.kept(miner);
      if (kept !== null && kept.ask.expiry > BigInt(this.chain.epoch)) return kept;
      const { sectorBytes } = await this.chain.provider(miner);
      const before = kept?.ask ?? { ...DEFAULT_ASK, maxPieceSize: BigInt(sectorBytes) };
      return this.write(miner, { ...before, duration: DEFAULT_ASK.duration }, kept);
    });
  }

  /** Asks for something else from now on. Throws `DealError` BAD_ARGUMENT. */
  async set(miner: Address, terms: AskTerms): Promise<SignedAsk> {
    const { sectorBytes } = await this.chain.provider(miner);
    const { price, verifiedPrice, minPieceSize, maxPieceSize, duration } = terms;
    const bad = (why: string): never => {
      throw new DealError({ code: "BAD_ARGUMENT" }, why);
    };
    if (price < 0n || verifiedPrice < 0n) bad("a price is 0 or more");
    const isPower = (size: bigint): boolean => size >= 128n && (size & (size - 1n)) === 0n;
    if (!isPower(minPieceSize) || !isPower(maxPieceSize)) bad("piece sizes are powers of two, 128 or more");
    if (minPieceSize > maxPieceSize) bad("the least piece is larger than the largest");
    if (maxPieceSize > BigInt(sectorBytes))
      bad(`a piece of ${maxPieceSize} bytes does not fit a sector of ${sectorBytes}`);
    if (duration <= 0n || duration > 1n << 40n) bad("an ask holds for 1 epoch or more");
    return this.turns.run(`${miner}`, async () => this.write(miner, terms, await this.kept(miner)));
  }

  private async kept(miner: Address): Promise<SignedAsk | null> {
    const bytes = await this.blocks.metadata(askKey(miner));
    return bytes === undefined ? null : decodeSignedAsk(bytes);
  }

  private async write(miner: Address, { duration, ...terms }: AskTerms, before: SignedAsk | null): Promise<SignedAsk> {
    const { worker } = await this.chain.provider(miner);
    const timestamp = BigInt(this.chain.epoch);
    const { price, verifiedPrice, minPieceSize, maxPieceSize } = terms;
    const ask: StorageAsk = {
      ...{ price, verifiedPrice, minPieceSize, maxPieceSize, miner, timestamp },
      ...{ expiry: timestamp + duration, seqNo: before === null ? 0n : before.ask.seqNo + 1n },
    };
    const signed = { ask, signature: this.chain.messages.sign(worker, encodeAsk(ask)) };
    await this.blocks.write({ metadata: [[askKey(miner), encodeSignedAsk(signed)]] }, { sync: true });
    return signed;
  }
}

const seenKey = (miner: Address): string => `deals/ask-seen/${miner}`;
/** Epochs by which a fork may take a provider's head back, which dates its asks: finality. */
const MOST_BACK = 900n;

type Seen = Pick<StorageAsk, "seqNo" | "timestamp">;

/** The newest ask that a client has seen of each provider. Whoever heard an earlier one has its signature, too, and may give it again. */
export class SeenAsks {
  private readonly blocks: Pick<BlockStore, "metadata" | "write">;
  private readonly turns = new KeyedTurns();

  constructor(blocks: Pick<BlockStore, "metadata" | "write">) {
    this.blocks = blocks;
  }

  /** Notes an ask whose signature is right. Throws `DealError` NO_ANSWER for one that its provider has replaced since. */
  note({ miner, seqNo, timestamp }: StorageAsk): Promise<void> {
    return this.turns.run(`${miner}`, async () => {
      const seen = await this.newest(miner);
      if (seen?.seqNo === seqNo && seen.timestamp === timestamp) return;
      if (seen !== null && !isNewer({ seqNo, timestamp }, seen))
        throw new DealError(
          { code: "NO_ANSWER" },
          `the ask that was given for ${miner} is an old one: number ${seqNo} of epoch ${timestamp}, and number ${seen.seqNo} of epoch ${seen.timestamp} is known; ask the provider itself, at the address that the chain has`,
        );
      const value = utf8(JSON.stringify({ seqNo: `${seqNo}`, timestamp: `${timestamp}` }));
      await this.blocks.write({ metadata: [[seenKey(miner), value]] }, { sync: true });
    });
  }

  private async newest(miner: Address): Promise<Seen | null> {
    const bytes = await this.blocks.metadata(seenKey(miner));
    if (bytes === undefined) return null;
    const { seqNo, timestamp } = JSON.parse(fromUtf8(bytes)) as Record<keyof Seen, string>;
    return { seqNo: BigInt(seqNo), timestamp: BigInt(timestamp) };
  }
}

/** By its number, or, of a provider that has lost its records and counts anew, by its date. */
function isNewer(ask: Seen, seen: Seen): boolean {
  if (ask.seqNo > seen.seqNo) return ask.timestamp + MOST_BACK >= seen.timestamp;
  return ask.timestamp > seen.timestamp;
}

/** The rules that an operator has set; the others are the defaults. */
export async function readRules(blocks: Pick<BlockStore, "metadata">): Promise<DealRules> {
  const bytes = await blocks.metadata(RULES_KEY);
  return bytes === undefined
    ? DEFAULT_RULES
    : { ...DEFAULT_RULES, ...(JSON.parse(fromUtf8(bytes)) as Partial<DealRules>) };
}

export async function writeRules(blocks: BlockStore, rules: DealRules): Promise<void> {
  await blocks.write({ metadata: [[RULES_KEY, utf8(JSON.stringify(rules))]] }, { sync: true });
}
