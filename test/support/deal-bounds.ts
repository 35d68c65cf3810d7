/**
 * Random deals around every limit, through the checks of provider and client and through the market actor in a machine: the
 * genesis of the actors' scenarios (`test/fixtures/actors`), one client with funds and data cap, one miner with collateral.
 */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { expect } from "vitest";
import { fromBase64 } from "../../src/base/bytes.ts";
import { gunzip } from "../../src/conformance/inflate.ts";
import type { ScenarioFile } from "../../src/conformance/scenario.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import { Vm } from "../../src/core/vm.ts";
import { addressOf, signBytes } from "../../src/keys/keys.ts";
import type { NodeAccess } from "../../src/market/paych/chain-access.ts";
import { type MarketChain, marketChain } from "../../src/market/storage/chain-access.ts";
import { StorageClient } from "../../src/market/storage/client.ts";
import { signedOfClient } from "../../src/market/storage/client-record.ts";
import { DealError } from "../../src/market/storage/errors.ts";
import type { StorageAsk } from "../../src/market/storage/legacy-messages.ts";
import { encodeAsk } from "../../src/market/storage/legacy-messages.ts";
import { type DealProposal, encodeProposal, type SignedProposal } from "../../src/market/storage/proposal.ts";
import {
  checkProposal,
  checkRules,
  DEFAULT_RULES,
  type DealRules,
  dealDuration,
  type Offer,
  type OfferFacts,
} from "../../src/market/storage/rules.ts";
import { pieceCidV1 } from "../../src/sector/piece/cid.ts";
import { StateView } from "../../src/state/state-view.ts";
import { minProviderCollateral } from "../../src/stmgr/economy.ts";
import { networkFigures } from "../../src/stmgr/pledge-figures.ts";
import { readCar } from "../../src/storage/car.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { Address } from "../../src/types/address.ts";
import { CID, cidKey, cidOfText, parseCid } from "../../src/types/cid.ts";
import type { Message } from "../../src/types/message.ts";
import { MARKET, VERIFIED_REGISTRY } from "../../src/types/singletons.ts";
import { readFixtureJson } from "./files.ts";
import { keyOfNumber } from "./paych-chain.ts";
import { message, NO_PROOFS, NO_RANDOMNESS } from "./plain-state.ts";

/** Of the versions that are tried: both generations have the same. */
const DURATION = dealDuration(5);

const CLIENT_KEY = keyOfNumber(7);
/** Stands for the worker of the genesis, whose key nobody has: of it asks alone are signed. */
const ASK_KEY = keyOfNumber(8);
/** The genesis' first miner, its worker and who is rich there; the actor that makes verifiers. */
const MINER = Address.id(110);
const [RICH, ROOT, VERIFIER] = [Address.id(101), Address.id(100), Address.id(109)];
const SUPPLY = 2_000_000_000n * 10n ** 18n;
const HEAD = 4000;
const CAP = 3n << 20n;
const FREE = 10n ** 21n;
const COLLATERAL = 10n ** 22n;
const TOTAL = 2_000_000_000n * 10n ** 18n;
const MAX_CAR = 64 << 20;
const PIECE = pieceCidV1(new Uint8Array(32).fill(5));
const EASY: DealRules = {
  ...DEFAULT_RULES,
  ...{ minStartDelay: 0, maxStartDelay: 1 << 30, maxCollateralFactor: Number.MAX_SAFE_INTEGER, maxDeals: 1 << 30 },
};

/** Who enters what before the deals of a test. */
type Sent = Partial<Message> & { readonly to: Address };

/** A market of one network version, as a node with this chain has it. */
export class MarketVm {
  readonly networkVersion: number;
  readonly client: Address;
  readonly chain: MarketChain;
  readonly least: (size: bigint, verified: boolean) => Promise<bigint>;
  private readonly vm: Vm;
  private readonly root: CID;
  private readonly worker: Address;
  private readonly crypto: Awaited<ReturnType<typeof loadCrypto>>;
  private nonce: bigint;

  private constructor(
    parts: Pick<MarketVm, "networkVersion" | "client" | "chain" | "least"> & {
      readonly vm: Vm;
      readonly root: CID;
      readonly worker: Address;
      readonly crypto: MarketVm["crypto"];
      readonly nonce: bigint;
    },
  ) {
    this.networkVersion = parts.networkVersion;
    this.client = parts.client;
    this.chain = parts.chain;
    this.least = parts.least;
    [this.vm, this.root, this.worker] = [parts.vm, parts.root, parts.worker];
    [this.crypto, this.nonce] = [parts.crypto, parts.nonce];
  }

  static async open(networkVersion: number): Promise<MarketVm> {
    const crypto = await loadCrypto();
    const client = addressOf(crypto, CLIENT_KEY);
    const file = await readFixtureJson<ScenarioFile>(`actors/market-v${networkVersion < 4 ? 0 : 2}.json.gz`);
    const blocks = new Map<string, Uint8Array>();
    for (const { cid, bytes } of readCar(await gunzip(fromBase64(file.car), MAX_CAR)).blocks)
      blocks.set(cidKey(cid), bytes);
    const vm = await Vm.create({ peek: (cid) => blocks.get(cidKey(cid)), ...NO_RANDOMNESS, ...NO_PROOFS });
    const genesis = parseCid(file.scenarios[0]?.root ?? "");
    const at = (epoch: number, stateRoot: CID) => ({
      ...{ epoch, networkVersion, stateRoot, baseFee: 0n, circulatingSupply: SUPPLY },
    });
    const opened = await StateView.open(
      { peek: () => undefined, get: async (cid) => blocks.get(cidKey(cid)) },
      genesis,
    );
    const worker = await opened.accountKey(RICH);
    let nonce = (await opened.actor(RICH))?.nonce ?? 0n;
    vm.open(at(HEAD, genesis));
    const send = (sent: Sent): void => {
      const bytes = message({ ...sent, from: worker, gasFeeCap: 0n, gasPremium: 0n, nonce: nonce++ });
      expect(vm.apply(bytes, bytes.length).exitCode).toBe(0);
    };
    const call = (from: Address, to: Address, method: bigint, params: unknown): void => {
      const bytes = message({ from, to, method, params: dagCbor.encode(params), gasFeeCap: 0n, gasPremium: 0n });
      expect(vm.applyImplicit(bytes).exitCode).toBe(0);
    };
    const bytesOf = (amount: bigint): Uint8Array => Uint8Array.from([0, ...hexOf(amount)]);
    send({ to: client, value: 1n });
    send({ to: MARKET, method: 2n, value: FREE, params: dagCbor.encode(client.bytes) });
    send({ to: MARKET, method: 2n, value: COLLATERAL, params: dagCbor.encode(MINER.bytes) });
    const clientId = vm.resolve(client) as Address;
    call(ROOT, VERIFIED_REGISTRY, 2n, [VERIFIER.bytes, bytesOf(1n << 40n)]);
    call(VERIFIER, VERIFIED_REGISTRY, 4n, [clientId.bytes, bytesOf(CAP)]);
    const root = vm.flush();
    // What comes later is made on top of this state and forgotten.
    const made = new Map(blocks);
    for (const { cid, bytes } of vm.madeBlocks()) made.set(cidKey(cid), bytes);
    blocks.clear();
    for (const [cid, bytes] of made) blocks.set(cid, bytes);
    const source = {
      peek: (cid: Uint8Array) => made.get(cidKey(cid)),
      get: async (cid: Uint8Array) => made.get(cidKey(cid)),
    };
    const view = await StateView.open(source, root);
    const head = { height: HEAD };
    const states = {
      chain: { head, blocks: source, onHeadChange: () => () => undefined },
      network: { prefix: "f", profile: "mainnet" },
      stateAfter: async () => view,
      networkVersionAt: () => networkVersion,
      circulatingSupply: async () => ({ circulating: SUPPLY }),
    };
    const keystore = { has: (one: Address) => one.equals(client), get: () => CLIENT_KEY };
    const node = { states, keystore, crypto, pool: null, gas: null } as unknown as NodeAccess;
    const { totals, baselinePower } = await networkFigures(states as never, head as never, view, source);
    const power = { ...totals, baseline: baselinePower };
    return new MarketVm({
      ...{ networkVersion, client, vm, root, worker, crypto, nonce, chain: marketChain(node) },
      least: async (size, verified) => minProviderCollateral(networkVersion, size, verified, power, SUPPLY),
    });
  }

  signed(proposal: DealProposal): SignedProposal {
    return { proposal, signature: signBytes(this.crypto, CLIENT_KEY, encodeProposal(proposal)) };
  }

  /** Exit code of publishing a deal in the epoch after the head; nothing of it stays. */
  publish(signed: SignedProposal): number {
    const { vm, worker, networkVersion, root } = this;
    vm.open({ epoch: HEAD + 1, networkVersion, stateRoot: root, baseFee: 0n, circulatingSupply: SUPPLY });
    const { to, method, params } = this.chain.publishDraft(worker, [signed]);
    const bytes = message({ to, from: worker, method, params, gasFeeCap: 0n, gasPremium: 0n, nonce: this.nonce });
    return vm.apply(bytes, bytes.length).exitCode;
  }

  async facts({ pieceSize, verified }: DealProposal, price = 0n): Promise<OfferFacts> {
    const { chain } = this;
    const id = (await chain.messages.idOf(this.client)) as Address;
    const { escrow, locked } = await chain.escrow(id);
    return {
      epoch: chain.epoch,
      sectorBytes: (await chain.provider(MINER)).sectorBytes,
      ask: askOf(price),
      collateral: await chain.collateral(pieceSize > 0n && pieceSize < 1n << 63n ? pieceSize : 0n, verified),
      clientBalance: escrow - locked,
      dataCap: await chain.dataCap(id),
      minVerifiedBytes: chain.minVerifiedBytes,
      dealDuration: chain.dealDuration,
      ...{ underWay: 0, clientNames: [] },
    };
  }

  /** A client of this chain, whose provider asks a price for a GiB; its deals get no further than their records. */
  async storageClient(price: bigint): Promise<StorageClient> {
    const signature = signBytes(this.crypto, ASK_KEY, encodeAsk(askOf(price)));
    const never = (): Promise<never> => Promise.reject(new DealError({ code: "CLOSED" }, "not in this test"));
    const worker = addressOf(this.crypto, ASK_KEY);
    const chain = { ...this.chain, epoch: HEAD, provider: async () => ({ worker, senders: [], sectorBytes: 0 }) };
    const client = new StorageClient({
      ...{ blocks: new MemoryStore(), chain, funds: { reserve: never, hold: never } as never, commit: never },
      linkTo: () => ({ ask: async () => ({ ask: askOf(price), signature }) }) as never,
      ...{ servedAt: () => null, now: () => 0, proofs: never, push: never as never },
      ...{ randomBytes: (n) => new Uint8Array(n), placeOf: async () => null, ownAddress: () => null },
    });
    return client;
  }
}

const hexOf = (amount: bigint): Uint8Array => {
  const text = amount.toString(16);
  return Uint8Array.from(Buffer.from(text.length % 2 === 0 ? text : `0${text}`, "hex"));
};

const askOf = (price: bigint): StorageAsk => ({
  ...{ miner: MINER, price, verifiedPrice: price / 2n, minPieceSize: 128n, maxPieceSize: 1n << 40n },
  ...{ timestamp: 0n, expiry: 1n << 40n, seqNo: 0n },
});

const around = (...limits: bigint[]): fc.Arbitrary<bigint> =>
  fc.tuple(fc.constantFrom(...limits), fc.constantFrom(-1n, 0n, 1n)).map(([limit, more]) => limit + more);

/** What is otherwise about a deal: by the field that it changes; amounts may depend on what is least, and what is free. */
export type Twist =
  | { readonly field: "pieceSize" | "start" | "duration"; readonly value: bigint }
  | { readonly field: "pricePerEpoch" | "clientCollateral" | "providerCollateral"; readonly value: bigint }
  | { readonly field: "spend" | "providerMore"; readonly value: bigint }
  | { readonly field: "label"; readonly value: string }
  | { readonly field: "pieceCid"; readonly value: CID }
  | { readonly field: "verified"; readonly value: boolean };

const sizes = fc.oneof(
  fc.integer({ min: 0, max: 62 }).map((bits) => 1n << BigInt(bits)),
  around(128n, 1n << 20n, CAP, 32n << 30n, 1n << 40n),
  fc.constantFrom(0n, (1n << 63n) + 1n),
);
const SEALED = CID.createV1(0xf102, PIECE.multihash);
export const twist: fc.Arbitrary<Twist> = fc.oneof(
  sizes.map((value) => ({ field: "pieceSize", value }) as const),
  fc
    .oneof(around(BigInt(HEAD + 1)), fc.constantFrom(0n, -1n, BigInt(HEAD + 172_801)))
    .map((value) => ({ field: "start", value }) as const),
  fc
    .oneof(around(0n, BigInt(DURATION.min), BigInt(DURATION.max)), fc.bigInt(500_000n, 1_600_000n))
    .map((value) => ({ field: "duration", value }) as const),
  around(0n, TOTAL).map((value) => ({ field: "pricePerEpoch", value }) as const),
  around(0n, TOTAL, FREE).map((value) => ({ field: "clientCollateral", value }) as const),
  around(0n, TOTAL, COLLATERAL).map((value) => ({ field: "providerCollateral", value }) as const),
  // Of what is free all, and one less or more; of what is least the same.
  around(0n).map((value) => ({ field: "spend", value }) as const),
  around(0n).map((value) => ({ field: "providerMore", value }) as const),
  fc
    .constantFrom("", "a", "x".repeat(256), "x".repeat(257), "é".repeat(128), "é".repeat(129))
    .map((value) => ({ field: "label", value }) as const),
  fc.constantFrom(SEALED, cidOfText("no piece"), PIECE).map((value) => ({ field: "pieceCid", value }) as const),
  fc.boolean().map((value) => ({ field: "verified", value }) as const),
);

export async function dealOf(market: MarketVm, twists: readonly Twist[]): Promise<DealProposal> {
  const of = <T>(field: Twist["field"], otherwise: T): T =>
    (twists.findLast((one) => one.field === field)?.value as T | undefined) ?? otherwise;
  const [pieceSize, verified] = [of("pieceSize", 1n << 20n), of("verified", false)];
  const [startEpoch, duration] = [of("start", BigInt(HEAD + 600)), of("duration", BigInt(DURATION.min))];
  const least = pieceSize > 0n ? await market.least(pieceSize, verified) : 0n;
  const clientCollateral = of("clientCollateral", 0n);
  const spend = of<bigint | null>("spend", null);
  let pricePerEpoch = of("pricePerEpoch", 7n);
  let rest = clientCollateral;
  if (spend !== null && duration > 0n) {
    pricePerEpoch = (FREE - 1n) / duration;
    rest = FREE - pricePerEpoch * duration + spend;
  }
  return {
    ...{ pieceCid: of("pieceCid", PIECE), pieceSize, verified, client: market.client, provider: MINER },
    ...{ label: of("label", "label"), startEpoch, endEpoch: startEpoch + duration, pricePerEpoch },
    providerCollateral: of("providerCollateral", least + of("providerMore", 0n)),
    clientCollateral: rest,
  };
}

/** The field of a refusal; null for none. */
export function refusedField(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof DealError && error.data.code === "REFUSED") return error.data.field;
    throw error;
  }
}

export type Counts = { taken: number; refused: number; stricter: number };

/**
 * One deal through both. With what the provider decides by itself taken away (its sectors' size, its reserve on collateral, how long
 * its sectors may last) its verdict must be the actor's; with it, whatever it takes the actor must take.
 */
export async function checkDeal(market: MarketVm, twists: readonly Twist[], counts: Counts): Promise<void> {
  const proposal = await dealOf(market, twists);
  const exit = market.publish(market.signed(proposal));
  const offer: Offer = { proposal, root: null, isOffline: true, size: null };
  const facts = await market.facts(proposal);
  const { pieceSize, verified, providerCollateral } = proposal;
  const least = pieceSize > 0n ? await market.least(pieceSize, verified) : 0n;
  // The least that `checkProposal` takes is 21/22 of the bound it is told; of this one it is the actor's own.
  const min = (least * 22n + 20n) / 21n;
  const bare = { ...facts, sectorBytes: 2 ** 63, collateral: { ...facts.collateral, min } };
  const whole = refusedField(() => {
    checkProposal(offer, facts);
    checkRules(offer, DEFAULT_RULES, facts);
  });
  // What the provider puts in for itself is not the offer's affair: its own funds see to that.
  if (whole === null && providerCollateral <= COLLATERAL) expect([exit, twists]).toEqual([0, twists]);
  const field = refusedField(() => {
    checkProposal(offer, bare);
    checkRules(offer, EASY, { ...bare, ask: { ...bare.ask, minPieceSize: 0n, maxPieceSize: 1n << 63n } });
  });
  const isOwnRule = field === "endEpoch" && proposal.endEpoch > proposal.startEpoch;
  const isOfLater = field === "label" && market.networkVersion < 4 && typeof proposal.label === "string";
  if (isOwnRule || isOfLater) counts.stricter++;
  else {
    const isTaken = field === null && providerCollateral <= COLLATERAL;
    expect([exit === 0, field, twists]).toEqual([isTaken, field, twists]);
    counts[isTaken ? "taken" : "refused"]++;
  }
}

export const order = fc.record({
  price: fc.bigInt(0n, 10n ** 15n),
  size: fc.integer({ min: 6, max: 36 }).map((bits) => 1 << Math.min(bits, 30)),
  duration: fc.oneof(
    around(BigInt(DURATION.min), BigInt(DURATION.max)).map(Number),
    fc.integer({ min: 500_000, max: 1_600_000 }),
  ),
  verified: fc.boolean(),
});
export type Order = typeof order extends fc.Arbitrary<infer T> ? T : never;

/** A deal as the client makes it: what it signs the provider's bounds and the actor take; what it refuses the actor would. */
export async function checkOrder(
  market: MarketVm,
  { price, size, duration, verified }: Order,
  counts: Counts,
): Promise<void> {
  const client = await market.storageClient(price);
  await client.start();
  try {
    const made = await client
      .deal({
        ...{
          root: cidOfText("a root"),
          wallet: market.client,
          miner: MINER,
          peer: null,
          duration,
          verified,
          offline: true,
        },
        ...{ startEpoch: HEAD + 600, piece: { cid: PIECE, paddedSize: size, carSize: size / 2 } },
      })
      .catch((error: unknown) => {
        if (error instanceof DealError && ["BAD_ARGUMENT", "REFUSED"].includes(error.code)) return null;
        throw error;
      });
    const refused = await dealOf(market, [
      { field: "pieceSize", value: BigInt(size) },
      { field: "duration", value: BigInt(duration) },
      { field: "verified", value: verified },
    ]);
    const signed = made === null ? market.signed(refused) : signedOfClient(made);
    const exit = market.publish(signed);
    const needed = signed.proposal.pricePerEpoch * BigInt(duration);
    const facts = await market.facts(signed.proposal, price);
    const hasFunds = needed <= facts.clientBalance && (!verified || BigInt(size) <= CAP);
    expect([exit === 0, price, size, duration, verified]).toEqual([
      made !== null && hasFunds,
      price,
      size,
      duration,
      verified,
    ]);
    if (made !== null && hasFunds) {
      const offer: Offer = { proposal: signed.proposal, root: null, isOffline: true, size: null };
      const field = refusedField(() => {
        checkProposal(offer, facts);
        checkRules(offer, DEFAULT_RULES, facts);
      });
      // A sector that is made now must last as long.
      const isTooLate = signed.proposal.endEpoch > BigInt(HEAD + DURATION.max - 1);
      expect([field, price, size, duration]).toEqual([isTooLate ? "endEpoch" : null, price, size, duration]);
      // One attoFIL below the ask is refused.
      const pricePerEpoch = signed.proposal.pricePerEpoch - 1n;
      const cheaper = { ...offer, proposal: { ...signed.proposal, pricePerEpoch } };
      if (pricePerEpoch >= 0n && !isTooLate)
        expect(refusedField(() => checkRules(cheaper, DEFAULT_RULES, facts))).toBe("price");
      counts.taken++;
    } else counts.refused++;
  } finally {
    await client.stop();
  }
}
