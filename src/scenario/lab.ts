/**
 * Does the steps of scenarios on a local network. Epochs pass on call alone, so that the same steps on a network of the same
 * seed come to the same head, CID by CID.
 */
import { sleepFor } from "../base/sleep.ts";
import type { Devnet } from "../node/devnet.ts";
import { SnapshotError } from "../node/snapshots.ts";
import { filText, parseFil } from "../types/amount.ts";
import { tipsetKeyText } from "../types/block-header.ts";
import { LabDeals } from "./lab-deals.ts";
import { known, partyOf } from "./named.ts";
import { readStep, secondsOf } from "./read.ts";
import type { LabStep, StepValues, Verb } from "./types.ts";
import { attempt, compare, same, shown, Unmet } from "./unmet.ts";

type Link = { readonly "/": string };
type Found = { readonly Receipt: { readonly ExitCode: number } } | null;
type Report = {
  readonly Power: { readonly Raw: string };
  readonly Sectors: Readonly<Record<string, readonly number[]>>;
};
type OfMiner = { readonly miner?: string };

/** A step as it was done. */
export type Done = { readonly step: number; readonly verb: Verb; readonly epoch: number };

/** Tipsets in which a message must be executed. */
const MESSAGE_EPOCHS = 30;
/** Epochs after which the message of a payment channel is deep enough, and some more. */
const CHANNEL_EPOCHS = 10;
/** Epochs that a deal may take to a state. */
const DEAL_EPOCHS = 1000;
/** Milliseconds that a channel's record may take when the epochs are there. */
const CHANNEL_MS = 60_000;

type Work = { readonly [V in Verb]: (value: StepValues[V]) => Promise<unknown> };
/** A function for each verb. */
export type LabSteps = { readonly [V in Verb]: (value: StepValues[V]) => Promise<void> };

export class Lab {
  readonly net: Devnet;
  private readonly snapshots = new Map<string, { readonly id: number; readonly head: string }>();
  private readonly sectors = new Map<string, number>();
  private readonly channels = new Map<string, string>();
  private readonly deals: LabDeals;
  /** Balances when the scenario began, of those that are asked about. */
  private readonly began: ReadonlyMap<string, bigint>;
  private done = 0;
  private readonly work: Work;

  private constructor(net: Devnet, began: ReadonlyMap<string, bigint>) {
    this.net = net;
    this.began = began;
    this.deals = new LabDeals(net);
    this.work = this.verbs();
  }

  /** Takes a network's time into its hands. */
  static async open(net: Devnet): Promise<Lab> {
    net.clock.setAutomine(false);
    const began = new Map<string, bigint>();
    const all = [
      ...net.accounts.flatMap(({ secp256k1, bls }) => [secp256k1, bls]),
      ...(net.laboratory?.miners ?? [net.miner]),
    ];
    for (const one of all) {
      const address = one.toString("t");
      began.set(address, BigInt(await net.request<string>("WalletBalance", address)));
    }
    return new Lab(net, began);
  }

  /** A function for each step: `await lab.steps.send({ from: "alice", to: "bob", value: "1 FIL" })`. */
  get steps(): LabSteps {
    const names = Object.keys(this.work) as Verb[];
    return Object.fromEntries(
      names.map((verb) => [
        verb,
        async (value: unknown) => void (await this.play({ [verb]: value } as unknown as LabStep)),
      ]),
    ) as unknown as LabSteps;
  }

  /** Does one step. Throws `ScenarioError`, which names the step, what was expected and what was found. */
  async play(step: LabStep): Promise<Done> {
    const number = ++this.done;
    const [verb, value] = readStep(step, `step ${number}`) as readonly [Verb, StepValues[Verb]];
    await attempt(number, verb, value, this.work[verb]);
    return { step: number, verb, epoch: this.net.head.height };
  }

  private verbs(): Work {
    const { net } = this;
    const ask = <T = unknown>(method: string, ...params: readonly unknown[]) => net.request<T>(method, ...params);
    return {
      mine: (count) => ask("Devnet.mine", count),
      mineTo: (epoch) => ask("Devnet.mineTo", epoch),
      pass: (text) => ask("Devnet.passTime", secondsOf(text)),
      skipRounds: (count) => ask("Devnet.skipRounds", count),
      toDeadline: (to) =>
        ask("Devnet.mineToDeadline", this.miner(to), to.deadline ?? null, ...(to.skip === true ? [true] : [])),
      toSector: (to) =>
        ask(
          "Devnet.mineToSector",
          this.miner(to),
          this.sector(to.sector),
          to.state,
          ...(to.epochs === undefined ? [] : [to.epochs]),
        ),
      send: async ({ from, to, value, exit = 0, wait = true }) => {
        const message = { From: this.party(from), To: this.party(to), Value: `${parseFil(value)}`, Method: 0 };
        const { CID } = await ask<{ CID: Link }>("MpoolPushMessage", message, null);
        if (wait) await this.executed(CID, exit);
      },
      pledge: async (given) => {
        const miner = this.address(given);
        this.sectors.set(given.as, (await net.services.sectors?.pledge(miner)) as number);
        await net.sealing?.rest();
      },
      setSector: (given) => ask("Devnet.setSectorFault", this.miner(given), this.sector(given.sector), given.fault),
      skipProofs: (given) =>
        ask("Devnet.skipProofs", this.miner(given), given.deadlines ?? null, given.anyway ?? false),
      setMiner: (given) => ask("Devnet.setMiner", this.miner(given), given.on),
      equivocate: async (given) =>
        this.executed(await ask<Link>("Devnet.equivocate", this.miner(given), given.anyway ?? false)),
      terminate: async (given) =>
        this.executed(
          await ask<Link>(
            "Devnet.terminateSectors",
            this.miner(given),
            given.sectors.map((one) => this.sector(one)),
            given.anyway ?? false,
          ),
        ),
      snapshot: async (name) => {
        this.snapshots.set(name, { id: await net.snapshot(), head: tipsetKeyText(net.head.key) });
      },
      revert: (name) => this.revert(name),
      channel: async ({ from, to, amount, as }) => {
        const options = { OffChain: false };
        const value = `${parseFil(amount)}`;
        const info = await ask<{ WaitSentinel: Link }>("PaychGet", this.party(from), this.party(to), value, options);
        this.channels.set(as, await this.ready(info.WaitSentinel));
      },
      pay: async ({ channel, total, lane = 0 }) => {
        const address = known(this.channels, channel, "channel");
        const made = await ask<{ Voucher: unknown; Shortfall: string }>(
          "PaychVoucherCreate",
          address,
          `${parseFil(total)}`,
          lane,
        );
        if (made.Voucher === null)
          throw new Unmet(`a voucher for ${total}`, `${filText(made.Shortfall)} too little in the channel`);
        await this.executed(await ask<Link>("PaychVoucherSubmit", address, made.Voucher, "", ""));
      },
      settle: async ({ channel }) =>
        this.deep(await ask<Link>("PaychSettle", known(this.channels, channel, "channel"))),
      collect: async ({ channel }) =>
        this.deep(await ask<Link>("PaychCollect", known(this.channels, channel, "channel"))),
      deal: ({ client, as, miner, ...more }) =>
        this.deals.offer(as, this.party(client), this.address(miner === undefined ? {} : { miner }), more),
      toDeal: async ({ deal, state, epochs = DEAL_EPOCHS }) => {
        const found = await this.deals.reach(deal, state, epochs);
        if (found !== state) throw new Unmet(`deal ${deal} ${state} in ${epochs} epochs`, found);
      },
      call: ({ method, params = [] }) => ask(method, ...params),

      expectBalance: async ({ of, gained, ...bounds }) => {
        const address = this.party(of);
        const found = BigInt(await ask<string>("WalletBalance", address));
        compare(bounds, found, parseFil, filText);
        if (gained !== undefined)
          compare(
            { is: gained },
            found - (this.began.get(address) ?? 0n),
            parseFil,
            (value) => `${filText(value)} gained`,
          );
      },
      expectHead: async ({ as, ...bounds }) => {
        compare(bounds, BigInt(net.head.height), BigInt, (value) => `a head at epoch ${value}`);
        if (as === undefined) return;
        const wanted = known(this.snapshots, as, "snapshot").head;
        const found = tipsetKeyText(net.head.key);
        if (found !== wanted) throw new Unmet(`the head of snapshot ${as}, ${wanted}`, found);
      },
      expectSectors: async ({ miner, ...wanted }) => {
        const { Sectors } = await this.report({ ...(miner === undefined ? {} : { miner }) });
        for (const [kind, numbers] of Object.entries(wanted)) {
          const found = Sectors[kind.charAt(0).toUpperCase() + kind.slice(1)] ?? [];
          same(
            numbers
              .map((one) => this.sector(one))
              .sort((a, b) => a - b)
              .join(),
            found.join(),
            `${kind} sectors`,
          );
        }
      },
      expectSector: async (given) => {
        const [miner, sector] = [this.address(given), this.sector(given.sector)];
        const status = await net.services.sectors?.status(miner, sector);
        same(given.state, status?.state ?? "not there", "state");
      },
      expectDeal: async ({ deal, state, side = "client" }) => same(state, await this.deals.state(deal, side), "state"),
      expectPower: async ({ miner, ...bounds }) => {
        const { Power } = await this.report({ ...(miner === undefined ? {} : { miner }) });
        compare(bounds, BigInt(Power.Raw), BigInt, (value) => `${value} bytes of power`);
      },
      expectCall: async ({ method, params = [], has }) => {
        const found = await ask(method, ...params);
        const place = difference(has, found, "");
        if (place !== null)
          throw new Unmet(`an answer with ${shown(has)}`, `${shown(found)} (see ${place || "the whole"})`);
      },
    };
  }

  /** Goes back to a snapshot. One that is over is told by its name, with the names of those that are there. */
  private async revert(name: string): Promise<void> {
    try {
      await this.net.revert(known(this.snapshots, name, "snapshot").id, { keep: true });
    } catch (error) {
      if (!(error instanceof SnapshotError) || error.data.code !== "UNKNOWN_SNAPSHOT") throw error;
      const ids = error.data.known;
      const left = [...this.snapshots].filter(([, { id }]) => ids.includes(id)).map(([one]) => one);
      const which = left.length === 0 ? "none is left" : `there are ${left.join(", ")}`;
      throw new Error(`snapshot ${name} is over, as the network went back to one before it; ${which}`, {
        cause: error,
      });
    }
  }

  // Names.

  private party(name: string): string {
    return partyOf(name, this.net.accounts, this.net.laboratory?.miners ?? [this.net.miner]).toString("t");
  }

  private miner({ miner = "miner" }: OfMiner): string {
    return this.party(miner);
  }

  private address({ miner = "miner" }: OfMiner) {
    const text = this.party(miner);
    const found = this.net.laboratory?.miners.find((one) => one.toString("t") === text);
    if (found === undefined) throw new Error(`${miner} is no miner with sectors; give the network miners`);
    return found;
  }

  private sector(sector: number | string): number {
    return typeof sector === "number" ? sector : known(this.sectors, sector, "sector");
  }

  private async report(of: OfMiner): Promise<Report> {
    const [report] = await this.net.request<readonly Report[]>("Devnet.minerReport", this.miner(of));
    return report as Report;
  }

  // Waiting.

  /** Makes tipsets until a message was executed. */
  private async executed(cid: Link, exit = 0): Promise<void> {
    for (let i = 0; i < MESSAGE_EPOCHS; i++) {
      await this.net.clock.mine(1);
      const found = await this.net.request<Found>("StateSearchMsg", [], cid, MESSAGE_EPOCHS, true);
      if (found === null) continue;
      if (found.Receipt.ExitCode !== exit) throw new Unmet(`exit code ${exit}`, `exit code ${found.Receipt.ExitCode}`);
      return;
    }
    throw new Error(`the message ${cid["/"]} was not executed in ${MESSAGE_EPOCHS} epochs`);
  }

  private async deep(cid: Link): Promise<void> {
    await this.executed(cid);
    await this.net.clock.mine(CHANNEL_EPOCHS);
  }

  private async ready(cid: Link): Promise<string> {
    await this.net.clock.mine(CHANNEL_EPOCHS);
    const late = new AbortController();
    const wait = sleepFor(CHANNEL_MS, late.signal).then(
      () => {
        throw new Error(`the channel is not there after ${CHANNEL_EPOCHS} epochs`);
      },
      () => "",
    );
    try {
      return await Promise.race([this.net.request<string>("PaychGetWaitReady", cid), wait]);
    } finally {
      late.abort(new Error("it is there"));
    }
  }
}

/** Where an answer lacks what it should have; null if nowhere. Lists must be equal in length. */
function difference(wanted: unknown, found: unknown, place: string): string | null {
  if (typeof wanted !== "object" || wanted === null) return Object.is(wanted, found) ? null : place;
  if (typeof found !== "object" || found === null || Array.isArray(wanted) !== Array.isArray(found)) return place;
  if (Array.isArray(wanted) && wanted.length !== (found as unknown[]).length) return place;
  for (const [name, value] of Object.entries(wanted)) {
    const inner = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : undefined;
    const at = difference(value, inner, `${place}.${name}`);
    if (at !== null) return at;
  }
  return null;
}
