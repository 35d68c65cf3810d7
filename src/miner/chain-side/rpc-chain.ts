/**
 * The chain as a miner sees it that is a process of its own: a node is asked over JSON-RPC, messages are signed by the node's
 * wallet or by keys of the miner.
 *
 * The head is asked for every so often; a node that does not answer is asked again, and what listens hears of the head that
 * it has when it is back. Between the choice of a nonce and the push this process makes no other message of that sender;
 * another user of the same key must not send with it.
 */
import { fromBase64, toBase64 } from "../../base/bytes.ts";
import { KeyedTurns } from "../../base/turns.ts";
import { BLOCK_LIMITS } from "../../consensus/limits.ts";
import { type KeyCrypto, type KeyInfo, signMessage } from "../../keys/keys.ts";
import { sealProofOfSize, WINDOW_POST } from "../../params/proving.ts";
import { firstEpochIn } from "../../params/upgrades.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import { type AllocationTerms, allocationTerms } from "../../state/allocations.ts";
import { type Partition, sectorsOf, without } from "../../state/miner-sectors.ts";
import { sameCall } from "../../stmgr/message-search.ts";
import { Address, type NetworkPrefix } from "../../types/address.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import {
  type Message,
  messageFromJson,
  messageToJson,
  type SignedMessage,
  signedMessageCid,
  signedMessageFromJson,
  signedMessageToJson,
} from "../../types/message.ts";
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
import { MinerError, notSent } from "./errors.ts";
import { gasRoom, raisedFees } from "./raise.ts";
import { addressIn, deadlineClock, dealOf, factsOf, preCommitOf, sectorOf } from "./state-json.ts";
import { VersionAhead } from "./version-ahead.ts";

/** Calls a method of the node by its whole name; throws `refusal` for the node's own "no", anything else if none was reached. */
export type RpcRequest = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

export type RpcChainOptions = {
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  readonly request: RpcRequest;
  /** Whether an error is the node's own "no": it was reached, and it did not do what it was asked for. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Milliseconds from one question for the head to the next. */
  readonly pollMs: number;
  /** Keys that this process has; of all others the node's wallet signs. */
  readonly keys?: { readonly crypto: KeyCrypto; readonly of: (key: Address) => KeyInfo | null };
  /** Hears of failures to reach the node, once for each time that it went away. */
  readonly onLost?: (error: unknown) => void;
};

type Link = { readonly "/": string };
type TipsetJson = { readonly Cids: readonly Link[]; readonly Height: number };

/** How nodes say that the market has no such deal. Source: lotus chain/stmgr/actors.go (GetStorageDeal). */
const NO_DEAL = /\bdeal\b.*\bnot found/i;
/** Deadlines that are asked for at a time. */
const AT_ONCE = 8;
/** Epochs of the chain that are looked through for a message. */
const LOOKBACK = BLOCK_LIMITS.finality;

export class RpcChain implements MinerChain {
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  private readonly options: RpcChainOptions;
  private readonly versions: VersionAhead;
  private readonly turns = new KeyedTurns();
  private readonly listeners = new Set<(hasReverted: boolean) => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the timer runs, or the head is being asked for. */
  private isPolling = false;
  private last: HeadView | null = null;
  private isLost = false;
  private isInstant: Promise<boolean> | undefined;

  constructor(options: RpcChainOptions) {
    this.options = options;
    this.versions = new VersionAhead(options);
    this.miner = options.miner;
    this.prefix = options.prefix;
  }

  async head(): Promise<HeadView> {
    return this.viewOf((await this.ask("ChainHead")) as TipsetJson);
  }

  onHeadChange(listener: (hasReverted: boolean) => void): () => void {
    this.listeners.add(listener);
    if (!this.isPolling) this.schedule();
    return () => {
      this.listeners.delete(listener);
      // A question under way sees for itself whether another is wanted.
      if (this.listeners.size > 0 || this.timer === undefined) return;
      clearTimeout(this.timer);
      this.timer = undefined;
      this.isPolling = false;
    };
  }

  /** A local network without block time passes the epochs when this process may ask it to. */
  need(epoch: number): void {
    this.isInstant ??= this.options.request("Devnet.info").then(
      (info) => (info as { readonly blockTime?: unknown }).blockTime === 0,
      () => false,
    );
    void this.isInstant
      .then((instant) => (instant ? this.options.request("Devnet.mineTo", epoch) : null))
      .catch(() => undefined);
  }

  async firstEpochOf(networkVersion: number): Promise<number | null> {
    const { ForkUpgradeParams } = (await this.ask("StateGetNetworkParams")) as JsonObject;
    return firstEpochIn((ForkUpgradeParams ?? {}) as Readonly<Record<string, number>>, networkVersion);
  }

  async facts(at?: HeadView): Promise<MinerFacts> {
    const [info, { networkVersion }] = await Promise.all([
      this.ask("StateMinerInfo", this.name, keyOf(at)) as Promise<JsonObject>,
      at ?? this.head(),
    ]);
    const change = info["WorkerChangeEpoch"] as number;
    const sealProof = sealProofOfSize(Number(info["SectorSize"]), networkVersion);
    const pending = change < 0 ? null : { NewWorker: info["NewWorker"] as Json, EffectiveAt: change };
    return factsOf({ ...info, SealProofType: sealProof, PendingWorkerKey: pending });
  }

  async deadline(at?: HeadView): Promise<DeadlineClock> {
    const found = (await this.ask("StateMinerProvingDeadline", this.name, keyOf(at))) as {
      readonly CurrentEpoch: number;
      readonly PeriodStart: number;
      readonly Index: number;
      readonly Close: number;
    };
    const clock = deadlineClock(found.PeriodStart, found.Index);
    // The node tells of the state before the tipset: its own epoch may have been the deadline's last.
    if (found.CurrentEpoch + 1 < clock.close) return clock;
    const { provingPeriod, challengeWindow } = WINDOW_POST;
    const deadlines = provingPeriod / challengeWindow;
    const passed = found.Index + 1 + Math.floor((found.CurrentEpoch + 1 - clock.close) / challengeWindow);
    return deadlineClock(found.PeriodStart + Math.floor(passed / deadlines) * provingPeriod, passed % deadlines);
  }

  async sectorsDue(deadline: number, at?: HeadView): Promise<DeadlineSectors> {
    const key = keyOf(at);
    const [partitions, all] = await Promise.all([this.partitions(deadline, key), this.deadlines(key)]);
    return { partitions, proven: sectorsOf(all[deadline]?.["PostSubmissions"] as Json) };
  }

  async allSectorsDue(at?: HeadView): Promise<readonly DeadlineSectors[]> {
    // All of one state: the head may move between two questions.
    const key = keyOf(at ?? (await this.head()));
    const all = await this.deadlines(key);
    const due: DeadlineSectors[] = [];
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE).map(async (one, i) => ({
        partitions: await this.partitions(from + i, key),
        proven: sectorsOf(one["PostSubmissions"] as Json),
      }));
      due.push(...(await Promise.all(some)));
    }
    return due;
  }

  private async deadlines(key: readonly Link[] | null): Promise<readonly JsonObject[]> {
    return (await this.ask("StateMinerDeadlines", this.name, key)) as readonly JsonObject[];
  }

  private async partitions(deadline: number, key: readonly Link[] | null): Promise<readonly Partition[]> {
    const found = (await this.ask("StateMinerPartitions", this.name, deadline, key)) as readonly JsonObject[];
    return found.map((one, partition) => {
      const set = (name: string) => sectorsOf(one[name] as Json);
      const [sectors, live, active, faults] = ["AllSectors", "LiveSectors", "ActiveSectors", "FaultySectors"].map(
        set,
      ) as [readonly number[], readonly number[], readonly number[], readonly number[]];
      return {
        ...{ deadline, partition, sectors, faults, recoveries: set("RecoveringSectors") },
        terminated: without(sectors, live),
        unproven: without(live, active, faults),
      };
    });
  }

  async deadlineOf(sector: number, at?: HeadView): Promise<number | null> {
    try {
      const found = await this.ask("StateSectorPartition", this.name, sector, keyOf(at));
      return (found as { readonly Deadline: number }).Deadline;
    } catch (error) {
      if (!this.options.isRefusal(error) || (await this.sector(sector, at)) !== null) throw error;
      return null;
    }
  }

  async sector(number: number, at?: HeadView): Promise<OnChainSector | null> {
    const found = await this.ask("StateSectorGetInfo", this.name, number, keyOf(at));
    return found === null ? null : sectorOf(found as JsonObject);
  }

  async preCommit(number: number, at?: HeadView): Promise<OnChainPreCommit | null> {
    const found = await this.ask("StateSectorPreCommitInfo", this.name, number, keyOf(at));
    return found === null ? null : preCommitOf(found as JsonObject);
  }

  async isAllocated(number: number, at?: HeadView): Promise<boolean> {
    return (await this.ask("StateMinerSectorAllocated", this.name, number, keyOf(at))) as boolean;
  }

  async money(at?: HeadView): Promise<MinerMoney> {
    const key = keyOf(at);
    const [available, state] = await Promise.all([
      this.ask("StateMinerAvailableBalance", this.name, key) as Promise<string>,
      this.ask("StateReadState", this.name, key) as Promise<{ readonly Balance: string; readonly State: JsonObject }>,
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
    const { MinerPower, TotalPower, HasMinPower } = (await this.ask("StateMinerPower", this.name, keyOf(at))) as {
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
    if (at === undefined) return BigInt((await this.ask("WalletBalance", this.text(address))) as string);
    try {
      const actor = (await this.ask("StateGetActor", this.text(address), keyOf(at))) as { readonly Balance: string };
      return BigInt(actor.Balance);
    } catch (error) {
      if (!this.options.isRefusal(error)) throw error;
      // There is no such actor, unless it is the tipset that the node does not know: then this is refused, too.
      await this.facts(at);
      return 0n;
    }
  }

  async preCommitDeposit(sector: SectorTerms): Promise<bigint> {
    return BigInt((await this.ask("StateMinerPreCommitDepositForPower", this.name, termsOf(sector), null)) as string);
  }

  async initialPledge(sector: SectorTerms): Promise<bigint> {
    if (sector.verifiedBytes !== undefined) {
      const duration = sector.expiration - (await this.head()).height;
      const { sectorBytes } = await this.facts();
      const given = [duration, sectorBytes, Number(sector.verifiedBytes), null];
      return BigInt((await this.ask("StateMinerInitialPledgeForSector", ...given)) as string);
    }
    return BigInt((await this.ask("StateMinerInitialPledgeCollateral", this.name, termsOf(sector), null)) as string);
  }

  async dealAllocation(deal: bigint): Promise<Allocation | null> {
    const id = BigInt((await this.ask("StateGetAllocationIdForPendingDeal", Number(deal), null)) as number | string);
    if (id === 0n) return null;
    const found = (await this.ask("StateMarketStorageDeal", Number(deal), null)) as JsonObject;
    const client = addressIn((found["Proposal"] as JsonObject)["Client"]);
    return { client: client.actorId as bigint, id };
  }

  async deal(id: bigint): Promise<PublishedDeal | null> {
    try {
      const found = (await this.ask("StateMarketStorageDeal", Number(id), null)) as JsonObject;
      return dealOf(found["Proposal"] as JsonObject, found["State"] as JsonObject);
    } catch (error) {
      // The node's answer for a deal that the market does not have; any other refusal says nothing of it.
      if (this.options.isRefusal(error) && NO_DEAL.test((error as Error).message)) return null;
      throw error;
    }
  }

  async allocation({ client, id }: Allocation): Promise<AllocationTerms | null> {
    const found = await this.ask("StateGetAllocation", this.text(Address.id(client)), Number(id), null);
    return found === null ? null : allocationTerms(found as JsonObject);
  }

  async randomness(
    kind: "ticket" | "beacon",
    tag: number,
    epoch: number,
    entropy: Uint8Array,
    at: HeadView,
  ): Promise<Uint8Array> {
    const method = kind === "ticket" ? "StateGetRandomnessFromTickets" : "StateGetRandomnessFromBeacon";
    return fromBase64((await this.ask(method, tag, epoch, toBase64(entropy), keyOf(at))) as string);
  }

  async canSign(address: Address): Promise<boolean> {
    const key = await this.keyAddress(address);
    if (this.options.keys?.of(key)) return true;
    return (await this.ask("WalletHas", this.text(key))) as boolean;
  }

  send(
    { name, ...outgoing }: Outgoing,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage> {
    return this.alone(name, outgoing.from, async (from) => {
      const nonce = BigInt((await this.ask("MpoolGetNonce", this.text(from))) as number | string);
      const bare = { ...outgoing, from, nonce, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
      const spec = { MaxFee: limit.maxFee.toString() };
      // What is signed is what was meant: of the answer only the gas is taken, and only within the limit.
      const priced = async (message: Message): Promise<Message> => {
        const answer = await this.ask("GasEstimateMessageGas", messageToJson(message, this.prefix), spec, null);
        const { gasLimit, gasFeeCap, gasPremium } = messageFromJson(answer);
        return { ...message, gasLimit, gasFeeCap, gasPremium };
      };
      const room = await gasRoom(this, outgoing.to);
      const first = await priced(bare);
      const whole = room === 0n ? first : await priced({ ...bare, gasLimit: first.gasLimit + room });
      if (whole.gasLimit * whole.gasFeeCap > limit.maxFee)
        throw new MinerError(
          { code: "BAD_ANSWER", method: "GasEstimateMessageGas" },
          `the node prices a message at up to ${whole.gasLimit * whole.gasFeeCap} attoFIL, and ${limit.maxFee} is the most it may cost`,
        );
      return this.push(whole, keep);
    });
  }

  async resend(signed: SignedMessage): Promise<void> {
    try {
      await this.ask("MpoolPush", signedMessageToJson(signed, this.prefix));
    } catch (error) {
      if (!this.options.isRefusal(error)) throw error;
      const { from, nonce } = signed.message;
      if (BigInt((await this.ask("MpoolGetNonce", this.text(from))) as number | string) <= nonce) throw error;
    }
  }

  async raise(
    { message }: SignedMessage,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage | null> {
    const fees = await raisedFees(message, limit, async (gasPremium) => {
      const priced = messageToJson({ ...message, gasPremium }, this.prefix);
      return BigInt((await this.ask("GasEstimateFeeCap", priced, 20, null)) as string);
    });
    if (fees === null) return null;
    return this.alone("the message with a higher fee", message.from, () => this.push({ ...message, ...fees }, keep));
  }

  async outcome(signed: SignedMessage): Promise<Outcome> {
    try {
      return await this.searched({ "/": `${signedMessageCid(signed)}` });
    } catch (error) {
      if (!this.options.isRefusal(error)) throw error;
      // The node does not know the message, or another one has its nonce: which one, only the chain tells.
      const rival = await this.withNonceOf(signed.message);
      if (rival === null) return { kind: "open" };
      return sameCall(rival.message, signed.message) ? this.searched(rival.link) : { kind: "displaced" };
    }
  }

  private async searched(link: Link): Promise<Outcome> {
    const found = (await this.ask("StateSearchMsg", null, link, LOOKBACK, true)) as {
      readonly Message: Link;
      readonly Height: number;
      readonly Receipt: { readonly ExitCode: number; readonly Return: string | null; readonly GasUsed: number };
    } | null;
    if (found === null) return { kind: "open" };
    const { ExitCode: exitCode, Return: returned, GasUsed: gasUsed } = found.Receipt;
    const receipt = { exitCode, return: fromBase64(returned ?? ""), gasUsed: BigInt(gasUsed) };
    return { kind: "executed", cid: parseCid(found.Message["/"]), receipt, height: found.Height };
  }

  /** The executed message with a message's sender and nonce; null if there is none within a finality. */
  private async withNonceOf({
    from,
    nonce,
  }: Message): Promise<{ readonly link: Link; readonly message: Message } | null> {
    const { Cids, Height } = (await this.ask("ChainHead")) as TipsetJson;
    // The state before the head: of what the head itself carries nothing was executed.
    const actor = (await this.ask("StateGetActor", this.text(from), Cids)) as { readonly Nonce: number | string };
    if (BigInt(actor.Nonce) <= nonce) return null;
    const match = { From: this.text(from) };
    const links = (await this.ask("StateListMessages", match, Cids, Math.max(0, Height - LOOKBACK))) as readonly Link[];
    for (const link of links) {
      const message = messageFromJson(await this.ask("ChainGetMessage", link));
      if (message.nonce === nonce) return { link, message };
    }
    return null;
  }

  /** Runs what makes a message, with its sender's key address; what the node refuses was not sent. */
  private async alone(
    name: string,
    sender: Address,
    make: (from: Address) => Promise<SignedMessage>,
  ): Promise<SignedMessage> {
    const from = await this.keyAddress(sender);
    return this.turns.run(from.key, async () => {
      try {
        return await make(from);
      } catch (error) {
        throw this.options.isRefusal(error) ? notSent(name, error) : error;
      }
    });
  }

  private async push(message: Message, keep: (signed: SignedMessage) => Promise<void>): Promise<SignedMessage> {
    const { keys } = this.options;
    const key = keys?.of(message.from) ?? null;
    const signed =
      key !== null && keys !== undefined
        ? signMessage(keys.crypto, key, message)
        : signedMessageFromJson(
            await this.ask("WalletSignMessage", this.text(message.from), messageToJson(message, this.prefix)),
          );
    await keep(signed);
    await this.ask("MpoolPush", signedMessageToJson(signed, this.prefix));
    return signed;
  }

  private async keyAddress(address: Address): Promise<Address> {
    if (address.actorId === null) return address;
    return Address.parse((await this.ask("StateAccountKey", this.text(address), null)) as string);
  }

  private schedule(): void {
    this.isPolling = true;
    this.timer = setTimeout(async () => {
      this.timer = undefined;
      await this.poll().catch((error: unknown) => {
        if (!this.isLost) this.options.onLost?.(error);
        this.isLost = true;
      });
      this.isPolling = false;
      if (this.listeners.size > 0) this.schedule();
    }, this.options.pollMs);
    // A timer alone keeps no process alive.
    (this.timer as { unref?: () => void }).unref?.();
  }

  private async poll(): Promise<void> {
    const head = await this.head();
    this.isLost = false;
    const { last } = this;
    this.last = head;
    if (last !== null && textOf(last.key) === textOf(head.key)) return;
    const hasReverted = last !== null && !(await this.isBelow(last, head));
    for (const listener of [...this.listeners]) listener(hasReverted);
  }

  /** Whether a tipset is on the chain that ends with another. */
  private async isBelow(lower: HeadView, upper: HeadView): Promise<boolean> {
    if (lower.height >= upper.height) return false;
    const at = (await this.ask("ChainGetTipSetByHeight", lower.height, keyOf(upper))) as TipsetJson;
    return textOf(at.Cids.map(cidOf)) === textOf(lower.key);
  }

  private async viewOf({ Cids, Height }: TipsetJson): Promise<HeadView> {
    const key = Cids.map(cidOf);
    const networkVersion = await this.versions.at({ key: Cids, height: Height }, Height + 1);
    return { key, height: Height, networkVersion };
  }

  private get name(): string {
    return this.text(this.miner);
  }

  private text(address: Address): string {
    return address.toString(this.prefix);
  }

  private ask(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.options.request(`Filecoin.${method}`, ...params);
  }
}

const cidOf = (link: Link): CID => parseCid(link["/"]);
const textOf = (key: readonly CID[]): string => key.join(",");

function keyOf(at: HeadView | undefined): readonly Link[] | null {
  return at === undefined ? null : at.key.map((cid) => ({ "/": cid.toString() }));
}

function termsOf({ sealProof, dealIds, expiration }: SectorTerms): Record<string, Json> {
  return { SealProof: sealProof, SectorNumber: 0, DealIDs: dealIds.map(Number), Expiration: expiration };
}
