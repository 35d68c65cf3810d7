/** Paths in a state: what they lead to is what the node answers, and the blocks on the way show it without any node. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../../src/node/devnet.ts";
import { checkPath, provePath, valueAt } from "../../../src/state/state-path.ts";
import { readCar, writeCar } from "../../../src/storage/car.ts";
import type { CID } from "../../../src/types/cid.ts";

let net: Devnet;
let root: CID;
let miner: string;
beforeAll(async () => {
  net = await Devnet.open({ seed: "paths", miners: 1, sectors: 3, accounts: 2 });
  await net.clock.mine(3);
  root = net.head.blocks[0]?.parentStateRoot as CID;
  miner = net.miner.toString("t");
});
afterAll(() => net.close());

const ask = <T>(method: string, ...params: unknown[]): Promise<T> => net.request<T>(method, ...params);
const at = (path: string) => valueAt(net.node.chain.blocks, root, path, "t");
const prove = (path: string) => provePath(net.node.chain.blocks, root, path, "t");
const check = (car: Uint8Array, path: string, from = root) => checkPath(net.node.crypto, car, from, path, "t");

test("each kind of step leads to what the node tells of the same state", async () => {
  const key = net.head.key.map((cid) => ({ "/": `${cid}` }));
  const actor = await ask<{ Balance: string; Code: unknown }>("StateGetActor", miner, key);
  const sectors = await ask<{ SectorNumber: number; SealedCID: { "/": string } }[]>(
    "StateMinerSectors",
    miner,
    null,
    key,
  );
  const robust = net.accounts[1]?.secp256k1.toString("t");
  expect(await at(`${miner}/Balance`)).toBe(actor.Balance);
  expect(await at(miner)).toMatchObject({ Code: actor.Code });
  expect(await at(`${miner}/Sectors/2/SealedCID`)).toEqual(sectors[2]?.SealedCID);
  expect(await at(`${miner}/Info/Owner`)).toBe((await ask<{ Owner: string }>("StateMinerInfo", miner, key)).Owner);
  expect(await at(`t04/Claims/${miner}/RawBytePower`)).toBe("6144");
  // A key's address goes over the init actor's map.
  expect(await at(`${robust}/Address`)).toBe(robust);
  expect(await at("t04/CronEventQueue")).toHaveProperty("/");
});

test("the blocks alone show the value: one that is changed, missing, or of another state is refused", async () => {
  const path = `${miner}/Sectors/1/SealedCID`;
  const { value, car, blocks } = await prove(path);
  expect(await check(car, path)).toEqual({ value, blocks });
  expect(blocks).toBeGreaterThan(3);
  expect(blocks).toBeLessThan(20);
  const { roots, blocks: list } = readCar(car);
  for (const [i, one] of list.entries()) {
    const without = writeCar(
      roots,
      list.filter((_, k) => k !== i),
    );
    await expect(check(without, path)).rejects.toMatchObject({ data: { code: "MISSING_BLOCK" } });
    const bytes = one.bytes.slice();
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    const lie = list.map((block, k) => (k === i ? { cid: block.cid, bytes } : block));
    await expect(check(writeCar(roots, lie), path)).rejects.toMatchObject({ data: { code: "BAD_PROOF" } });
  }
  const other = (await net.node.chain.genesis()).blocks[0]?.parentStateRoot as CID;
  expect(other.equals(root)).toBe(false);
  await expect(check(car, path, other)).rejects.toMatchObject({ data: { code: "MISSING_BLOCK" } });
});

test("a path that leads nowhere is named with the step that is wrong", async () => {
  for (const [path, step] of [
    ["", ""],
    ["nobody", "nobody"],
    [`${miner}/Nothing`, "Nothing"],
    [`${miner}/Sectors/x`, "x"],
    [`${miner}/Sectors/99`, "99"],
    [`${miner}/Sectors/0/Nothing`, "Nothing"],
    [`${miner}/Sectors/0/toString`, "toString"],
    ["t04/Claims/0", "0"],
    ["t04/CronEventQueue/-7", "-7"],
  ] as const)
    await expect(at(path), path).rejects.toMatchObject({ data: { code: "NO_SUCH_PATH", step } });
  for (const [text, found] of [
    ["", "nothing"],
    ["0x10", "0x10"],
    ["9".repeat(21), "9999"],
  ] as const)
    await expect(at(`t04/CronEventQueue/${text}`)).rejects.toThrow(`a number is expected, and ${found}`);
  await expect(at("t0999")).rejects.toMatchObject({ data: { code: "ACTOR_NOT_FOUND" } });
  await expect(at(`${miner}${"/x".repeat(65)}`)).rejects.toMatchObject({ data: { code: "NO_SUCH_PATH" } });
});
