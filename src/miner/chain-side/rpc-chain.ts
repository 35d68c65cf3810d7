/**
 * The chain as a miner sees it that is a process of its own: a node is asked over JSON-RPC, messages are signed by the node's
 * wallet or by keys of the miner.
 */
import { fromBase64, toBase64 } from "../../base/bytes.ts";
import { sealProofOfSize } from "../../params/proving.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import type { AllocationTerms } from "../../state/allocations.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import type { SignedMessage } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
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
import { gasRoom } from "./raise.ts";
import { RpcDeals } from "./rpc-deals.ts";
import { RpcHeads } from "./rpc-heads.ts";
import { RpcMessages } from "./rpc-messages.ts";
import { keyOf, type RpcChainOptions, RpcNode } from "./rpc-node.ts";
import { RpcSectors } from "./rpc-sectors.ts";
import { factsOf } from "./state-json.ts";

export class RpcChain implements MinerChain {
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  private readonly node: RpcNode;
  private readonly heads: RpcHeads;
  private readonly sectors: RpcSectors;
  private readonly deals: RpcDeals;
  private readonly messages: RpcMessages;

  constructor(options: RpcChainOptions) {
    this.miner = options.miner;
    this.prefix = options.prefix;
    this.node = new RpcNode(options);
    this.heads = new RpcHeads(this.node);
    this.sectors = new RpcSectors(this.node, this.heads);
    this.deals = new RpcDeals(this.node);
    this.messages = new RpcMessages(this.node, (to) => gasRoom(this, to));
  }

  head(): Promise<HeadView> {
    return this.heads.head();
  }

  onHeadChange(listener: (hasReverted: boolean) => void): () => void {
    return this.heads.onHeadChange(listener);
  }

  need(epoch: number): void {
    this.heads.need(epoch);
  }

  firstEpochOf(networkVersion: number): Promise<number | null> {
    return this.heads.firstEpochOf(networkVersion);
  }

  deadline(at?: HeadView): Promise<DeadlineClock> {
    return this.sectors.deadline(at);
  }

  sectorsDue(deadline: number, at?: HeadView): Promise<DeadlineSectors> {
    return this.sectors.sectorsDue(deadline, at);
  }

  allSectorsDue(at?: HeadView): Promise<readonly DeadlineSectors[]> {
    return this.sectors.allSectorsDue(at);
  }

  deadlineOf(sector: number, at?: HeadView): Promise<number | null> {
    return this.sectors.deadlineOf(sector, at);
  }

  sector(number: number, at?: HeadView): Promise<OnChainSector | null> {
    return this.sectors.sector(number, at);
  }

  preCommit(number: number, at?: HeadView): Promise<OnChainPreCommit | null> {
    return this.sectors.preCommit(number, at);
  }

  isAllocated(number: number, at?: HeadView): Promise<boolean> {
    return this.sectors.isAllocated(number, at);
  }

  dealAllocation(deal: bigint): Promise<Allocation | null> {
    return this.deals.dealAllocation(deal);
  }

  deal(id: bigint): Promise<PublishedDeal | null> {
    return this.deals.deal(id);
  }

  allocation(allocation: Allocation): Promise<AllocationTerms | null> {
    return this.deals.allocation(allocation);
  }

  isClaimed(allocation: bigint): Promise<boolean> {
    return this.deals.isClaimed(this.miner, allocation);
  }

  canSign(address: Address): Promise<boolean> {
    return this.messages.canSign(address);
  }

  send(outgoing: Outgoing, limit: FeeLimit, keep: (signed: SignedMessage) => Promise<void>): Promise<SignedMessage> {
    return this.messages.send(outgoing, limit, keep);
  }

  resend(signed: SignedMessage): Promise<void> {
    return this.messages.resend(signed);
  }

  raise(
    signed: SignedMessage,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage | null> {
    return this.messages.raise(signed, limit, keep);
  }

  outcome(signed: SignedMessage, since: number): Promise<Outcome> {
    return this.messages.outcome(signed, since);
  }

  async facts(at?: HeadView): Promise<MinerFacts> {
    const [info, { networkVersion }] = await Promise.all([
      this.node.ask("StateMinerInfo", this.node.name, keyOf(at)) as Promise<JsonObject>,
      at ?? this.head(),
    ]);
    const change = info["WorkerChangeEpoch"] as number;
    const sealProof = sealProofOfSize(Number(info["SectorSize"]), networkVersion);
    const pending = change < 0 ? null : { NewWorker: info["NewWorker"] as Json, EffectiveAt: change };
    return factsOf({ ...info, SealProofType: sealProof, PendingWorkerKey: pending });
  }

  async money(at?: HeadView): Promise<MinerMoney> {
    const key = keyOf(at);
    const [available, state] = await Promise.all([
      this.node.ask("StateMinerAvailableBalance", this.node.name, key) as Promise<string>,
      this.node.ask("StateReadState", this.node.name, key) as Promise<{
        readonly Balance: string;
        readonly State: JsonObject;
      }>,
    ]);
    const amount = (name: string): bigint => BigInt((state.State[name] ?? "0") as string);
    return {
      balance: BigInt(state.Balance),
      available: BigInt(available),
      vesting: amount("LockedFunds"),
      preCommitDeposits: amount("PreCommitDeposits"),
      initialPledge: amount("InitialPledge") + amount("InitialPledgeRequirement"),
      feeDebt: amount("FeeDebt"),
    };
  }

  async power(at?: HeadView): Promise<MinerPower> {
    type Claim = { readonly RawBytePower: string; readonly QualityAdjPower: string };
    const { MinerPower, TotalPower, HasMinPower } = (await this.node.ask(
      "StateMinerPower",
      this.node.name,
      keyOf(at),
    )) as {
      readonly MinerPower: Claim;
      readonly TotalPower: Claim;
      readonly HasMinPower: boolean;
    };
    return {
      raw: BigInt(MinerPower.RawBytePower),
      qualityAdjusted: BigInt(MinerPower.QualityAdjPower),
      totalRaw: BigInt(TotalPower.RawBytePower),
      totalQualityAdjusted: BigInt(TotalPower.QualityAdjPower),
      hasMinPower: HasMinPower,
    };
  }

  async balanceOf(address: Address, at?: HeadView): Promise<bigint> {
    if (at === undefined) return BigInt((await this.node.ask("WalletBalance", this.node.text(address))) as string);
    try {
      const actor = (await this.node.ask("StateGetActor", this.node.text(address), keyOf(at))) as {
        readonly Balance: string;
      };
      return BigInt(actor.Balance);
    } catch (error) {
      if (!this.node.options.isRefusal(error)) throw error;
      // There is no such actor, unless it is the tipset that the node does not know: then this is refused, too.
      await this.facts(at);
      return 0n;
    }
  }

  async preCommitDeposit(sector: SectorTerms): Promise<bigint> {
    return BigInt(
      (await this.node.ask("StateMinerPreCommitDepositForPower", this.node.name, termsOf(sector), null)) as string,
    );
  }

  async initialPledge(sector: SectorTerms): Promise<bigint> {
    if (sector.verifiedBytes !== undefined) {
      const duration = sector.expiration - (await this.head()).height;
      const { sectorBytes } = await this.facts();
      const given = [duration, sectorBytes, Number(sector.verifiedBytes), null];
      return BigInt((await this.node.ask("StateMinerInitialPledgeForSector", ...given)) as string);
    }
    return BigInt(
      (await this.node.ask("StateMinerInitialPledgeCollateral", this.node.name, termsOf(sector), null)) as string,
    );
  }

  async randomness(
    kind: "ticket" | "beacon",
    tag: number,
    epoch: number,
    entropy: Uint8Array,
    at: HeadView,
  ): Promise<Uint8Array> {
    const method = kind === "ticket" ? "StateGetRandomnessFromTickets" : "StateGetRandomnessFromBeacon";
    return fromBase64((await this.node.ask(method, tag, epoch, toBase64(entropy), keyOf(at))) as string);
  }
}

function termsOf({ sealProof, dealIds, expiration }: SectorTerms): Record<string, Json> {
  return { SealProof: sealProof, SectorNumber: 0, DealIDs: dealIds.map(Number), Expiration: expiration };
}
