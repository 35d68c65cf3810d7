/**
 * The storage market as a provider has it: what it asks, the rules by which it takes deals, and the deals that it took, from
 * the offer to their end. What it answers is on the disk; after `kill -9` the next start goes on where this one was.
 */

import { KeyedTurns } from "../../base/turns.ts";
import { commitmentOfCidV1, pieceCidV1, unpaddedBytesOf } from "../../sector/piece/cid.ts";
import type { BlockHashes } from "../../storage/check-block.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import type { Signature } from "../../types/message.ts";
import type { PieceForm } from "../data/commit-car.ts";
import { Asks, type AskTerms, readRules, writeRules } from "./asks.ts";
import { DealNames } from "./deal-names.ts";
import { DealError } from "./errors.ts";
import type { Inclusion } from "./inclusion.ts";
import type { SignedAsk } from "./legacy-messages.ts";
import { Lives } from "./lives.ts";
import { type IncomingOffer, OfferIntake } from "./offer-intake.ts";
import { PayloadIndex } from "./payload-index.ts";
import { deadlineOf, ENDED, type ProviderDeal, type ProviderState, proposalOfDeal } from "./provider-record.ts";
import { isPayloadHere, letGoOfData, type ProviderParts, providerSteps, readPayload } from "./provider-steps.ts";
import { Publisher } from "./publisher.ts";
import { PushIntake, type PushIntakeParts } from "./pushed.ts";
import { type DealEvent, RecordBook } from "./record-book.ts";
import { DEFAULT_RULES, type DealRules, type Offer } from "./rules.ts";
import { type Settlement, Settler } from "./settler.ts";

export type ProviderOptions = Pick<
  ProviderParts,
  "chain" | "funds" | "files" | "pieces" | "proofs" | "local" | "limits" | "mayGoBack" | "fetchFromPeer"
> & {
  readonly blocks: BlockStore;
  readonly hashes: BlockHashes;
  /** Providers of this node. */
  readonly miners: readonly Address[];
  readonly prefix: NetworkPrefix;
  readonly now: () => number;
  /** Looks at each offer that all rules allow; a text refuses it. */
  readonly hook?: (offer: Offer) => Promise<string | null>;
  readonly onChange?: (deal: ProviderDeal) => void;
  /** Asks a peer to begin a push again; absent: nobody pushes to this node. */
  readonly restartPush?: PushIntakeParts["restart"];
  readonly pushAskMs?: number;
};

/** A piece's data: bytes of it, null once they are not at hand any more. */
export type StoredPiece = {
  readonly size: number;
  /** "car" if some of its blocks can be had by their CIDs. */
  readonly form: PieceForm;
  read(from: number, length: number): Promise<Uint8Array | null>;
};

const isOver = ({ state }: ProviderDeal): boolean => ENDED.includes(state);
/** States in which the data is the deal's, and may be in its sector. */
const PLACED: readonly ProviderState[] = ["AddingPiece", "Sealing", "Active", "Settling"];
/** States in which the data is in a proven sector, or wanted by nobody. */
const NEEDS_NO_FILE: readonly ProviderState[] = ["Active", "Settling", ...ENDED];

/** Whether a deal may have the name, which is its proposal's CID: what else lies in the folder is not ours. */
function isDealName(name: string): boolean {
  try {
    return `${parseCid(name)}` === name;
  } catch {
    return false;
  }
}

export class StorageProvider {
  readonly miners: readonly Address[];
  /** Blocks of what is stored here, by their CIDs. */
  readonly index: PayloadIndex;
  /** Data that clients push. */
  readonly pushes: PushIntake;
  private readonly options: ProviderOptions;
  private readonly asks: Asks;
  private publisher: Publisher;
  private settler: Settler;
  private readonly intake: OfferIntake;
  private readonly imports = new KeyedTurns();
  /** Bytes that have come of deals that are being fetched. */
  private readonly received = new Map<string, number>();
  private names = new DealNames();
  private book: RecordBook<ProviderDeal> | null = null;
  private lives: Lives<ProviderDeal> | null = null;
  private current: DealRules = DEFAULT_RULES;

  constructor(options: ProviderOptions) {
    this.options = options;
    this.miners = options.miners;
    this.index = new PayloadIndex({
      ...{ store: options.blocks, hashes: options.hashes },
      read: async (id, from, length) => {
        const deal = this.find(id);
        return deal === null || isOver(deal) ? null : readPayload(options, deal, from, length);
      },
      isHere: async (id) => {
        const deal = this.find(id);
        return deal !== null && !isOver(deal) && isPayloadHere(options, deal);
      },
    });
    this.asks = new Asks(options.blocks, options.chain);
    this.intake = new OfferIntake({
      ...{ chain: options.chain, asks: this.asks, miners: options.miners, prefix: options.prefix, hook: options.hook },
      hasPeers: options.fetchFromPeer !== undefined,
      deals: () => this.deals,
      byUuid: (uuid) => this.byUuid(uuid),
      rules: () => this.current,
      onTaken: (deal) => {
        this.names.add(deal);
        this.lives?.live(deal.id);
        options.onChange?.(deal);
      },
    });
    this.publisher = this.newPublisher();
    this.settler = this.newSettler();
    const { files, restartPush: restart, pushAskMs: askMs } = options;
    this.pushes = new PushIntake({
      ...{ files, dealOf: (signed) => this.bySigned(signed), restart: restart ?? (async () => undefined) },
      onReceived: (deal, bytes) => void this.received.set(deal, bytes),
      ...(askMs === undefined ? {} : { askMs }),
    });
  }

  private newPublisher(): Publisher {
    return new Publisher({
      book: () => this.deals,
      chain: this.options.chain,
      rules: () => this.current,
      onStep: (deal) => this.lives?.live(deal),
      failed: (deal) => this.letGo(deal),
    });
  }

  private newSettler(): Settler {
    return new Settler({
      book: () => this.deals,
      chain: this.options.chain,
      every: () => this.current.settleEpochs,
      onStep: (deal) => this.lives?.live(deal),
    });
  }

  /** Reads what is kept and goes on with it; after `stop` as well. */
  async start(): Promise<void> {
    const { blocks, now, chain, pieces } = this.options;
    this.publisher = this.newPublisher();
    this.settler = this.newSettler();
    this.current = await readRules(blocks);
    this.book = await RecordBook.open<ProviderDeal>(blocks, "provider", now, {
      isOver,
      onForget: (deal) => this.names.remove(deal),
    });
    this.names = new DealNames(this.book.all());
    await this.sweep();
    this.lives = new Lives<ProviderDeal>({
      book: this.book,
      chain,
      steps: providerSteps({
        ...this.options,
        index: this.index,
        pushes: this.pushes,
        rules: () => this.current,
        onReceived: (deal, bytes) => void this.received.set(deal, bytes),
        onReady: () => this.publisher.ready(),
        onPayable: () => this.settler.ready(),
      }),
      // Whether a sector was proven in time the chain says, however late it is asked.
      deadline: (deal) => (deal.state === "Sealing" ? null : deadlineOf(deal, pieces.startBuffer)),
      failed: (deal) => this.letGo(deal),
      onChange: (deal) => {
        if (deal.state !== "Transferring") {
          this.received.delete(deal.id);
          this.pushes.forget(deal.id);
        }
        this.options.onChange?.(deal);
      },
    });
    this.lives.start();
  }

  /**
   * Lets go of data that no deal needs: of deals that ended, or were made and taken back, while one could go back to before that. It
   * stayed for as long as one could.
   */
  private async sweep(): Promise<void> {
    const { files, mayGoBack } = this.options;
    if (mayGoBack?.() === true) return;
    for (const name of await files.names()) {
      const deal = this.deals.find(name);
      const isNeeded =
        deal === undefined ? !isDealName(name) || this.deals.isKnown(name) : !NEEDS_NO_FILE.includes(deal.state);
      // What is in the way, such as a folder of that name, keeps no node from starting: it stays.
      if (!isNeeded) await files.remove(name).catch(() => undefined);
    }
    // What was noted of a deal that was taken back went with it.
    for (const deal of this.deals.all()) if (isOver(deal)) await this.index.remove(deal.id);
  }

  async stop(): Promise<void> {
    await Promise.all([this.publisher.stop(), this.settler.stop()]);
    await this.lives?.stop();
    await this.intake.idle();
    this.lives = null;
  }

  /** Whether nothing goes on before the next head, or before somebody does something. */
  isAtRest(): boolean {
    // What is published, or to be paid, waits for its message to lie deep enough.
    const isAtRest = this.publisher.isAtRest() && this.settler.isAtRest();
    return isAtRest && (this.lives?.isAtRest(["PublishWait", "Settling"]) ?? true);
  }

  private get deals(): RecordBook<ProviderDeal> {
    if (this.book === null) throw new DealError({ code: "CLOSED" }, "the node has not started yet");
    return this.book;
  }

  // Asks and rules.

  /** Throws `DealError` NOT_A_PROVIDER. */
  async ask(miner: Address): Promise<SignedAsk> {
    return this.asks.get(this.own(miner));
  }

  async setAsk(miner: Address, terms: AskTerms): Promise<SignedAsk> {
    return this.asks.set(this.own(miner), terms);
  }

  /** Epochs before a deal's start at which its piece must be in a sector. */
  get startBuffer(): number {
    return this.options.pieces.startBuffer;
  }

  get rules(): DealRules {
    return this.current;
  }

  async setRules(rules: DealRules): Promise<void> {
    await writeRules(this.options.blocks, rules);
    this.current = rules;
  }

  private own(miner: Address): Address {
    const found = this.miners.find((one) => one.equals(miner));
    if (found !== undefined) return found;
    throw new DealError(
      { code: "NOT_A_PROVIDER" },
      `${miner.toString(this.options.prefix)} is no provider of this node`,
    );
  }

  // Deals.

  /** Takes an offer, or throws `DealError` REFUSED. Offered again, word for word, it is the same deal. */
  offer(offer: IncomingOffer): Promise<ProviderDeal> {
    return this.intake.offer(offer);
  }

  /** In the order in which they were taken. */
  list(): readonly ProviderDeal[] {
    return this.deals.all();
  }

  /** Throws `DealError` UNKNOWN_DEAL. */
  get(id: string): ProviderDeal {
    return this.deals.get(id);
  }

  find(id: string): ProviderDeal | null {
    return this.deals.find(id) ?? null;
  }

  byUuid(uuid: string): ProviderDeal | null {
    return this.find(this.names.byUuid(uuid) ?? "");
  }

  /** By the CID of its proposal with the client's signature. */
  bySigned(signed: CID): ProviderDeal | null {
    return this.find(this.names.bySigned(signed) ?? "");
  }

  log(id: string): Promise<readonly DealEvent[]> {
    return this.deals.log(id);
  }

  /** A piece that is stored here and can be read without being unsealed; `commP`: its commitment. Null if there is none. */
  async piece(commP: Uint8Array): Promise<StoredPiece | null> {
    for (const id of [...this.names.ofPiece(pieceCidV1(commP))]) {
      const deal = this.find(id);
      // Before that its data may still be another.
      if (deal === null || !PLACED.includes(deal.state) || !(await isPayloadHere(this.options, deal))) continue;
      const form = (await this.index.hasBlocksOf(deal.id)) ? "car" : "raw";
      return { size: deal.size, form, read: (from, length) => readPayload(this.options, deal, from, length) };
    }
    return null;
  }

  /** Where a deal's piece is, and the way to its sector's CommD; null while it is in none, also once its sector has taken it back. */
  inclusionOf({ sector, offset, signed }: ProviderDeal): Inclusion | null {
    if (sector === null || offset === null) return null;
    const { pieces } = this.options;
    const { provider, pieceCid } = proposalOfDeal({ signed });
    const place = { sector, offset };
    if (!pieces.holds(provider, place, commitmentOfCidV1(pieceCid) as Uint8Array)) return null;
    const { path, paddedSize } = pieces.prove(provider, place);
    const steps = path.steps.map(({ index, siblings: [sibling] }) => ({ index, sibling: sibling as Uint8Array }));
    return { ...place, sectorBytes: paddedSize, steps };
  }

  /** Bytes of a deal's data that are here. */
  receivedOf({ id, received }: ProviderDeal): number {
    return Math.max(received, this.received.get(id) ?? 0);
  }

  /** A sector has come to another state: deals that wait for it look again, though the head may stand still. */
  sectorMoved(miner: Address, sector: number): void {
    if (this.lives === null) return;
    const isIn = (deal: ProviderDeal): boolean => deal.state === "Sealing" && deal.sector === sector;
    for (const deal of this.deals.all())
      if (isIn(deal) && proposalOfDeal(deal).provider.equals(miner)) this.lives.live(deal.id);
  }

  /** State of the sector that a deal's piece is in, for people; empty while it is in none. */
  sealingStateOf(deal: ProviderDeal): string {
    const { provider } = proposalOfDeal(deal);
    return deal.sector === null ? "" : (this.options.pieces.sectorState(provider, deal.sector) ?? "");
  }

  /** Gives the data of an offline deal. It is checked against the proposal afterwards. */
  importData(id: string, data: GivenData): Promise<void> {
    return this.imports.run(id, () => this.takeData(id, data));
  }

  private async takeData(id: string, { bytes, size }: GivenData): Promise<void> {
    const deal = this.deals.get(id);
    const room = unpaddedBytesOf(Number(proposalOfDeal(deal).pieceSize));
    const wrong = (why: string): never => {
      throw new DealError({ code: "BAD_ARGUMENT" }, why);
    };
    const waitsForNone = ({ state }: ProviderDeal): DealError =>
      new DealError({ code: "WRONG_STATE", deal: id, state }, `deal ${id} is in state ${state}: it waits for no data`);
    if (deal.state !== "WaitingForData") throw waitsForNone(deal);
    if (size <= 0 || size > room) wrong(`the data has ${size} bytes, and the piece has room for 1 to ${room}`);
    const { files } = this.options;
    await files.remove(id);
    let at = 0;
    for await (const part of bytes) {
      if (at + part.length > size) wrong(`the data has more than ${size} bytes`);
      await files.write(id, at, part);
      at += part.length;
    }
    if (at !== size) wrong(`the data has ${at} bytes, and ${size} were said`);
    const change = { state: "Verifying", size, received: size, error: "" } as const;
    const after = await this.deals.step({ id, event: "imported", text: `${size} bytes`, change }, deal.steps);
    if (after.state !== "Verifying") {
      // Its deadline has come meanwhile.
      await files.remove(id);
      throw waitsForNone(after);
    }
    this.lives?.live(id);
  }

  /** Deals that wait to be published, and until when, milliseconds since 1970. */
  pending(): { readonly deals: readonly ProviderDeal[]; readonly dueAt: number | null } {
    return { deals: this.publisher.pending(), dueAt: this.publisher.dueAt };
  }

  /** Publishes what waits, now. */
  publishNow(): void {
    this.publisher.now();
  }

  /** Asks the market for what active deals have earned by now; `deals`: their names, null for all. Throws `DealError`. */
  async settle(deals: readonly string[] | null): Promise<readonly Settlement[]> {
    return this.settler.now(deals);
  }

  /** A deal fails: its collateral is free again unless the market has it, and its data goes. */
  private async letGo(deal: ProviderDeal): Promise<{ readonly state: "Failed" }> {
    const { chain, funds } = this.options;
    const id = await chain.messages.idOf(proposalOfDeal(deal).provider);
    if (id !== null) await funds.drop(id, deal.id);
    await letGoOfData(this.options, deal.id);
    if (this.options.mayGoBack?.() !== true) await this.index.remove(deal.id);
    return { state: "Failed" };
  }

  /** Signs what this provider says. */
  async sign(miner: Address, bytes: Uint8Array): Promise<Signature> {
    const { worker } = await this.options.chain.provider(this.own(miner));
    return this.options.chain.messages.sign(worker, bytes);
  }

  /** Whether a client of a deal has signed something. */
  async isOfClient(deal: ProviderDeal, signature: Signature, bytes: Uint8Array): Promise<boolean> {
    const { messages } = this.options.chain;
    return messages.verify(signature, await messages.keyOf(proposalOfDeal(deal).client), bytes);
  }
}

export type GivenData = { readonly bytes: AsyncIterable<Uint8Array>; readonly size: number };
