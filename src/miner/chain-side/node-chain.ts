/** The chain as a miner sees it that lives in the node: its parts are asked directly. */
import { addressOf, type KeyCrypto, type KeyInfo, signMessage } from "../../keys/keys.ts";
import type { MessagePool } from "../../mpool/pool.ts";
import { PoolError } from "../../mpool/rules.ts";
import { countsForConsensus } from "../../params/proving.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { type AllocationTerms, allocationIn, allocationTerms, claimIn } from "../../state/allocations.ts";
import {
  availableBalance,
  openDeadline,
  openDeadlines,
  provenPartitions,
  runsOf,
  uvarint,
  vestedFunds,
} from "../../state/miner-reader.ts";
import { type Partition, partitionsOf, sectorsOf } from "../../state/miner-sectors.ts";
import { initialPledge, preCommitDeposit, withSafety } from "../../stmgr/economy.ts";
import { StateManagerError } from "../../stmgr/errors.ts";
import type { GasEstimator } from "../../stmgr/gas-estimator.ts";
import { networkFigures, sectorPower, sizeOf } from "../../stmgr/pledge-figures.ts";
import type { StateManager } from "../../stmgr/state-manager.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import { hasBit } from "../../types/bit-runs.ts";
import type { Tipset } from "../../types/block-header.ts";
import { type SignedMessage, signedMessageCid } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { MARKET, POWER, VERIFIED_REGISTRY } from "../../types/singletons.ts";
import type {
  Allocation,
  DeadlineClock,
  DeadlineSectors,
  FeeLimit,
  HeadView,
  MinerChain,
  MinerFacts,
  MinerMoney,
  MinerPower,
  OnChainPreCommit,
  OnChainSector,
  Outcome,
  Outgoing,
  PublishedDeal,
  SectorTerms,
} from "./chain.ts";
import { notSent } from "./errors.ts";
import { lookbackTo } from "./lookback.ts";
import { gasRoom, raisedFees } from "./raise.ts";
import { addressIn, deadlineClock, dealOf, factsOf, preCommitOf, sectorOf } from "./state-json.ts";

export type NodeChainOptions = {
  readonly miner: Address;
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly gas: GasEstimator;
  readonly crypto: KeyCrypto;
  /** Key of a key address, if it is here. */
  readonly keyOf: (address: Address) => Promise<KeyInfo | null>;
};

export class NodeChain implements MinerChain {
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  private readonly options: NodeChainOptions;

  constructor(options: NodeChainOptions) {
    this.options = options;
    this.miner = options.miner;
    this.prefix = options.states.network.prefix;
  }

  async head(): Promise<HeadView> {
    return this.viewOf(this.options.states.chain.head);
  }

  onHeadChange(listener: (hasReverted: boolean) => void): () => void {
    return this.options.states.chain.onHeadChange((changes) => listener(changes.some(({ type }) => type === "revert")));
  }

  need(epoch: number): void {
    this.options.states.waiter.demand(epoch);
  }

  async facts(at?: HeadView): Promise<MinerFacts> {
    return factsOf((await (await this.state(at)).object("Info")) as JsonObject);
  }

  async deadline(at?: HeadView): Promise<DeadlineClock> {
    const state = await this.state(at);
    return deadlineClock(state.field("ProvingPeriodStart") as number, state.field("CurrentDeadline") as number);
  }

  async sectorsDue(deadline: number, at?: HeadView): Promise<DeadlineSectors> {
    const { chain, network } = this.options.states;
    const entry = await (await this.view(at)).requireActor(this.miner);
    const partitions = [];
    for await (const one of partitionsOf(chain.blocks, entry, network.prefix))
      if (one.deadline === deadline) partitions.push(one);
    const open = await openDeadline(await this.state(at), deadline);
    return { partitions, proven: sectorsOf(provenPartitions(open)) };
  }

  async allSectorsDue(at?: HeadView): Promise<readonly DeadlineSectors[]> {
    const { chain, network } = this.options.states;
    const view = await this.view(at);
    const entry = await view.requireActor(this.miner);
    const all: { partitions: Partition[]; proven: DeadlineSectors["proven"] }[] = [];
    for await (const open of openDeadlines(await ObjectReader.open(chain.blocks, entry, this.prefix)))
      all.push({ partitions: [], proven: sectorsOf(provenPartitions(open)) });
    for await (const one of partitionsOf(chain.blocks, entry, network.prefix)) all[one.deadline]?.partitions.push(one);
    return all;
  }

  async deadlineOf(sector: number, at?: HeadView): Promise<number | null> {
    const { chain, network } = this.options.states;
    const entry = await (await this.view(at)).requireActor(this.miner);
    for await (const { deadline, sectors } of partitionsOf(chain.blocks, entry, network.prefix))
      if (sectors.includes(sector)) return deadline;
    return null;
  }

  async sector(number: number, at?: HeadView): Promise<OnChainSector | null> {
    const found = await (await this.state(at)).element("Sectors", BigInt(number));
    return found === null ? null : sectorOf(found as JsonObject);
  }

  async preCommit(number: number, at?: HeadView): Promise<OnChainPreCommit | null> {
    const found = await (await this.state(at)).element("PreCommittedSectors", uvarint(BigInt(number)));
    return found === null ? null : preCommitOf(found as JsonObject);
  }

  async isAllocated(number: number, at?: HeadView): Promise<boolean> {
    return hasBit(runsOf((await (await this.state(at)).object("AllocatedSectors")) as Json), BigInt(number));
  }

  async money(at?: HeadView): Promise<MinerMoney> {
    const { balance } = await (await this.view(at)).requireActor(this.miner);
    const state = await this.state(at);
    const amount = (name: string): bigint => (state.has(name) ? BigInt(state.field(name) as string) : 0n);
    const tipset = await this.tipset(at);
    return {
      balance,
      available: availableBalance(state, balance) + (await vestedFunds(state, tipset.height)),
      vesting: amount("LockedFunds"),
      preCommitDeposits: amount("PreCommitDeposits"),
      initialPledge: amount(state.has("InitialPledge") ? "InitialPledge" : "InitialPledgeRequirement"),
      feeDebt: amount("FeeDebt"),
    };
  }

  async power(at?: HeadView): Promise<MinerPower> {
    const power = await this.open(POWER, at);
    const own = (await power.element("Claims", this.miner.bytes)) as JsonObject | null;
    const raw = BigInt((own?.["RawBytePower"] ?? "0") as string);
    const least = this.options.states.network.consensusMinerMinPower;
    return {
      raw,
      qualityAdjusted: BigInt((own?.["QualityAdjPower"] ?? "0") as string),
      totalRaw: BigInt(power.field("TotalRawBytePower") as string),
      totalQualityAdjusted: BigInt(power.field("TotalQualityAdjPower") as string),
      hasMinPower: countsForConsensus(raw, least, BigInt(power.field("MinerAboveMinPowerCount") as number)),
    };
  }

  async balanceOf(address: Address, at?: HeadView): Promise<bigint> {
    return (await (await this.view(at)).actor(address))?.balance ?? 0n;
  }

  async preCommitDeposit(sector: SectorTerms): Promise<bigint> {
    const { figures, power } = await this.terms(sector);
    return withSafety(
      preCommitDeposit(figures.networkVersion, figures.reward, figures.power, {
        size: sizeOf(sector.sealProof),
        qaPower: power,
      }),
    );
  }

  async initialPledge(sector: SectorTerms): Promise<bigint> {
    const { figures, power } = await this.terms(sector);
    return withSafety(initialPledge(figures, power));
  }

  private async terms(sector: SectorTerms) {
    const { states } = this.options;
    const { head, blocks } = states.chain;
    const figures = await networkFigures(states, head, await states.stateAfter(head), blocks);
    return { figures, power: await sectorPower(await this.open(MARKET), this.miner, sector, figures) };
  }

  async dealAllocation(deal: bigint): Promise<Allocation | null> {
    const market = await this.open(MARKET);
    if (!market.has("PendingDealAllocationIds")) return null;
    const id = await market.element("PendingDealAllocationIds", uvarint(deal));
    const proposal = (await market.element("Proposals", deal)) as JsonObject | null;
    if (id === null || proposal === null) return null;
    return { client: addressIn(proposal["Client"]).actorId as bigint, id: BigInt(id as number | string) };
  }

  async deal(id: bigint): Promise<PublishedDeal | null> {
    const market = await this.open(MARKET);
    const proposal = (await market.element("Proposals", id)) as JsonObject | null;
    return proposal === null ? null : dealOf(proposal, (await market.element("States", id)) as JsonObject | null);
  }

  async allocation({ client, id }: Allocation): Promise<AllocationTerms | null> {
    const found = await allocationIn(await this.open(VERIFIED_REGISTRY), client, id);
    return found === null ? null : allocationTerms(found);
  }

  async isClaimed(allocation: bigint): Promise<boolean> {
    const registry = await this.open(VERIFIED_REGISTRY);
    return (await claimIn(registry, this.miner.actorId as bigint, allocation)) !== null;
  }

  async randomness(
    kind: "ticket" | "beacon",
    tag: number,
    epoch: number,
    entropy: Uint8Array,
    at: HeadView,
  ): Promise<Uint8Array> {
    const source = this.options.states.randomness(await this.tipset(at));
    return kind === "ticket"
      ? source.ticketRandomness(tag, epoch, entropy)
      : source.beaconRandomness(tag, epoch, entropy);
  }

  async canSign(address: Address): Promise<boolean> {
    return (await this.key(address)) !== null;
  }

  send(
    { name, ...message }: Outgoing,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage> {
    const { pool, gas, states } = this.options;
    return this.pooled(name, message.from, async (key) => {
      const room = await gasRoom(this, message.to);
      const from = addressOf(this.options.crypto, key);
      return pool.pushNext(from, async (nonce) => {
        const bare = { ...message, from, nonce, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
        const spec = { maxFee: limit.maxFee, maximizeFeeCap: false, room };
        const signed = signMessage(this.options.crypto, key, await gas.complete(bare, spec, states.chain.head));
        await keep(signed);
        return signed;
      });
    });
  }

  async firstEpochOf(networkVersion: number): Promise<number | null> {
    const { upgrades } = this.options.states.network;
    return upgrades.find((one) => one.networkVersion >= networkVersion)?.epoch ?? null;
  }

  async resend(signed: SignedMessage): Promise<void> {
    const { pool } = this.options;
    if (pool.get(signedMessageCid(signed).bytes) !== undefined) return;
    await pool.push(signed).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
    });
  }

  async raise(
    { message }: SignedMessage,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage | null> {
    const { pool, gas, states, crypto } = this.options;
    const fees = await raisedFees(message, limit, (gasPremium) =>
      gas.feeCap({ ...message, gasPremium }, 20, states.chain.head),
    );
    if (fees === null) return null;
    return this.pooled("the message with a higher fee", message.from, async (key) => {
      const signed = signMessage(crypto, key, { ...message, ...fees });
      await keep(signed);
      await pool.push(signed).catch((error: unknown) => {
        // A block has the message, or another one with its nonce: the chain will tell.
        if (!isTaken(error)) throw error;
      });
      return signed;
    });
  }

  async outcome(signed: SignedMessage, since: number): Promise<Outcome> {
    const { states } = this.options;
    const { head } = states.chain;
    const options = { lookback: lookbackTo(since, head.height), allowReplaced: true };
    try {
      // A message that never came into the pool is not in the store; what has its nonce is found all the same.
      const found = await states.search(head, signedMessageCid(signed), options, signed.message);
      if (found === null) return { kind: "open" };
      return { kind: "executed", cid: found.cid, receipt: found.receipt, height: found.tipset.height };
    } catch (error) {
      if (error instanceof StateManagerError && error.code === "MESSAGE_REPLACED") return { kind: "displaced" };
      throw error;
    }
  }

  /** Runs `push` with the sender's key; what the pool or the estimate refuses was not sent. */
  private async pooled<T>(name: string, from: Address, push: (key: KeyInfo) => Promise<T>): Promise<T> {
    const key = await this.key(from);
    if (key === null) throw notSent(name, new Error(`no key of ${from.toString(this.prefix)} is here`));
    try {
      return await push(key);
    } catch (error) {
      if (error instanceof PoolError || error instanceof StateManagerError) throw notSent(name, error);
      throw error;
    }
  }

  private async key(address: Address): Promise<KeyInfo | null> {
    const { states, keyOf } = this.options;
    return keyOf(await states.accountKey(address, states.chain.head));
  }

  private viewOf({ key, height }: Tipset): HeadView {
    return { key, height, networkVersion: this.options.states.networkVersionAt(height + 1) };
  }

  private async tipset(at?: HeadView): Promise<Tipset> {
    const { chain } = this.options.states;
    return at === undefined ? chain.head : chain.tipset(at.key);
  }

  private async view(at?: HeadView) {
    return this.options.states.stateAfter(await this.tipset(at));
  }

  private state(at?: HeadView): Promise<ObjectReader> {
    return this.open(this.miner, at);
  }

  private async open(actor: Address, at?: HeadView): Promise<ObjectReader> {
    const { chain } = this.options.states;
    return ObjectReader.open(chain.blocks, await (await this.view(at)).requireActor(actor), this.prefix);
  }
}

/** Whether the pool or the chain has a message of this sender and nonce. */
function isTaken(error: unknown): boolean {
  const codes = ["ALREADY_PENDING", "NONCE_TOO_LOW", "REPLACE_FEE_TOO_LOW"];
  return error instanceof PoolError && codes.includes(error.code);
}
