/**
 * Faults on purpose, on a local network whose miners are all at hand: sectors lost, changed and found again, proofs left
 * out, miners stopped, blocks signed twice, sectors terminated. What follows is the actors' doing; `report` shows it.
 */
import { toBase64 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import type { Rewind } from "../base/rewind.ts";
import { Turns } from "../base/turns.ts";
import { addressOf, signMessage } from "../keys/keys.ts";
import { minerMessages } from "../miner/chain-side/messages.ts";
import { MessageTracker } from "../miner/chain-side/tracker.ts";
import { signBlock } from "../miner/draft-block.ts";
import { REPORT_CONSENSUS_FAULT } from "../miner/fault-reporter.ts";
import type { OwnMiner } from "../miner/own-sectors.ts";
import { SECTOR_STATES } from "../miner/sealing/states.ts";
import type { MinerSwitches } from "../miner/switches.ts";
import { FaultStore, type FileFault } from "../sector/fault-store.ts";
import { partitionsOf, without } from "../state/miner-sectors.ts";
import { encodeMethodParams } from "../state/state-view.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, encodeHeader, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { signedMessageCid } from "../types/message.ts";
import type { Clock } from "./clock.ts";
import { deadlineAhead } from "./deadline-ahead.ts";
import { fastForward } from "./fast-forward.ts";
import type { LocalMiners } from "./local-miners.ts";
import { type MinerReport, minerReport } from "./miner-report.ts";
import type { FilecoinNode } from "./node.ts";
import { faultOf, withFault } from "./played-faults.ts";
import type { SealingPart } from "./sealing-part.ts";
import { sectorsService } from "./sectors-service.ts";
import { type Loss, waitingLosses } from "./waiting-losses.ts";

export type LaboratoryErrorData =
  | { readonly code: "UNKNOWN_MINER"; readonly miner: string }
  | { readonly code: "UNKNOWN_SECTOR"; readonly miner: string; readonly sector: number }
  | { readonly code: "UNKNOWN_STATE"; readonly state: string }
  /** Without this miner nobody could make blocks any more. */
  | { readonly code: "LAST_MINER"; readonly miner: string }
  /** The miner has made no block in the last epochs. */
  | { readonly code: "NO_BLOCK"; readonly miner: string }
  | { readonly code: "NO_DEADLINE"; readonly miner: string }
  /** A sector is in another state after the epochs that it was given. */
  | { readonly code: "NOT_REACHED"; readonly miner: string; readonly sector: number; readonly state: string };
export class LaboratoryError extends FilError<LaboratoryErrorData> {}

export type LaboratoryParts = {
  readonly node: FilecoinNode;
  readonly local: LocalMiners;
  readonly switches: MinerSwitches;
  readonly clock: Clock;
  readonly sealing: SealingPart | null;
};

/** Tipsets that are looked through for a miner's block. */
const SEARCHED = 900;
/** Null rounds in a row. */
const MOST_SKIPPED = 100;
/** attoFIL that the report of a consensus fault may cost in gas. */
const MAX_FEE = 10n ** 18n;

export class Laboratory {
  private readonly parts: LaboratoryParts;
  /** Who asks whether the chain would end does what he asked for before the next one asks. */
  private readonly turns = new Turns();

  constructor(parts: LaboratoryParts) {
    this.parts = parts;
  }

  /** Whether a miner mines and proves. */
  turn(miner: Address, on: boolean): void {
    this.parts.switches.turn(this.find(miner), on);
  }

  /**
   * From now on the proofs of these deadlines are left out; of none: all are made again. Throws `LaboratoryError`
   * LAST_MINER where the chain would end with that, unless it is wanted `anyway`.
   */
  async skip(miner: Address, deadlines: "all" | readonly number[], anyway = false): Promise<void> {
    const own = this.find(miner);
    await this.turns.run(async () => {
      if (!anyway) await this.refuseEnd({ own, isGone: () => false }, "its proofs left out", deadlines);
      this.parts.switches.skip(own, deadlines);
    });
  }

  /** Plays the loss or the change of a sector's files, or ends it. */
  setFault(miner: Address, sector: number, fault: FileFault): void {
    const own = this.find(miner);
    const held = own.sectors.get(sector);
    if (held === undefined) throw this.unknownSector(own, sector, [...own.sectors.keys()]);
    if (held.store instanceof FaultStore) {
      held.store.fault = fault;
      return;
    }
    own.sectors.set(sector, withFault(held, fault));
  }

  /** Which sectors the miners have, and what is played on them. */
  remember(): Rewind {
    const switches = this.parts.switches.remember();
    const held = this.parts.local.miners.map(({ sectors }) => ({
      sectors,
      entries: [...sectors].map(([number, one]) => ({ number, one, fault: faultOf(one) })),
    }));
    return async (changed) => {
      await switches(changed);
      for (const { sectors, entries } of held) {
        sectors.clear();
        for (const { number, one, fault } of entries) {
          if (one.store instanceof FaultStore) one.store.fault = fault;
          sectors.set(number, one);
        }
      }
    };
  }

  /** Makes tipsets until a deadline of a miner opens, at least one; null: the next that has sectors. `skip`: null rounds pass on the way. */
  async toDeadline(
    miner: Address,
    deadline: number | null,
    { skip = false }: { readonly skip?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<Tipset> {
    const { local, node, clock } = this.parts;
    const open = await deadlineAhead(local.chainOf(this.find(miner), node), deadline);
    if (open === null)
      throw new LaboratoryError(
        { code: "NO_DEADLINE", miner: `${miner}` },
        `${this.text(miner)} has no sectors in any deadline`,
      );
    // Who may win is looked up not too far below the head: a tipset stands between the null rounds.
    while (skip && node.chain.head.height + 1 < open) {
      signal?.throwIfAborted();
      await clock.skip(Math.min(MOST_SKIPPED, open - node.chain.head.height - 1), signal);
    }
    return node.chain.head.height >= open ? node.chain.head : clock.mineTo(open, signal);
  }

  /** Comes to an epoch by null rounds, with tipsets where a miner that is on has something to prove. */
  fastForward(epoch: number, signal?: AbortSignal): Promise<Tipset> {
    const { local, node, clock, switches } = this.parts;
    const chains = new Map(local.miners.map((own) => [own, local.chainOf(own, node)]));
    return fastForward(
      {
        ...{ clock, pool: node.pool, head: () => node.chain.head },
        chains: () => [...chains].flatMap(([own, chain]) => (switches.isOn(own) ? [chain] : [])),
      },
      epoch,
      signal,
    );
  }

  /** Makes tipsets until a sector is in a state (`Proving`, `Faulty`, …), so many epochs at the most. */
  async toSectorState(miner: Address, sector: number, state: string, epochs: number, signal?: AbortSignal) {
    const { sealing, clock, node } = this.parts;
    const own = this.find(miner);
    const service = sealing === null ? null : sectorsService(sealing);
    if (!Object.hasOwn(SECTOR_STATES, state))
      throw new LaboratoryError(
        { code: "UNKNOWN_STATE", state },
        `${state} is no state of a sector; there are ${Object.keys(SECTOR_STATES).join(", ")}`,
      );
    if (((await service?.status(own.address, sector)) ?? null) === null)
      throw this.unknownSector(
        own,
        sector,
        ((await service?.list(own.address)) ?? []).map(({ number }) => number),
      );
    const first = node.chain.head.height;
    for (let seen = ""; ; ) {
      await sealing?.rest();
      const status = (await service?.status(own.address, sector)) ?? null;
      if (status?.state === state) return node.chain.head;
      seen = status?.state ?? "not there";
      signal?.throwIfAborted();
      if (node.chain.head.height >= first + epochs || clock.health().status === "stopped")
        throw new LaboratoryError(
          { code: "NOT_REACHED", miner: `${miner}`, sector, state: seen },
          `sector ${sector} of ${this.text(miner)} is ${seen} after ${node.chain.head.height - first} epochs, not ${state}`,
        );
      await clock.mine(1, signal);
    }
  }

  /** Sectors whose loss or change is being played. */
  faults(miner: Address): readonly { readonly sector: number; readonly fault: FileFault }[] {
    return [...this.find(miner).sectors.values()].flatMap(({ number, store }) =>
      store instanceof FaultStore && store.fault !== "none" ? [{ sector: number, fault: store.fault }] : [],
    );
  }

  /**
   * Signs a second block of the epoch of the miner's last one and reports the two; gives the CID of the report. Throws
   * `LaboratoryError` LAST_MINER where the chain would end with that, unless it is wanted `anyway`: an exclusion is over
   * 900 epochs above the report by the height of the head, which only others can raise.
   */
  async equivocate(miner: Address, anyway = false): Promise<CID> {
    const loss = { own: this.find(miner), isGone: () => true };
    return this.losing(loss, "a consensus fault", anyway, () => this.reportFault(loss.own));
  }

  private async reportFault(own: OwnMiner): Promise<CID> {
    const { states, pool, gas, crypto, keystore } = this.parts.node;
    const first = await this.lastBlock(own);
    const draft = {
      header: { ...first, blockSig: null, forkSignaling: first.forkSignaling + 1n },
      messages: [],
      blocks: [],
    };
    const { header: second } = signBlock(crypto, draft, own.worker);
    const { head } = states.chain;
    const { code } = await (await states.stateAfter(head)).requireActor(own.address);
    const params = {
      BlockHeader1: toBase64(encodeHeader(first)),
      BlockHeader2: toBase64(encodeHeader(second)),
      BlockHeaderExtra: "",
    };
    const payer = keystore.get((await keystore.defaultAddress()) as Address);
    const from = addressOf(crypto, payer);
    const free = { gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
    const message = {
      ...{ to: own.address, from, value: 0n, ...free, method: REPORT_CONSENSUS_FAULT },
      params: encodeMethodParams(code, REPORT_CONSENSUS_FAULT, params, states.network.prefix),
    };
    const spec = { maxFee: MAX_FEE, maximizeFeeCap: false };
    const signed = await pool.pushNext(from, async (nonce) =>
      signMessage(crypto, payer, await gas.complete({ ...message, nonce }, spec, head)),
    );
    return signedMessageCid(signed);
  }

  /** Sends the termination of sectors; gives its CID. Throws `LaboratoryError` LAST_MINER as `skip` does. */
  async terminate(miner: Address, sectors: readonly number[], anyway = false): Promise<CID> {
    const loss = { own: this.find(miner), isGone: (sector: number) => sectors.includes(sector) };
    return this.losing(loss, "its sectors ended", anyway, () => this.sendTermination(loss.own, sectors));
  }

  private async sendTermination(own: OwnMiner, sectors: readonly number[]): Promise<CID> {
    const miner = own.address;
    const { local, node } = this.parts;
    const chain = local.chainOf(own, node);
    const head = await chain.head();
    const calls = minerMessages(chain.miner, head.networkVersion, chain.prefix);
    const found = [];
    for (const [deadline, { partitions }] of (await chain.allSectorsDue(head)).entries())
      for (const one of partitions) {
        const ending = one.sectors.filter((sector) => sectors.includes(sector) && !one.terminated.includes(sector));
        if (ending.length > 0) found.push({ deadline, partition: one.partition, sectors: ending });
      }
    const live = found.flatMap((one) => one.sectors);
    const missing = sectors.find((sector) => !live.includes(sector));
    if (missing !== undefined || sectors.length === 0)
      throw new LaboratoryError(
        { code: "UNKNOWN_SECTOR", miner: `${miner}`, sector: missing ?? -1 },
        `${this.text(miner)} has no live sector ${missing ?? "(none was named)"}`,
      );
    const tracker = new MessageTracker(chain, node.chain.blocks);
    const key = `terminate/${sectors.join("-")}`;
    // They live: what was sent for them before, and executed, has failed.
    if ((await tracker.find(key)) !== null && (await tracker.check(key, 0)) !== null) await tracker.forget(key);
    return tracker.send(key, calls.terminate(found));
  }

  /** One look at a miner. */
  report(miner: Address): Promise<MinerReport> {
    const own = this.find(miner);
    const { local, node } = this.parts;
    return minerReport(node, local.chainOf(own, node), () => this.whyNot(own));
  }

  get miners(): readonly Address[] {
    return this.parts.local.miners.map(({ address }) => address);
  }

  isOn(miner: Address): boolean {
    return this.parts.switches.isOn(this.find(miner));
  }

  skipped(miner: Address): "all" | readonly number[] {
    return this.parts.switches.skipped(this.find(miner));
  }

  /** Sends what takes sectors away, unless the chain would end with that. */
  private losing(loss: Loss, how: string, anyway: boolean, send: () => Promise<CID>): Promise<CID> {
    return this.turns.run(async () => {
      if (!anyway) await this.refuseEnd(loss, how);
      return send();
    });
  }

  /**
   * Throws `LaboratoryError` LAST_MINER if nobody could make blocks any more once sectors of a miner count for nothing. `deadlines`: those
   * whose proofs it leaves out then.
   */
  private async refuseEnd(loss: Loss, how: string, deadlines?: "all" | readonly number[]): Promise<void> {
    const { own } = loss;
    const { states, pool } = this.parts.node;
    const { chain, network } = states;
    // Before the state: what waits no longer is in it.
    const waiting = pool.pending();
    const view = await states.stateAfter(chain.head);
    const losses = [...(await waitingLosses(waiting, this.parts.local.miners, view, network.prefix)), loss];
    const mayMine = async (miner: OwnMiner): Promise<boolean> =>
      (await this.parts.local.baseOf(states, miner, chain.head))?.notEligible === null;
    // One that makes no blocks anyway is not the last.
    if (!(await mayMine(own))) return;
    for (const miner of this.parts.local.miners) {
      if (!(await mayMine(miner))) continue;
      const skipped = (miner === own ? deadlines : undefined) ?? this.skipped(miner.address);
      const isOut = (deadline: number, sector: number): boolean =>
        skipped === "all" ||
        skipped.includes(deadline) ||
        losses.some((one) => one.own === miner && one.isGone(sector));
      const entry = await view.requireActor(miner.address);
      for await (const { deadline, ...all } of partitionsOf(chain.blocks, entry, network.prefix))
        if (without(all.sectors, all.faults, all.terminated, all.unproven).some((one) => !isOut(deadline, one))) return;
    }
    throw new LaboratoryError(
      { code: "LAST_MINER", miner: `${own.address}` },
      `${this.text(own.address)} with ${how} would end the chain for good, since no other miner here could make blocks: ` +
        "take a network of two miners or more (--miners 2); or say `anyway`, and go back to a snapshot after it",
    );
  }

  private async whyNot(own: OwnMiner): Promise<string | null> {
    if (!this.parts.switches.isOn(own)) return "it was stopped";
    const { states } = this.parts.node;
    const { head } = states.chain;
    const base = await this.parts.local.baseOf(states, own, head);
    return base === null ? "it has no sector that it could prove" : base.notEligible;
  }

  private async lastBlock(own: OwnMiner): Promise<BlockHeader> {
    const { chain } = this.parts.node;
    let at = await chain.parent(chain.head);
    for (let i = 0; i < SEARCHED && at !== null && at.height > 0; i++) {
      const found = at.blocks.find((header) => header.miner.equals(own.address));
      if (found !== undefined) return found;
      at = await chain.parent(at);
    }
    const miner = this.text(own.address);
    throw new LaboratoryError({ code: "NO_BLOCK", miner }, `${miner} has made no block lately: pass some epochs first`);
  }

  private unknownSector({ address }: OwnMiner, sector: number, there: readonly number[]): LaboratoryError {
    return new LaboratoryError(
      { code: "UNKNOWN_SECTOR", miner: `${address}`, sector },
      `${this.text(address)} has no sector ${sector} here; it has ${there.join(", ") || "none"}`,
    );
  }

  private find(miner: Address): OwnMiner {
    const own = this.parts.local.miners.find(({ address }) => address.equals(miner));
    if (own !== undefined) return own;
    const all = this.miners.map((one) => this.text(one)).join(", ");
    throw new LaboratoryError(
      { code: "UNKNOWN_MINER", miner: `${miner}` },
      `${this.text(miner)} is no miner of this network; there are ${all}`,
    );
  }

  private text(address: Address): string {
    return address.toString(this.parts.node.network.prefix);
  }
}
