/**
 * `npm run demo [-- --json]`: a file is stored with two providers of a fresh local network, proven and paid for day by day,
 * lost by one of them and read back from the other. Every step is told as it happens; every sum is checked to the attoFIL.
 * Ends with 1 if anything differs.
 *
 * One process holds the network, both providers and the client, which after its deals does nothing more; epochs in which
 * nobody has anything to prove pass as null rounds. Proofs of spacetime and of replication are attested (docs/status.md).
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { equal } from "../base/bytes.ts";
import { carOf } from "../market/data/car-out.ts";
import { type ClientDeal, signedOfClient } from "../market/storage/client-record.ts";
import { clientFunds } from "../market/storage/proposal.ts";
import type { ProviderDeal } from "../market/storage/provider-record.ts";
import { Devnet } from "../node/devnet.ts";
import type { Laboratory } from "../node/laboratory.ts";
import type { Address } from "../types/address.ts";
import { filText } from "../types/amount.ts";
import type { CID } from "../types/cid.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });

const DAY = 2880;
const WINDOW = 60;
const DEADLINES = 48;
const DURATION = 180 * DAY;
/** Null rounds at a time: elections look back further. */
const MOST_NULL = 800;
/** Epochs before a deadline in which faults and recoveries are declared, and after its opening in which it is proven. */
const BEFORE = 120;
const PROVING = 8;
const BYTES = 900;
const WAIT_MS = 120_000;

const began = Date.now();
const wrong: string[] = [];

function tell(step: string, facts: Readonly<Record<string, string | number | boolean>>): void {
  const seconds = (Date.now() - began) / 1000;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ step, seconds, ...facts })}\n`);
    return;
  }
  const lines = Object.entries(facts).map(([name, value]) => `          ${name}: ${value}\n`);
  process.stdout.write(`${seconds.toFixed(1).padStart(7)}s  ${step}\n${lines.join("")}`);
}

function check(what: string, found: unknown, expected: unknown): void {
  if (`${found}` !== `${expected}`) wrong.push(`${what}: ${expected} expected, ${found} found`);
}

const folder = await mkdtemp(path.join(tmpdir(), "filigree-demo-"));
const net = await Devnet.open({ accounts: 3, miners: 2, sectors: 1, seed: "demo", data: path.join(folder, "network") });
try {
  await story();
} catch (error) {
  wrong.push(error instanceof Error ? error.message : `${error}`);
} finally {
  await net.close();
  await rm(folder, { recursive: true });
}
tell(wrong.length === 0 ? "All sums are right, and the file is the same." : "Something differs.", {
  ...Object.fromEntries(wrong.map((what, i) => [`difference ${i + 1}`, what])),
});
process.exitCode = wrong.length === 0 ? 0 : 1;

async function story(): Promise<void> {
  const { client } = net.deals;
  const providers = net.deals.provider?.miners ?? [];
  const [first, second] = providers as readonly [Address, Address];
  const account = net.accounts[1] as (typeof net.accounts)[0];
  const walletBefore = await balance(account.secp256k1);
  tell("A network begins: two providers, and a client with an account.", {
    ...{ providers: providers.map((one) => one.toString("t")).join(", "), client: account.secp256k1.toString("t") },
    balance: filText(walletBefore),
  });

  const file = path.join(folder, "file");
  await writeFile(
    file,
    Uint8Array.from({ length: BYTES }, (_, i) => (i * 37 + (i >> 5)) & 0xff),
  );
  const { root } = await net.node.client.import(file, false);
  const { piece, carSize } = await net.node.client.commit(root, null);
  tell("The client imports a file: blocks, their root, and the piece that their CAR file is.", {
    ...{ bytes: BYTES, root: `${root}`, car: carSize, piece: piece.paddedSize },
  });
  for (const miner of providers) {
    const { ask } = await client.ask(miner, null);
    tell(`${miner.toString("t")} says what it asks, signed.`, {
      price: `${filText(ask.price)} for a GiB and an epoch`,
    });
  }

  const start = net.head.height + 1000;
  const deals: ClientDeal[] = [];
  for (const miner of providers) {
    const wanted = { root, wallet: account.secp256k1, miner, peer: null, duration: DURATION, startEpoch: start };
    deals.push(await client.deal(wanted));
  }
  const isActive = (id: string): boolean => client.get(id).state === "Active" && soldBy(id)?.state === "Active";
  await until("both deals to be active", () => deals.every(({ id }) => isActive(id)));
  const funds = deals.reduce((sum, deal) => sum + clientFunds(signedOfClient(deal).proposal), 0n);
  for (const { id } of deals) {
    const { dealId, activated, sector } = soldBy(id) as ProviderDeal;
    const { provider, pricePerEpoch } = signedOfClient(client.get(id)).proposal;
    tell(`${provider.toString("t")} has the data, has published the deal, and has proven its sector.`, {
      ...{
        deal: dealId ?? -1,
        sector: sector ?? -1,
        epoch: activated ?? -1,
        price: `${filText(pricePerEpoch)} an epoch`,
      },
    });
  }
  const spent = await spentBy(account.secp256k1.toString("t"));
  check("what the client sent to the market", spent.sent, funds);
  check("the client's wallet", await balance(account.secp256k1), walletBefore - spent.sent - spent.fees);
  tell("The price of both deals lies locked in the market; the client does nothing from here on.", {
    ...{ locked: filText(funds), fees: filText(spent.fees) },
  });

  await passTo(start + 2 * DAY, providers);
  const paid = new Map<string, bigint>();
  for (const { id } of deals) {
    const { provider, pricePerEpoch } = signedOfClient(client.get(id)).proposal;
    const { updated } = (await net.node.market.deal(client.get(id).dealId as number)) ?? {};
    if (updated == null || updated < start) throw new Error(`the market has not paid ${provider} in two days`);
    const amount = pricePerEpoch * BigInt(updated - start);
    paid.set(`${provider}`, amount);
    const { escrow, locked } = await net.node.market.escrow(provider);
    check(`what ${provider} has earned`, escrow - locked, amount);
    tell(`Two days have passed; the market has paid ${provider.toString("t")} by the epoch.`, {
      ...{ "until epoch": updated, paid: filText(amount) },
    });
  }
  const total = [...paid.values()].reduce((sum, one) => sum + one, 0n);
  const held = await net.node.market.escrow(account.id);
  check("the client's escrow", held.escrow, funds - total);
  check("what of it is locked", held.locked, funds - total);

  await loseAndRecover(first, soldBy((deals[0] as ClientDeal).id)?.sector as number, providers);
  await readBack(root, second, soldBy((deals[1] as ClientDeal).id) as ProviderDeal);
}

/** A provider loses the sector of a deal, and finds it again. */
async function loseAndRecover(miner: Address, sector: number, providers: readonly Address[]): Promise<void> {
  const lab = net.laboratory as Laboratory;
  lab.setFault(miner, sector, "lost");
  const before = await lab.report(miner);
  await passTo(net.head.height + DAY + 2 * WINDOW, providers);
  const lost = await lab.report(miner);
  check("the lost sector is faulty", lost.sectors.faulty.includes(sector), true);
  tell(`${miner.toString("t")} has lost sector ${sector}: it could not prove it, and has no power for it.`, {
    power: `${lost.power.raw} bytes, before ${before.power.raw}`,
  });
  lab.setFault(miner, sector, "none");
  await passTo(net.head.height + DAY + 2 * WINDOW, providers);
  const found = await lab.report(miner);
  check("the sector is good again", found.sectors.faulty.includes(sector), false);
  check("its power", found.power.raw, before.power.raw);
  tell("It has found the sector, declared it, and proven it again.", {
    power: `${found.power.raw} bytes`,
  });
}

/** The file out of the other provider's sector. */
async function readBack(root: CID, miner: Address, { sector, offset, size }: ProviderDeal): Promise<void> {
  const pieces = net.sealing?.line(miner)?.pieces;
  if (pieces === undefined) throw new Error(`${miner} seals nothing here`);
  const whole = async (parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
    const out: number[] = [];
    for await (const part of parts) out.push(...part);
    return Uint8Array.from(out);
  };
  const stored = await whole(pieces.read(sector as number, offset as number, 0, size));
  const own = await whole(carOf(await net.node.client.store(), root, {}));
  check("the CAR file in the sector", equal(stored, own), true);
  tell(`The data is read out of ${miner.toString("t")}'s sector ${sector}, and is the client's to the byte.`, {
    bytes: size,
  });
}

function soldBy(id: string): ProviderDeal | null {
  return net.deals.provider?.find(id) ?? null;
}

async function balance(address: Address): Promise<bigint> {
  return BigInt(await net.request<string>("WalletBalance", address.toString("t")));
}

/** attoFIL that messages of an address sent, and cost. */
async function spentBy(address: string): Promise<{ readonly sent: bigint; readonly fees: bigint }> {
  let [sent, fees] = [0n, 0n];
  for (const cid of (await net.request("StateListMessages", { From: address }, [], 0)) ?? []) {
    const { GasCost, Msg } = await net.request("StateReplay", [], cid);
    sent += BigInt(Msg.Value);
    fees += BigInt(GasCost.TotalCost);
  }
  return { sent, fees };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const start = Date.now(); !condition(); ) {
    const failed = net.deals.client.list().find(({ state }) => state === "Failed");
    if (failed !== undefined) throw new Error(`a deal failed: ${failed.error}`);
    if (Date.now() - start > WAIT_MS) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Lets epochs pass; around each deadline in which a provider has sectors tipsets are made, for declarations and proofs. */
async function passTo(epoch: number, providers: readonly Address[]): Promise<void> {
  const opens: number[] = [];
  for (const miner of providers) {
    const text = miner.toString("t");
    const { PeriodStart } = await net.request("StateMinerProvingDeadline", text, []);
    for (let index = 0; index < DEADLINES; index++) {
      const partitions = (await net.request("StateMinerPartitions", text, index, [])) ?? [];
      if (partitions.length === 0) continue;
      for (let open = PeriodStart + index * WINDOW; open < epoch; open += DAY) opens.push(open);
    }
  }
  for (const open of opens.sort((a, b) => a - b)) {
    if (open + WINDOW <= net.head.height) continue;
    await skipTo(open - BEFORE);
    await net.clock.mine(4);
    await skipTo(open + 2);
    await net.clock.mine(PROVING);
  }
  await skipTo(epoch);
}

async function skipTo(epoch: number): Promise<void> {
  while (net.head.height < epoch) await net.clock.skip(Math.min(MOST_NULL, epoch - 1 - net.head.height));
}
