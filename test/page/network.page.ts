/** A person at the page of a network with three miners: looks, searches, controls, breaks a sector, goes back in time. */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromHex } from "../../src/base/bytes.ts";
import { loadProofs } from "../../src/core/proofs.ts";
import { fil } from "../../src/page/format.ts";
import { pieceCidV1, pieceCidV2 } from "../../src/sector/piece/cid.ts";
import { commitPiece } from "../../src/sector/piece/pieces.ts";
import { encodeProof, type SnarkFile } from "../../src/sector/proof-file.ts";
import { decodeHeader, encodeHeader } from "../../src/types/block-header.ts";
import post from "../fixtures/proofs/groth16-post.json" with { type: "json" };
import { enter, isFirefox, schemes } from "./browser.ts";
import { DESKTOP, openWorld, PHONE, violations, type World } from "./world.ts";

const README_PICTURE = fileURLToPath(new URL("../../docs/images/page.jpg", import.meta.url));
let world: World;
let page: Page;
beforeAll(async () => {
  world = await openWorld("--miners", "3", "--sectors", "2", "--block-time", "3600", "--seed", "page");
  await world.rpc("Devnet.mine", 12);
  page = await world.open();
});
afterAll(() => world?.close());

type Info = { miners: { address: string }[]; accounts: { id: string; secp256k1: string }[] };
const info = () => world.rpc<Info>("Devnet.info");
const headEpoch = async (): Promise<number> => (await world.rpc<{ Height: number }>("Filecoin.ChainHead")).Height;
const click = (name: string) => page.getByRole("button", { name, exact: true }).click();
const view = (name: string) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
const outcome = (text: string | RegExp) => page.locator(".outcome").getByText(text).waitFor();

test("the chain is drawn, and grows without being asked", async () => {
  await page.locator(".chain a").first().waitFor();
  await page.locator("strong.epoch", { hasText: String(await headEpoch()) }).waitFor();
  await world.rpc("Devnet.mine", 3);
  await page.locator("strong.epoch", { hasText: String(await headEpoch()) }).waitFor();
  // Three miners have three colours.
  await page.waitForFunction(() => document.querySelectorAll('.legend a[href^="#/miner/t01"]').length === 3);
});

test("nothing can be controlled before the controls are opened by hand", async () => {
  await view("Controls");
  await page.getByText("This page only reads.").waitFor();
  expect(await page.getByRole("button", { name: "Mine", exact: true }).count()).toBe(0);
  await click("Open the controls");
  await page.getByText("Controls are open.").waitFor();
  const before = await headEpoch();
  await click("Mine one tipset");
  await outcome(/the head is at epoch/);
  expect(await headEpoch()).toBeGreaterThan(before);
});

test("the faucet's message is found, with its method, exit code and sends", async () => {
  await enter(page.getByLabel("FIL", { exact: true }), "12.5");
  await click("Send FIL");
  await outcome(/message bafy/);
  await view("Pool");
  await page.getByRole("cell", { name: "12.5 FIL" }).waitFor();
  await world.rpc("Devnet.mine", 2);
  await page.getByText("0 messages wait.").waitFor();
  await view("Messages");
  const row = page.getByRole("row").filter({ hasText: "12.5 FIL" });
  await row.getByText("Send", { exact: true }).waitFor();
  await row.getByText("ok", { exact: true }).waitFor();
  await row.getByRole("link").first().click();
  await page.getByRole("heading", { name: "Internal sends" }).waitFor();
  await page.getByText(/^Cost: /).waitFor();
});

test("parameters are decoded: a pledged sector's messages", async () => {
  const { miners } = await info();
  const miner = miners[0]?.address as string;
  await view("Controls");
  await page.getByRole("combobox", { name: "Miner" }).selectOption(miner);
  await click("Pledge a sector");
  await outcome(/sector 2/);
  await view("Sealing");
  const way = page.locator(".way").filter({ hasText: "sector 2" });
  await way.getByText("PreCommitWait").first().waitFor();
  for (let i = 0; i < 12 && (await way.locator(".tag", { hasText: "Proving" }).count()) === 0; i++)
    await world.rpc("Devnet.mine", 10).then(() => page.waitForTimeout(300));
  await way.locator(".tag", { hasText: "Proving" }).waitFor();
  await way.getByText("Its log").click();
  await way.getByText(/landed: FinalizeSector/).waitFor();
  await view("Messages");
  await page.getByRole("row").filter({ hasText: "PreCommitSector" }).getByRole("link").first().click();
  await page.locator("dt", { hasText: "SealedCID" }).first().waitFor();
});

/** The miner that has to prove its sector 0 before the others. */
async function soonest(): Promise<string> {
  const { miners } = await info();
  const waits = await Promise.all(
    miners.map(async ({ address }) => {
      const { Index } = await world.rpc<{ Index: number }>("Filecoin.StateMinerProvingDeadline", address, null);
      const { Deadline } = await world.rpc<{ Deadline: number }>("Filecoin.StateSectorPartition", address, 0, null);
      return { address, wait: (Deadline - Index - 1 + 48) % 48 };
    }),
  );
  return waits.sort((a, b) => a.wait - b.wait)[0]?.address as string;
}

test("a lost sector is seen as faulty in the miner's deadlines and sectors", async () => {
  const miner = await soonest();
  await view("Controls");
  await page.getByRole("combobox", { name: "Miner" }).selectOption(miner);
  await enter(page.getByLabel("Sector", { exact: true }), "0");
  await click("Lose the sector");
  await page.getByText(/faults played: sector 0 lost/).waitFor();
  await world.rpc("Devnet.mineToSector", miner, 0, "Faulty", 3500);
  // What is asked of the state is that before the head.
  await world.rpc("Devnet.mine", 2);
  await view("Miners");
  await page.getByRole("row").getByRole("link", { name: miner }).click();
  await page.getByRole("button", { name: /faulty sectors/ }).waitFor();
  await page.locator(".tag", { hasText: "1 faulty" }).waitFor();
  // Its money is that of the state that the head builds on, as the supply and the commands tell of it.
  type State = { Balance: string; State: { LockedFunds: string; InitialPledge: string } };
  const { Balance, State } = await world.rpc<State>("Filecoin.StateReadState", miner, null);
  const shown = (name: string) => page.locator("dl > div", { hasText: name }).locator("dd").innerText();
  expect(await shown("Vesting")).toBe(fil(State.LockedFunds));
  expect(await shown("Initial pledge")).toBe(fil(State.InitialPledge));
  await page.getByText(`${fil(Balance)} in all. In the state that epoch ${await headEpoch()} builds on.`).waitFor();
});

test("a way back to a snapshot shows as blocks that were reverted", async () => {
  await view("Controls");
  await click("Take a snapshot");
  await outcome(/number \d/);
  const at = await headEpoch();
  await world.rpc("Devnet.mine", 4);
  await page.getByRole("button", { name: "Go back", exact: true }).first().click();
  await outcome(`the head is at epoch ${at}`);
  await view("Chain");
  await page.locator(".chain .fork rect").first().waitFor();
});

test("what is nothing wrong is not told as an error; supply is divided by where it is", async () => {
  await view("Peers");
  await page.locator("main p.faint", { hasText: /^this node has no peers/ }).waitFor();
  await view("Deals");
  await page.locator("main p.faint", { hasText: /^this node has no peers/ }).waitFor();
  await view("Supply");
  const all = await page.locator("dl > div", { hasText: "In all" }).locator("dd").innerText();
  type Supply = Readonly<Record<`Fil${"Circulating" | "Locked" | "Burnt"}`, string>>;
  const supply = await world.rpc<Supply>("Filecoin.StateVMCirculatingSupplyInternal", null);
  const places = BigInt(supply.FilCirculating) + BigInt(supply.FilLocked) + BigInt(supply.FilBurnt);
  expect(all).toBe(fil(places));
  const bar = page.getByRole("img", { name: "All FIL, by where it is" }).locator("rect");
  const widths = await bar.evaluateAll((parts) => parts.map((part) => Number(part.getAttribute("width"))));
  expect(widths.reduce((sum, width) => sum + width, 0)).toBeLessThanOrEqual(1000 + 2 * widths.length);
});

test.skipIf(isFirefox)("the curve of the base fee can be read in the scheme that is changed to", async () => {
  await page.emulateMedia({ colorScheme: "light" });
  await view("Gas");
  await page.locator("canvas").waitFor();
  // Letters of the axes: the darkest and the brightest of what is drawn left of the curve.
  const letters = () =>
    page.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
      const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(0, 0, 90, canvas.height);
      const drawn: number[] = [];
      for (let i = 0; i < data.length; i += 4) if ((data[i + 3] as number) > 200) drawn.push(data[i] as number);
      return { count: drawn.length, from: Math.min(...drawn), to: Math.max(...drawn) };
    });
  for (const [colorScheme, isRight] of [
    ["light", ({ from }) => from < 80],
    ["dark", ({ to }) => to > 200],
    ["light", ({ to }) => to < 150],
  ] as ["light" | "dark", (found: { from: number; to: number }) => boolean][]) {
    await page.emulateMedia({ colorScheme });
    await expect.poll(async () => ((found) => found.count > 20 && isRight(found))(await letters())).toBe(true);
  }
  await page.emulateMedia({ colorScheme: "dark" });
});

test("search finds epochs, addresses of both kinds, blocks, messages; and says what it expects", async () => {
  const { accounts } = await info();
  const find = async (text: string, found: RegExp): Promise<void> => {
    await page.keyboard.press("Escape");
    await page.getByRole("searchbox").fill(text);
    await page.keyboard.press("Enter");
    await page.waitForURL(found);
  };
  await find("5", /#\/tipset\/5$/);
  await find(accounts[0]?.secp256k1 as string, /#\/actor\/t1/);
  await find(`0xff${"0".repeat(36)}64`, /#\/actor\/t0100$/);
  const tipset = await world.rpc<{ Cids: { "/": string }[] }>("Filecoin.ChainGetTipSetByHeight", 7, null);
  await find(tipset.Cids[0]?.["/"] as string, /#\/tipset\/7$/);
  await page.getByRole("searchbox").fill("what?");
  await page.keyboard.press("Enter");
  await page.getByText(/an epoch, an address .* is expected/).waitFor();
});

test("a deal is shown from its proposal on", async () => {
  const file = path.join(tmpdir(), `filigree-page-${process.pid}.bin`);
  writeFileSync(file, new Uint8Array(1500).fill(7));
  const { accounts, miners } = await info();
  const { Root } = await world.rpc<{ Root: unknown }>("Filecoin.ClientImport", { Path: file, IsCAR: false });
  rmSync(file);
  const wanted = { Root, Wallet: accounts[1]?.secp256k1, Miner: miners[0]?.address, Duration: 518_400 };
  await world.rpc("Filigree.ClientDeal", { ...wanted, StartEpoch: (await headEpoch()) + 700 });
  await view("Deals");
  await page.getByRole("cell", { name: "as client" }).waitFor();
  for (let i = 0; i < 30 && (await page.getByRole("cell", { name: /^(published|active since)/ }).count()) === 0; i++)
    await world.rpc("Devnet.mine", 5).then(() => page.waitForTimeout(300));
  await page
    .getByRole("cell", { name: /^(published|active since)/ })
    .first()
    .waitFor();
});

test("tools: a file's piece, what a text is, a header's signature", async () => {
  await view("Tools");
  const data = Buffer.alloc(1_000_000, 7);
  await page.getByLabel(/Drop a file here/).setInputFiles({ name: "seven.bin", mimeType: "text/plain", buffer: data });
  const proofs = await loadProofs();
  const piece = commitPiece(proofs, data);
  await page.getByText(pieceCidV1(piece.commP).toString()).waitFor();
  await page.getByText(pieceCidV2(piece).toString()).waitFor();

  const decoded = async (text: string): Promise<void> => {
    await page.getByLabel("Text to decode").fill(text);
    await click("Decode");
  };
  await decoded("0xff00000000000000000000000000000000000064");
  await page.getByText("This is an address.").waitFor();
  await page
    .locator("dd", { hasText: /^t0100/ })
    .first()
    .waitFor();
  await decoded(pieceCidV2(piece).toString());
  await page.getByText("a piece CID v2").waitFor();

  const { Cids } = await world.rpc<{ Cids: { "/": string }[] }>("Filecoin.ChainGetTipSetByHeight", 9, null);
  await page.getByLabel("Block CID, or the header's bytes").fill(Cids[0]?.["/"] as string);
  await click("Check the header");
  await page.getByText(/✓ signed by the miner's worker/).waitFor();
  const bytes = Buffer.from(await world.rpc<string>("Filecoin.ChainReadObj", Cids[0]), "base64");
  // Another time in it: the signature is not over that.
  const header = decodeHeader(bytes);
  const changed = encodeHeader({ ...header, timestamp: header.timestamp + 1n });
  await page.getByLabel("Block CID, or the header's bytes").fill(Buffer.from(changed).toString("hex"));
  await click("Check the header");
  await page.getByText(/✗ not signed by the miner's worker/).waitFor();

  // A round that was drawn. Source: drand's public servers.
  const signature = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";
  await page.getByLabel("Signature, hex", { exact: true }).fill(signature);
  for (const [round, found] of [
    ["1000", "✓ this is round 1000 of quicknet"],
    ["1001", "✗ this is not round 1001 of quicknet"],
  ] as const) {
    await page.getByLabel("Round", { exact: true }).fill(round);
    await click("Check the entry");
    await page.getByText(found).waitFor();
  }
});

test("tools: a value of the state by its path, shown by blocks; a proof by its statement and the circuit's key", async () => {
  await view("Tools");
  const miner = (await info()).miners[0]?.address as string;
  await page.getByLabel("Path", { exact: true }).fill(`${miner}/Sectors/1/SealedCID`);
  await click("Take the blocks from the node");
  const blocks = page.getByLabel(/Blocks: a CAR file/);
  // The other fields may hold long texts, too.
  await expect.poll(() => blocks.inputValue().then(({ length }) => length), { timeout: 60_000 }).toBeGreaterThan(500);
  await click("Check the path");
  await page.getByText(/✓ they lead from the state bafy/).waitFor();
  const sectors = await world.rpc<{ SectorNumber: number; SealedCID: { "/": string } }[]>(
    "Filecoin.StateMinerSectors",
    miner,
    null,
    [],
  );
  await page.locator(`[role="status"] [title="${sectors[1]?.SealedCID["/"]}"]`).waitFor();
  // Another byte in the last block.
  const car = Buffer.from(await blocks.inputValue(), "base64");
  car[car.length - 1] = (car[car.length - 1] as number) ^ 1;
  await blocks.fill(car.toString("base64"));
  await click("Check the path");
  await page.getByText(/has other bytes than its CID says/).waitFor();

  const [window] = post.cases.filter(({ key }) => key === "window");
  if (window === undefined) throw new Error("the fixture has no window PoSt");
  const statement: SnarkFile = {
    kind: window.apiVersion === "1.2.0" ? "window" : "window-legacy",
    sectorBytes: window.sectorSize,
    randomness: fromHex(window.randomness),
    sectors: window.sectors.map(({ sectorNumber, commR }) => ({ sectorNumber, commR: fromHex(commR) })),
    snark: fromHex(window.proof),
  };
  const own = page.getByLabel("Proof, base64 or hex");
  await own.fill(Buffer.from(encodeProof(statement)).toString("base64"));
  await click("Check the proof");
  await page.getByText(/✗ the proof is a SNARK: the verifying key of its circuit is needed/).waitFor();
  const buffer = Buffer.from(post.verifyingKeys.window.hex, "hex");
  await page.getByLabel(/Verifying key of a SNARK's circuit/).setInputFiles({ name: "a.vk", mimeType: "a/b", buffer });
  await click("Check the proof");
  await page.getByText("✓ the proof holds").waitFor();
  // For other randomness it was not made.
  await own.fill(Buffer.from(encodeProof({ ...statement, randomness: new Uint8Array(32) })).toString("hex"));
  await click("Check the proof");
  await page.getByText(/✗ the proof does not hold: .*\(INVALID\)/).waitFor();
});

test("each view: nothing serious for axe in both colour schemes, no width beyond a phone's, and its picture", async () => {
  const miner = (await info()).miners[0]?.address as string;
  const views = ["chain", "messages", "miners", `miner/${miner}`, "sealing", "deals", "gas", "pool", "peers", "supply"];
  const routes = [...views, "controls", "tools", "tab", "tipset/7", "actor/t0100"];
  const found: unknown[] = [];
  // Nothing of what was typed before is in the pictures.
  await page.reload();
  for (const route of routes) {
    await page.goto(`${world.url}#/${route}`);
    await page.locator("main > *").first().waitFor();
    await page.waitForFunction(() => !document.body.innerText.includes("loading …"));
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      for (const one of await violations(page)) found.push({ route, colorScheme, ...one });
    }
    for (const [name, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      await page.setViewportSize(size);
      await page.waitForTimeout(150);
      const file = fileURLToPath(new URL(`screens/${route.split("/")[0]}-${name}.jpg`, import.meta.url));
      // What is kept for comparison are Chromium's.
      if (isFirefox) await page.screenshot({ type: "jpeg", quality: 20 });
      else await page.screenshot({ path: file, type: "jpeg", quality: 20 });
      if (!isFirefox && route === "chain" && name === "desktop")
        await page.screenshot({ path: README_PICTURE, type: "jpeg", quality: 70 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > size.width) found.push({ route, name, width });
    }
    await page.setViewportSize(DESKTOP);
  }
  expect(found).toEqual([]);
});

test("the page complained of nothing", () => {
  expect(world.complaints).toEqual([]);
});

test("an empty field is no sector 0, what would end the chain needs its box, and what goes on stays told", async () => {
  const alone = await openWorld("--miners", "1", "--block-time", "3600", "--seed", "alone");
  try {
    const own = await alone.open();
    const press = (name: string) => own.getByRole("button", { name, exact: true }).click();
    const told = (text: string | RegExp) => own.locator(".outcome").getByText(text).waitFor();
    await own.getByRole("navigation").getByRole("link", { name: "Controls", exact: true }).click();
    await press("Open the controls");
    await own.getByLabel("Sector", { exact: true }).fill("");
    await press("Lose the sector");
    await told("Lose the sector: Sector: a whole number is expected");
    await press("Leave out all proofs");
    await told(/would end the chain for good/);
    await own.getByRole("checkbox").check();
    await press("Leave out all proofs");
    await told("Leave out all proofs: done");
    await own.getByLabel("Tipsets", { exact: true }).fill("40");
    await press("Mine");
    await press("Pause the clock");
    await told("Pause the clock: done");
    await told("Mine …");
    await told(/Mine: the head is at epoch/);
    // What would go on for hours is cancelled, and what waited for it has its turn.
    await own.getByLabel("Tipsets", { exact: true }).fill("100000");
    await press("Mine");
    await press("Take a snapshot");
    await press("Cancel: Mine …");
    await told("Mine: cancelled; the tipsets that were made stay");
    await told(/Take a snapshot: number \d/);
    // An epoch that is to come, and what is none.
    await own.evaluate(() => location.assign("#/tipset/99999"));
    await own.getByText("Epoch 99999 is not there yet: the head is at").waitFor();
    await own.evaluate(() => location.assign("#/tipset/first"));
    await own.getByText("first is no epoch.").waitFor();
    // An outcome is of what stands in the fields.
    await own.getByRole("navigation").getByRole("link", { name: "Tools", exact: true }).click();
    await own.getByLabel("Text to decode").fill("t01000");
    await press("Decode");
    await own.getByText("This is an address.").waitFor();
    await own.getByLabel("Text to decode").fill("t01001");
    await own.getByText("This is an address.").waitFor({ state: "detached" });
    await press("Check the path");
    await own.getByText("the blocks of the path are expected").waitFor();
    // A file that is read goes on no longer than its view: the worker of this one never gets it.
    await own.addInitScript(() => {
      const ended: string[] = [];
      class Held extends Worker {
        private readonly name: string | undefined;
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          this.name = options?.name;
        }
        override postMessage(): void {}
        override terminate(): void {
          ended.push(this.name ?? "");
          super.terminate();
        }
      }
      Object.assign(globalThis, { Worker: Held, ended });
    });
    await own.reload();
    const drop = { name: "seven.bin", mimeType: "text/plain", buffer: Buffer.alloc(1000, 7) };
    await own.getByLabel(/Drop a file here/).setInputFiles(drop);
    await own.getByRole("progressbar").waitFor();
    const ended = () => own.evaluate(() => (globalThis as unknown as { ended: string[] }).ended);
    expect(await ended()).toEqual([]);
    await own.getByRole("navigation").getByRole("link", { name: "Chain", exact: true }).click();
    await expect.poll(ended).toEqual(["piece"]);
    // Nothing is tried again where the address names no node.
    await own.goto(`${new URL(own.url()).origin}/?join=garbage`);
    await own.getByText("not connected", { exact: true }).waitFor();
  } finally {
    await alone.close();
  }
});
