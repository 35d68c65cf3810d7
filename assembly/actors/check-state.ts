/**
 * Invariants of a whole state: every actor by its own checker, and what must hold between actors.
 *
 * One step looks at one actor, so that the host can free memory in between. Sums over all actors are compared at the
 * end: claims against miners, pledge against what miners hold, callbacks against miners, ids against the init actor.
 * Complaints do not stop the check. Source of most rules: specs-actors v2.1.0 states/check.go, widened.
 */
import { Big } from "../base/big";
import { Cid } from "../ipld/cid";
import { BlockStore } from "../ipld/store";
import { builtinCode } from "../runtime/actor";
import { CheckContext, Report } from "../runtime/check";
import { MapCursor, MapOf } from "../runtime/collections";
import { Address, parseAddress } from "../types/address";
import { ActorEntry } from "../types/chain.gen";
import { Codec } from "../types/codec";
import { FIRST_NON_SINGLETON_ID } from "../types/singletons";
import { checkAccount } from "./account/check";
import { AccountState } from "./account/codec.gen";
import { checkCron } from "./cron/check";
import { CronState } from "./cron/codec.gen";
import { checkInit } from "./init/check";
import { InitState } from "./init/codec.gen";
import { checkMarket } from "./market/check";
import { MarketState } from "./market/codec.gen";
import { checkMiner, MinerSummary } from "./miner/check";
import { MinerState } from "./miner/codec.gen";
import { powerPair, samePower } from "./miner/power-pair";
import { checkMultisig } from "./multisig/check";
import { MultisigState } from "./multisig/codec.gen";
import { checkPaych } from "./paych/check";
import { PaychState } from "./paych/codec.gen";
import { checkPower, PowerSummary } from "./power/check";
import { PowerState } from "./power/codec.gen";
import { checkReward } from "./reward/check";
import { RewardState } from "./reward/codec.gen";
import { checkVerifreg } from "./verifreg/check";
import { VerifregState } from "./verifreg/codec.gen";
import { NetworkProfile } from "../runtime/profile.gen";
import { NetworkVersion } from "../runtime/versions.gen";

/** Names of the actors that a state may hold, in the order of `StateCheck.checkActor`. */
const NAMES: Array<string> = [
  "system",
  "init",
  "reward",
  "cron",
  "storagepower",
  "storagemarket",
  "verifiedregistry",
  "account",
  "multisig",
  "paymentchannel",
  "storageminer",
];

@final
export class StateCheck {
  readonly report: Report;
  actors: i32 = 0;
  /** attoFIL held by all actors. */
  total: Big = Big.ZERO;
  /** Miners whose power was taken from them (after a failed callback, or a fault in v0). */
  unclaimed: i32 = 0;
  private readonly at: CheckContext;
  private readonly cursor: MapCursor<ActorEntry>;
  private readonly codes: Array<Cid> = [];
  private readonly miners: Map<u64, MinerSummary> = new Map();
  private readonly ids: Set<u64> = new Set();
  private readonly cronReceivers: Array<Address> = [];
  private power: PowerSummary | null = null;
  private nextId: u64 = 0;

  /** `actors` is the HAMT of the state tree. */
  constructor(store: BlockStore, actors: Cid, version: NetworkVersion, profile: NetworkProfile, epoch: i64) {
    const report = new Report();
    const at = new CheckContext(store, version, profile, epoch, report);
    this.report = report;
    this.at = at;
    this.cursor = MapOf.load<ActorEntry>(at, actors).cursor();
    for (let i = 0; i < NAMES.length; i++) this.codes.push(builtinCode(version.actors, NAMES[i]));
  }

  /** Looks at the next actor; false if there is none. */
  step(): bool {
    if (!this.cursor.next()) return false;
    const address = parseAddress(this.cursor.key);
    this.actors++;
    if (address === null || !address.isId) {
      this.report.about("").add("a key of the state tree is no ID address");
      return true;
    }
    const actor = this.cursor.value();
    this.ids.add(address.actorId);
    this.total = this.total.add(actor.balance);
    this.at.address = address;
    this.at.balance = actor.balance;
    this.report.about("f0" + address.actorId.toString() + ": ");
    this.report.that(!actor.balance.negative, "balance is negative");
    this.checkActor(this.kindOf(actor.code), actor.head);
    return true;
  }

  private kindOf(code: Cid): i32 {
    for (let i = 0; i < this.codes.length; i++) if (this.codes[i].eq(code)) return i;
    return -1;
  }

  private load<T extends Codec>(head: Cid): T | null {
    return this.at.object<T>(head, "state");
  }

  private checkActor(kind: i32, head: Cid): void {
    const at = this.at;
    if (kind < 0) this.report.add("code is no actor's of this version");
    else if (kind == 1) {
      const st = this.load<InitState>(head);
      if (st === null) return;
      checkInit(st, at);
      this.nextId = st.nextID;
    } else if (kind == 2) {
      const st = this.load<RewardState>(head);
      if (st !== null) checkReward(st, at);
    } else if (kind == 3) {
      const st = this.load<CronState>(head);
      if (st === null) return;
      checkCron(st, at);
      for (let i = 0; i < st.entries.length; i++) this.cronReceivers.push(st.entries[i].receiver);
    } else if (kind == 4) {
      const st = this.load<PowerState>(head);
      if (st !== null) this.power = checkPower(st, at);
    } else if (kind == 5) {
      const st = this.load<MarketState>(head);
      if (st !== null) checkMarket(st, at);
    } else if (kind == 6) {
      const st = this.load<VerifregState>(head);
      if (st !== null) checkVerifreg(st, at);
    } else if (kind == 7) {
      const st = this.load<AccountState>(head);
      if (st !== null) checkAccount(st, at);
    } else if (kind == 8) {
      const st = this.load<MultisigState>(head);
      if (st !== null) checkMultisig(st, at);
    } else if (kind == 9) {
      const st = this.load<PaychState>(head);
      if (st !== null) checkPaych(st, at);
    } else if (kind == 10) {
      const st = this.load<MinerState>(head);
      if (st !== null) this.miners.set(at.address.actorId, checkMiner(st, at));
    }
  }

  /** Compares actors with each other; called once, after the last step. */
  finish(): void {
    this.report.about("");
    const power = this.power;
    if (power === null) this.report.add("there is no power actor");
    else {
      this.checkClaims(power);
      this.checkCallbacks(power);
    }
    const ids = this.ids.values();
    for (let i = 0; i < ids.length; i++) {
      const given = ids[i] < FIRST_NON_SINGLETON_ID || ids[i] < this.nextId;
      this.report.that(given, "actor f0" + ids[i].toString() + " has an id that was not given out");
    }
    for (let i = 0; i < this.cronReceivers.length; i++) {
      const receiver = this.cronReceivers[i];
      const exists = receiver.isId && this.ids.has(receiver.actorId);
      this.report.that(exists, "cron calls an actor that does not exist");
    }
  }

  private checkClaims(power: PowerSummary): void {
    const claimed = power.claims.keys();
    for (let i = 0; i < claimed.length; i++) {
      const isMiner = this.miners.has(claimed[i]);
      this.report.that(isMiner, "f0" + claimed[i].toString() + " has a claim but is no miner");
    }
    let pledge = Big.ZERO;
    const ids = this.miners.keys();
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      const miner = this.miners.get(id);
      pledge = pledge.add(miner.pledge);
      if (!power.claims.has(id)) {
        this.unclaimed++;
        continue;
      }
      const claim = power.claims.get(id);
      const equal = samePower(miner.activePower, powerPair(claim.rawBytePower, claim.qualityAdjPower));
      const zeroed = claim.rawBytePower.isZero && claim.qualityAdjPower.isZero;
      // v0 zeroes the claim of a miner whose callback failed and goes on without him.
      const consistent = equal || (!this.at.version.claimMatchesPower && zeroed);
      this.report.that(consistent, "the claim of f0" + id.toString() + " differs from its sectors' power");
      const sameType = !this.at.version.powerKnowsSealProof || claim.sealProofType == miner.sealProof;
      this.report.that(sameType, "the claim of f0" + id.toString() + " has another proof type than the miner");
    }
    // A miner that lost its claim keeps pledge that was, or was not, taken off the total.
    const comparable = this.unclaimed == 0;
    this.report.that(!comparable || pledge.eq(power.pledge), "miners' pledge does not sum to the network's");
  }

  private checkCallbacks(power: PowerSummary): void {
    const PROVING_DEADLINE: i64 = 1;
    const deadlines = new Map<u64, i32>();
    for (let i = 0; i < power.crons.length; i++) {
      const cron = power.crons[i];
      const name = "a callback of f0" + cron.miner.toString();
      if (!this.miners.has(cron.miner)) {
        this.report.add(name + " is for no miner");
        continue;
      }
      const r = this.at.reader(cron.event.callbackPayload);
      r.tuple(1);
      const kind = r.i64();
      this.report.that(r.ok, name + " has a malformed payload");
      if (!r.ok || kind != PROVING_DEADLINE) continue;
      deadlines.set(cron.miner, deadlines.has(cron.miner) ? deadlines.get(cron.miner) + 1 : 1);
    }
    const claimed = power.claims.keys();
    for (let i = 0; i < claimed.length; i++) {
      const count = deadlines.has(claimed[i]) ? deadlines.get(claimed[i]) : 0;
      this.report.that(count == 1, "f0" + claimed[i].toString() + " waits for " + count.toString() + " deadlines");
    }
  }
}
