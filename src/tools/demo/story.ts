/**
 * The story of a file: two providers store it, prove it, and are paid while its owner is away; one loses it and finds it again;
 * it comes back by HTTP and for payment; and in the end every attoFIL is accounted for.
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { equal } from "../../base/bytes.ts";
import { filText } from "../../types/amount.ts";
import { balancesOf, SINGLETON, type Spent, spentBy, sumOf } from "./ledger.ts";
import type { Telling } from "./telling.ts";
import type { DemoNode, DemoWorld } from "./world.ts";

type Link = { readonly "/": string };
type DealView = {
  readonly ProposalCid: Link;
  readonly State: string;
  readonly Error: string;
  readonly DealId: number | null;
  readonly Sector: number | null;
  readonly Activated: number | null;
  readonly Log: readonly { readonly At: number; readonly Event: string; readonly Text: string }[];
  readonly Proposal: Readonly<Record<"StoragePricePerEpoch" | "ProviderCollateral", string>> & {
    readonly PieceCID: Link;
    readonly PieceSize: number;
    readonly StartEpoch: number;
    readonly EndEpoch: number;
  };
};
type Escrow = { readonly Escrow: string; readonly Locked: string };
type Deadline = { readonly PeriodStart: number };

const DAY = 2880;
const WINDOW = 60;
const DEADLINES = 48;
const DURATION = 180 * DAY;
/** Epochs from the first offer to the deals' start: sealing is given 480 of them. Where messages are lost they come later. */
const START_DELAY = 700;
const START_DELAY_OF_LOSSES = 2 * START_DELAY;
/** Events of a deal that are told where it failed. */
const NOTES = 8;
/** Epochs before a deadline in which faults and recoveries are declared, and after its opening in which it is proven. */
const BEFORE = 120;
const PROVING = 8;
const BYTES = 900;
/** attoFIL. */
const RETRIEVAL = { pricePerByte: 1_000_000n, unsealPrice: 50_000_000n } as const;
const SETTLE_DELAY = 1440;
const CONFIRMATIONS = 8;
const ATTEMPTS = 5;

export class Story {
  private readonly world: DemoWorld;
  private readonly telling: Telling;
  private readonly folder: string;
  private readonly client: DemoNode;
  private readonly providers: readonly [DemoNode, DemoNode];
  private readonly wallet: string;
  /** Where each provider is paid for retrievals. */
  private readonly payees: readonly [string, string];
  private readonly miners: readonly [string, string];
  private readonly file: string;
  private readonly isShort: boolean;

  /** `isShort`: no days pass, and no sector is lost. */
  constructor(world: DemoWorld, telling: Telling, folder: string, isShort: boolean) {
    const [first, second, client] = world.nodes as [DemoNode, DemoNode, DemoNode];
    const [, owner, one, two] = world.accounts.map(({ secp256k1 }) => secp256k1.toString("t")) as [
      string,
      string,
      string,
      string,
    ];
    this.world = world;
    this.telling = telling;
    this.folder = folder;
    this.client = client;
    this.providers = [first, second];
    this.wallet = owner;
    this.payees = [one, two];
    this.miners = [first.spec.mine[0] as string, second.spec.mine[0] as string];
    this.file = path.join(folder, "letter");
    this.isShort = isShort;
  }

  async tell(): Promise<void> {
    const { telling, world, providers, client, miners, wallet } = this;
    const [, second] = providers;
    for (const [i, node] of [client, ...providers].entries()) {
      const { keys } = world.accounts[i + 1] as (typeof world.accounts)[0];
      const PrivateKey = Buffer.from(keys.secp256k1.secret).toString("base64");
      const address = await node.request<string>("WalletImport", { Type: "secp256k1", PrivateKey });
      await node.request("WalletSetDefault", address);
    }
    await world.pass(2);
    const begin = await balancesOf(second);
    telling.tell(
      "A network begins: two providers and a client, each a process of its own. Their clocks are moved ahead together.",
      {
        ...{ providers: miners.join(", "), client: wallet, processes: world.nodes.length },
        balance: filText(begin.get(await this.idOf(wallet)) ?? 0n),
      },
    );
    const root = await this.importFile();
    const deals = await this.makeDeals(root);
    const [funds, collateral] = [
      deals.reduce((sum, { Proposal }) => sum + BigInt(Proposal.StoragePricePerEpoch) * BigInt(DURATION), 0n),
      deals.map(({ Proposal }) => BigInt(Proposal.ProviderCollateral)),
    ];
    const spent = await spentBy(second, wallet);
    telling.check("what the client sent to the market", spent.total, funds);
    telling.tell("The price of both deals lies locked in the market. The client goes offline.", {
      ...{ locked: filText(funds), fees: filText(spent.fees) },
    });
    await client.request("ClientRemoveImport", 1);
    await client.stop();
    const paid = this.isShort ? [0n, 0n] : await this.twoDays(deals);
    if (!this.isShort) await this.loseSector(deals[0] as DealView);
    await world.start(client);
    await world.pass(1);
    telling.tell("The client is back, and has caught up with the chain.", { epoch: world.epoch });
    if (!this.isShort)
      for (const { ProposalCid } of deals)
        telling.check("the client's deal", (await this.bought(ProposalCid)).State, "Active");
    await this.byHttp(root, deals[1] as DealView);
    const retrieved = await this.forPayment(root);
    const channel = await this.settle(retrieved);
    if (!this.isShort) await this.findSector(deals[0] as DealView);
    await this.reconcile(begin, { funds, collateral, paid, channel, retrieved });
  }

  private async importFile(): Promise<Link> {
    const { client, telling, file } = this;
    await writeFile(
      file,
      Uint8Array.from({ length: BYTES }, (_, i) => (i * 37 + (i >> 5)) & 0xff),
    );
    const { Root } = await client.request<{ readonly Root: Link }>("ClientImport", { Path: file, IsCAR: false });
    const size = await client.request<{ readonly PieceSize: number; readonly PieceCID: Link }>(
      "ClientDealPieceCID",
      Root,
    );
    telling.tell("The client imports a file: blocks, their root, and the piece that their CAR file is.", {
      ...{ bytes: BYTES, root: Root["/"], piece: size.PieceCID["/"], "piece bytes": size.PieceSize },
    });
    return Root;
  }

  /** Both deals, active. */
  private async makeDeals(root: Link): Promise<readonly DealView[]> {
    const { client, providers, miners, telling, world, wallet } = this;
    const StartEpoch = world.epoch + (client.spec.loss > 0 ? START_DELAY_OF_LOSSES : START_DELAY);
    const made: Link[] = [];
    for (const [i, provider] of providers.entries()) {
      const Miner = miners[i] as string;
      const { Price } = await this.asked(() =>
        client.request<{ readonly Price: string }>("ClientQueryAsk", provider.multiaddr, Miner),
      );
      telling.tell(`${Miner} says what it asks, signed; the client offers it a deal.`, {
        price: `${filText(BigInt(Price))} for a GiB and an epoch`,
      });
      const wanted = { Root: root, Wallet: wallet, Miner, Peer: provider.multiaddr, Duration: DURATION, StartEpoch };
      made.push(
        await this.asked(() =>
          client.request<Link>("Filigree.ClientDeal", { ...wanted, Price: null, Collateral: null }),
        ),
      );
    }
    const views = async (): Promise<DealView[]> => Promise.all(made.map((cid) => this.bought(cid)));
    await world.until("both deals to be active", async () => {
      const found = await views();
      const failed = found.find(({ State }) => State === "Failed");
      if (failed !== undefined) throw new Error(`a deal failed: ${failed.Error}; ${await this.whatHappened(made)}`);
      return found.every(({ State }) => State === "Active");
    });
    const sold = await Promise.all(made.map((cid, i) => this.sold(providers[i] as DemoNode, cid)));
    for (const [i, { DealId, Sector, Activated, Proposal }] of sold.entries())
      telling.tell(`${miners[i]} has fetched the data, published the deal, and proven its sector.`, {
        ...{ deal: DealId ?? -1, sector: Sector ?? -1, epoch: Activated ?? -1 },
        price: `${filText(BigInt(Proposal.StoragePricePerEpoch))} an epoch`,
      });
    return sold;
  }

  /** What a person asks for, and asks for again where the answer is lost. */
  private async asked<T>(question: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.world.during(question());
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
  }

  /** The last that each provider noted of its deal. */
  private async whatHappened(deals: readonly Link[]): Promise<string> {
    const logs = await Promise.all(
      deals.map(async (cid, i) => {
        const { Log } = await this.sold(this.providers[i] as DemoNode, cid);
        return `${this.miners[i]}: ${Log.slice(-NOTES)
          .map(({ Event, Text }) => `${Event} ${Text}`.trim())
          .join(", ")}`;
      }),
    );
    return logs.join("; ");
  }

  private bought(cid: Link): Promise<DealView> {
    return this.client.request("Filigree.ClientDealLog", cid);
  }

  private sold(provider: DemoNode, cid: Link): Promise<DealView> {
    return provider.request("Filigree.ProviderDealLog", cid);
  }

  /** Two days from the deals' start; gives what the market has paid to each provider. */
  private async twoDays(deals: readonly DealView[]): Promise<bigint[]> {
    const { telling, providers, miners, wallet } = this;
    const [, second] = providers;
    const start = (deals[0] as DealView).Proposal.StartEpoch;
    await this.passTo(start + 2 * DAY);
    const paid: bigint[] = [];
    for (const [i, { DealId, Proposal }] of deals.entries()) {
      const miner = miners[i] as string;
      type OnChain = { readonly State: { readonly LastUpdatedEpoch: number } };
      const { State } = await second.request<OnChain>("StateMarketStorageDeal", DealId, []);
      if (State.LastUpdatedEpoch < start) throw new Error(`the market has not paid ${miner} in two days`);
      const amount = BigInt(Proposal.StoragePricePerEpoch) * BigInt(State.LastUpdatedEpoch - start);
      paid.push(amount);
      const { Escrow, Locked } = await this.escrow(miner);
      telling.check(`what ${miner} has earned`, Escrow - Locked, amount);
      telling.tell(`Two days have passed; the market has paid ${miner} by the epoch.`, {
        ...{ "until epoch": State.LastUpdatedEpoch, paid: filText(amount) },
      });
    }
    telling.check("the client's node", this.client.isRunning, false);
    const held = await this.escrow(wallet);
    telling.check("what of the client's escrow is locked", held.Locked, held.Escrow);
    return paid;
  }

  private async escrow(address: string): Promise<{ readonly Escrow: bigint; readonly Locked: bigint }> {
    const { Escrow, Locked } = await this.providers[1].request<Escrow>("StateMarketBalance", address, []);
    return { Escrow: BigInt(Escrow), Locked: BigInt(Locked) };
  }

  /** Where the files of a sector are, and where they are while it is lost. */
  private async placesOf(sector: number): Promise<readonly [string, string]> {
    const folder = path.join(this.providers[0].spec.data, "sectors");
    const name = (await readdir(folder)).find((one) => one.startsWith("s-") && one.endsWith(`-${sector}`));
    const lost = path.join(this.folder, "lost");
    await mkdir(lost, { recursive: true });
    return [path.join(folder, name ?? `s-${this.miners[0]}-${sector}`), path.join(lost, `${sector}`)];
  }

  private lostAt: readonly [string, string] = ["", ""];
  private powerBefore = "";

  private async power(): Promise<string> {
    type Power = { readonly MinerPower: { readonly RawBytePower: string } };
    return (await this.providers[1].request<Power>("StateMinerPower", this.miners[0], [])).MinerPower.RawBytePower;
  }

  private async faults(): Promise<number[]> {
    return this.providers[1].request<number[]>("StateMinerFaults", this.miners[0], []);
  }

  /** A provider loses the sector of a deal: its files are moved away. */
  private async loseSector({ Sector }: DealView): Promise<void> {
    const { world, telling, miners } = this;
    this.powerBefore = await this.power();
    this.lostAt = await this.placesOf(Sector as number);
    await rename(...this.lostAt);
    await this.passTo(world.epoch + DAY + 2 * WINDOW);
    telling.check("the lost sector is faulty", (await this.faults()).includes(Sector as number), true);
    telling.tell(
      `${miners[0]} has lost the files of sector ${Sector}: it could not prove it, pays a fee, and has no power for it.`,
      {
        power: `${await this.power()} bytes, before ${this.powerBefore}`,
      },
    );
  }

  private async findSector({ Sector }: DealView): Promise<void> {
    const { world, telling, miners, lostAt } = this;
    await rename(lostAt[1], lostAt[0]);
    await this.passTo(world.epoch + DAY + 2 * WINDOW);
    telling.check("the sector is good again", (await this.faults()).includes(Sector as number), false);
    telling.check("its power", await this.power(), this.powerBefore);
    telling.tell(`${miners[0]} has found the files again, declared the sector recovered, and proven it.`, {
      power: `${await this.power()} bytes`,
    });
  }

  /** The data from the other provider, as the CAR file and as the piece, by anybody's HTTP. */
  private async byHttp(root: Link, { Proposal }: DealView): Promise<void> {
    const { telling, providers, client, folder, miners } = this;
    const origin = new URL(providers[1].url).origin;
    const get = async (place: string, accept: string): Promise<Uint8Array> => {
      for (let attempt = 1; ; attempt++)
        try {
          const answer = await fetch(`${origin}${place}`, { headers: { accept } });
          if (!answer.ok) throw new Error(`${place}: ${answer.status} ${await answer.text()}`);
          return new Uint8Array(await answer.arrayBuffer());
        } catch (error) {
          if (attempt === ATTEMPTS) throw error;
        }
    };
    const car = await get(`/ipfs/${root["/"]}`, "application/vnd.ipld.car");
    const piece = await get(`/piece/${Proposal.PieceCID["/"]}`, "*/*");
    telling.check("the piece by HTTP is the CAR file", equal(piece, car), true);
    const [inCar, out] = [path.join(folder, "by-http.car"), path.join(folder, "by-http")];
    await writeFile(inCar, car);
    // Every block is held against its CID.
    type Imported = { readonly Root: Link; readonly ImportID: number };
    const imported = await client.request<Imported>("ClientImport", { Path: inCar, IsCAR: true });
    telling.check("the root by HTTP", imported.Root["/"], root["/"]);
    await client.request("ClientExport", { Root: root }, { Path: out, IsCAR: false });
    telling.check("the file by HTTP", equal(await readFile(out), await readFile(this.file)), true);
    await client.request("ClientRemoveImport", imported.ImportID);
    telling.tell(
      `The file comes back from ${miners[1]} by HTTP, every block held against its CID: it is the same to the byte.`,
      { bytes: BYTES, "bytes of its CAR file": car.length },
    );
  }

  /** The data from the other provider for payment; gives what was paid. */
  private async forPayment(root: Link): Promise<bigint> {
    const { telling, providers, client, folder, miners, wallet } = this;
    const [, second] = providers;
    const { pricePerByte, unsealPrice } = RETRIEVAL;
    await second.request("MarketSetRetrievalAsk", {
      ...{
        PricePerByte: `${pricePerByte}`,
        UnsealPrice: `${unsealPrice}`,
        PaymentInterval: 256,
        PaymentIntervalIncrease: 64,
      },
    });
    const order = { Root: root, Providers: [second.multiaddr], MaxPrice: "1000000000000", From: wallet };
    type Got = { readonly Bytes: number; readonly Paid: string; readonly WasHere: boolean };
    const got = await this.asked(() => client.request<Got>("Filigree.RetrievalGet", order));
    const out = path.join(folder, "for-payment");
    await client.request("ClientExport", { Root: root }, { Path: out, IsCAR: false });
    telling.check("the file for payment", equal(await readFile(out), await readFile(this.file)), true);
    // Where the last answer of a retrieval is lost its data is here when it is asked for again.
    if (client.spec.loss === 0) telling.check("whether it was here before", got.WasHere, false);
    telling.check("what was paid", got.Paid, unsealPrice + pricePerByte * BigInt(got.Bytes));
    const [channel] = (await client.request<string[]>("PaychList")) as [string];
    const vouchers = await second.request<readonly unknown[]>("PaychVoucherList", channel);
    telling.tell(`The file comes back from ${miners[1]} for payment: a channel, and vouchers as the bytes come.`, {
      ...{ channel, vouchers: vouchers.length, "bytes of its blocks": got.Bytes, paid: filText(BigInt(got.Paid)) },
    });
    return BigInt(got.Paid);
  }

  /** The channel is settled and collected; gives what was in it. */
  private async settle(retrieved: bigint): Promise<bigint> {
    const { telling, client, providers, world, payees } = this;
    const [, second] = providers;
    const [channel] = (await client.request<string[]>("PaychList")) as [string];
    type Actor = { readonly Balance: string };
    await world.agree();
    const inside = BigInt((await second.request<Actor>("StateGetActor", channel, [])).Balance);
    await this.sent(client, await client.request<Link>("PaychSettle", channel));
    // The provider hands in its vouchers.
    await world.pass(CONFIRMATIONS);
    await this.passTo(world.epoch + SETTLE_DELAY);
    const idOf = await this.idOf(payees[1]);
    const before = BigInt((await second.request<Actor>("StateGetActor", idOf, [])).Balance);
    const feesBefore = (await spentBy(second, payees[1])).fees;
    await this.sent(second, await second.request<Link>("PaychCollect", channel));
    await world.pass(2);
    const after = BigInt((await second.request<Actor>("StateGetActor", idOf, [])).Balance);
    const fees = (await spentBy(second, payees[1])).fees - feesBefore;
    telling.check("what the provider collects", after - before + fees, retrieved);
    telling.tell(
      "The channel is settled: the provider has handed in its best voucher, and collects; the rest goes back.",
      {
        ...{ collected: filText(retrieved), "given back": filText(inside - retrieved) },
      },
    );
    return inside;
  }

  /** Waits until a message is executed, well. */
  private async sent(node: DemoNode, message: Link): Promise<void> {
    type Found = { readonly Receipt: { readonly ExitCode: number } };
    const found = await this.world.during(node.request<Found>("StateWaitMsg", message, 3, -1, true));
    this.telling.check(`exit code of ${message["/"]}`, found.Receipt.ExitCode, 0);
  }

  private async idOf(address: string): Promise<string> {
    return this.providers[1].request<string>("StateLookupID", address, []);
  }

  /** Every attoFIL: what each had, sent, paid and got. */
  private async reconcile(
    begin: ReadonlyMap<string, bigint>,
    sums: {
      readonly funds: bigint;
      readonly collateral: readonly bigint[];
      readonly paid: readonly bigint[];
      readonly channel: bigint;
      readonly retrieved: bigint;
    },
  ): Promise<void> {
    const { telling, providers, world, wallet, miners, payees } = this;
    const [, second] = providers;
    await world.pass(4);
    await world.agree();
    const end = await balancesOf(second);
    const moved = (actor: string): bigint => (end.get(actor) ?? 0n) - (begin.get(actor) ?? 0n);
    telling.check("the sum of all balances", sumOf(end), sumOf(begin));

    const client = await spentBy(second, wallet);
    const back = sums.channel - sums.retrieved;
    telling.check("what the client sent", client.total, sums.funds + sums.channel);
    telling.check("the client's wallet", moved(await this.idOf(wallet)), back - client.total - client.fees);
    const all: Spent[] = [client];
    for (const [i, payee] of payees.entries()) {
      const spent = await spentBy(second, payee);
      all.push(spent);
      const got = i === 1 ? sums.retrieved : 0n;
      telling.check(`the wallet of ${miners[i]}`, moved(await this.idOf(payee)), got - spent.total - spent.fees);
    }
    const toMiners: bigint[] = [];
    for (const miner of miners) {
      const { Worker } = await second.request<{ readonly Worker: string }>("StateMinerInfo", miner, []);
      const spent = await spentBy(second, await second.request<string>("StateAccountKey", Worker, []));
      all.push(spent);
      telling.check(`the worker of ${miner}`, moved(Worker), -spent.total - spent.fees);
      toMiners.push(spent.sent.get(miner) ?? 0n);
    }
    // The market: what was paid in is what everybody has there.
    const escrows = await Promise.all([wallet, ...miners].map((one) => this.escrow(one)));
    const inMarket = escrows.reduce((sum, { Escrow }) => sum + Escrow, 0n);
    const deposits = sums.collateral.reduce((sum, one) => sum + one, sums.funds);
    telling.check("what the market has got", moved(SINGLETON.market), deposits);
    telling.check("what all have in the market", inMarket, deposits);
    const earned = escrows.slice(1).map(({ Escrow }, i) => Escrow - (sums.collateral[i] ?? 0n));
    telling.check("the client's escrow", escrows[0]?.Escrow, sums.funds - earned.reduce((sum, one) => sum + one, 0n));
    for (const [i, amount] of earned.entries())
      telling.check(`${miners[i]} has not less than before`, amount >= (sums.paid[i] ?? 0n), true);

    // The fee of the lost sector: what was burned beyond gas, and what the miners lack of rewards, tips and deposits.
    const total = (of: (spent: Spent) => bigint): bigint => all.reduce((sum, one) => sum + of(one), 0n);
    const fee = moved(SINGLETON.burnt) - total(({ burned }) => burned);
    const minersGot = miners.reduce((sum, miner) => sum + moved(miner), 0n);
    const owed = total(({ tips }) => tips) + toMiners.reduce((sum, one) => sum + one, 0n) - moved(SINGLETON.reward);
    telling.check("the fee of the lost sector, by what the miners lack", owed - minersGot, fee);
    telling.check("whether a fee was paid", fee > 0n, !this.isShort);
    telling.tell(
      "The sums: every message's value, fee and tip, every payment, deposit and fee is where it should be.",
      {
        ...{ actors: end.size, messages: total(({ count }) => BigInt(count)).toString(), sum: filText(sumOf(end)) },
        // Of a short one no day was paid for, and no sector was lost.
        ...(this.isShort ? {} : { "paid for storage": filText(earned.reduce((sum, one) => sum + one, 0n)) }),
        "paid for retrieval": filText(sums.retrieved),
        ...(this.isShort ? {} : { "fee of the lost sector": filText(fee) }),
        "gas burned": filText(total(({ burned }) => burned)),
      },
    );
  }

  /** Lets epochs pass; around each deadline in which a provider has sectors they pass one by one, for declarations and proofs. */
  private async passTo(epoch: number): Promise<void> {
    const { world, providers, miners } = this;
    const opens: number[] = [];
    for (const miner of miners) {
      const { PeriodStart } = await providers[1].request<Deadline>("StateMinerProvingDeadline", miner, []);
      for (let index = 0; index < DEADLINES; index++) {
        const partitions = await providers[1].request<unknown[] | null>("StateMinerPartitions", miner, index, []);
        if ((partitions ?? []).length === 0) continue;
        for (let open = PeriodStart + index * WINDOW; open < epoch; open += DAY) opens.push(open);
      }
    }
    for (const open of opens.sort((a, b) => a - b)) {
      if (open + WINDOW <= world.epoch) continue;
      await world.passTo(open - BEFORE);
      if (world.epoch < open - WINDOW) await world.pass(4);
      await world.passTo(open + 2);
      await world.pass(PROVING);
    }
    await world.passTo(epoch);
  }
}
