/**
 * Client and providers, each with its node and miner a process of its own, killed (-9) at random moments of deals and retrievals:
 * every deal is published once and comes to be active, every file comes back, nobody pays twice, and nothing stays reserved.
 * `FILIGREE_KILLS`: how many kills, default 40. The nodes are those of the built package, as `npm run demo` has them.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DemoNode, DemoWorld } from "../../src/tools/demo/world.ts";

const KILLS = Number(process.env["FILIGREE_KILLS"] ?? 40);
const KILLS_A_ROUND = 8;
/** Milliseconds from one kill to the next at most. */
const PAUSE_MS = 6_000;
const DURATION = 518_400;
const PRICE_PER_BYTE = 1000n;
const ROUND_EPOCHS = 600;

type Link = { readonly "/": string };
type View = { readonly State: string; readonly Error: string; readonly DealId: number | null };
type Taken = { readonly Root: string; readonly Paid: string };

// The processes are of the built package; so is what drives them.
const built = new URL("../../dist/tools/demo/world.js", import.meta.url).href;
const { DemoWorld: World } = (await import(built)) as { DemoWorld: typeof DemoWorld };
const folder = await mkdtemp(path.join(tmpdir(), "filigree-kills-"));
let world: DemoWorld;
const killed = new Map<string, number>();

beforeAll(async () => {
  world = await World.open({
    ...{ folder, providers: ["first", "second"], clients: ["client"], accounts: 4, seed: "kills", loss: 0 },
  });
  const [first, second, client] = world.nodes as [DemoNode, DemoNode, DemoNode];
  for (const [i, node] of [client, first, second].entries()) {
    const { secret } = (world.accounts[i + 1] as (typeof world.accounts)[0]).keys.secp256k1;
    const key = { Type: "secp256k1", PrivateKey: Buffer.from(secret).toString("base64") };
    await node.request("WalletSetDefault", await node.request<string>("WalletImport", key));
  }
  for (const node of [first, second])
    await node.request("MarketSetRetrievalAsk", {
      ...{ PricePerByte: `${PRICE_PER_BYTE}`, UnsealPrice: "0", PaymentInterval: 256, PaymentIntervalIncrease: 0 },
    });
});

afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Asks a node, which may be away for a while. */
async function ask<T>(node: DemoNode, method: string, ...params: readonly unknown[]): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await node.request<T>(method, ...params);
    } catch (error) {
      const isAway = (error as { code?: number }).code === 0;
      if (!isAway || attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
}

test(`${KILLS} kills`, async () => {
  const [first, second, client] = world.nodes as [DemoNode, DemoNode, DemoNode];
  const wallet = (world.accounts[1] as (typeof world.accounts)[0]).secp256k1.toString("t");
  let kills = 0;
  let lives = true;
  /** Kills one of the processes now and then, and starts it again. */
  const killer = async (most: number): Promise<void> => {
    for (let i = 0; i < most && lives && kills < KILLS; i++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MS));
      if (!lives) return;
      const victim = world.nodes[Math.floor(Math.random() * world.nodes.length)] as DemoNode;
      kills++;
      killed.set(victim.name, (killed.get(victim.name) ?? 0) + 1);
      await victim.kill();
      await world.start(victim);
    }
  };
  const stored: { readonly root: Link; readonly file: string; readonly provider: DemoNode; readonly bytes: number }[] =
    [];
  const deals: { readonly cid: Link; readonly provider: DemoNode }[] = [];
  for (let round = 0; kills < KILLS; round++) {
    const provider = round % 2 === 0 ? first : second;
    const file = path.join(folder, `file-${round}`);
    const bytes = Uint8Array.from({ length: 500 + round }, (_, i) => (i * 31 + round * 7) & 0xff);
    await writeFile(file, bytes);
    const imported = await ask<{ Root: Link; ImportID: number }>(client, "ClientImport", { Path: file, IsCAR: false });
    const miner = provider.spec.mine[0] as string;
    const cid = await ask<Link>(client, "Filigree.ClientDeal", {
      ...{ Root: imported.Root, Wallet: wallet, Miner: miner, Peer: provider.multiaddr, Duration: DURATION },
      ...{ StartEpoch: world.epoch + 10_000, Price: "500", Collateral: null },
    });
    deals.push({ cid, provider });
    lives = true;
    const killing = killer(KILLS_A_ROUND);
    const before = stored.at(-1);
    const bringing = before === undefined ? Promise.resolve() : bring(client, before, wallet);
    let isBrought = false;
    const brought = bringing.finally(() => {
      isBrought = true;
    });
    brought.catch(() => undefined);
    const view = (): Promise<View> => ask<View>(client, "Filigree.ClientDealLog", cid);
    for (let passed = 0; ; passed++) {
      const { State, Error: why } = await view();
      if (State === "Failed") throw new Error(`deal ${round} failed: ${why}`);
      if (State === "Active" && isBrought) break;
      if (passed > ROUND_EPOCHS) throw new Error(`round ${round} hangs: deal ${State} (${why}), brought ${isBrought}`);
      await world.pass(1);
    }
    await brought;
    lives = false;
    await killing;
    stored.push({ root: imported.Root, file, provider, bytes: bytes.length });
    // From now on it is with its provider alone.
    await ask(client, "ClientRemoveImport", imported.ImportID);
    process.stdout.write(`round ${round}: epoch ${world.epoch}, ${kills} kills\n`);
  }
  await world.pass(5);
  // Each deal is on the chain once, and both sides agree on which.
  const all = await ask<Record<string, unknown>>(client, "StateMarketDeals", []);
  expect(Object.keys(all)).toHaveLength(deals.length);
  const ids = new Set<number>();
  for (const { cid, provider } of deals) {
    const bought = await ask<View>(client, "Filigree.ClientDealLog", cid);
    const sold = await ask<View>(provider, "Filigree.ProviderDealLog", cid);
    expect([bought.State, sold.State, sold.DealId]).toEqual(["Active", "Active", bought.DealId]);
    ids.add(bought.DealId as number);
  }
  expect(ids.size).toBe(deals.length);
  // The price of each deal was put in once.
  const { Escrow } = await ask<{ Escrow: string }>(client, "StateMarketBalance", wallet, []);
  expect(BigInt(Escrow)).toBe(BigInt(deals.length) * 500n * BigInt(DURATION));
  for (const [node, address] of [
    [client, wallet],
    ...[first, second].map((one) => [one, one.spec.mine[0]] as const),
  ] as const)
    expect(await ask(node, "MarketGetReserved", address)).toBe("0");
  // No byte was paid twice.
  const { Taken: taken } = await ask<{ Taken: readonly Taken[] }>(client, "Filigree.RetrievalDeals");
  for (const { root, bytes } of stored) {
    const paid = taken.filter(({ Root }) => Root === root["/"]).reduce((sum, { Paid }) => sum + BigInt(Paid), 0n);
    expect(paid).toBeLessThanOrEqual(PRICE_PER_BYTE * BigInt(bytes));
  }
  process.stdout.write(`killed: ${JSON.stringify(Object.fromEntries(killed))}; ${deals.length} deals\n`);
});

/** A file from its provider, for payment, whoever is killed meanwhile. */
async function bring(
  client: DemoNode,
  { root, file, provider }: { readonly root: Link; readonly file: string; readonly provider: DemoNode },
  wallet: string,
): Promise<void> {
  const order = { Root: root, Providers: [provider.multiaddr], MaxPrice: "1000000000", From: wallet };
  for (let attempt = 1; ; attempt++)
    try {
      await ask(client, "Filigree.RetrievalGet", order);
      break;
    } catch (error) {
      if (attempt === 30) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  const out = path.join(folder, `back-${path.basename(file)}`);
  await ask(client, "ClientExport", { Root: root }, { Path: out, IsCAR: false }).catch(async (error: unknown) => {
    // It was written before the kill whose answer did not come.
    if (!/exists|something is/i.test(`${error}`)) throw error;
  });
  expect(await readFile(out)).toEqual(await readFile(file));
}
