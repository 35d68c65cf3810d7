/** `state check`: which state of a file it looks at, whatever the file's format, and whose parameters it holds it against. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import * as Digest from "multiformats/hashes/digest";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { exportChain } from "../../../src/chain/export.ts";
import { encodeMetadata } from "../../../src/chain/snapshot-format.ts";
import { registerState } from "../../../src/cli/commands/state.ts";
import { openState } from "../../../src/cli/state-place.ts";
import { progressLine } from "../../../src/cli/terminal.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { profileOfStateName } from "../../../src/params/networks.ts";
import { readCar, writeCar } from "../../../src/storage/car.ts";
import { decodeHeader } from "../../../src/types/block-header.ts";
import { CID } from "../../../src/types/cid.ts";
import { gather } from "../../support/bytes-source.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { readShared } from "../../support/vectors.ts";

const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
const place = (name: string): string => path.join(folder, name);
let root: string;

beforeAll(async () => {
  const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, miners: 1 });
  try {
    await net.clock.mine(3);
    // A block whose parents are some epochs below.
    await net.clock.skip(4);
    const parent = await net.node.chain.parent(net.head);
    expect([parent?.height, net.head.height]).toEqual([3, 8]);
    root = `${net.head.blocks[0]?.parentStateRoot}`;
    for (const version of [1, 2] as const) {
      const parts = exportChain(net.node.chain, net.head, { recentRoots: 10, skipOldMessages: false, version });
      writeFileSync(place(`${version}.car`), await gather(parts));
    }
    const data = new Uint8Array(9 << 20).fill(7);
    const cid = CID.createV1(0x55, Digest.create(0xb220, (await loadCrypto()).blake2b256(data)));
    const metadata = encodeMetadata({ head: net.head.key, f3: cid });
    const { blocks } = readCar(
      await gather(exportChain(net.node.chain, net.head, { recentRoots: 10, skipOldMessages: false })),
    );
    writeFileSync(place("f3.car"), writeCar([metadata.cid], [metadata, { cid: cid.bytes, bytes: data }, ...blocks]));
    const own = blocks.find((block) => `${CID.decode(block.cid)}` === root);
    writeFileSync(
      place("state.car"),
      writeCar([CID.parse(root).bytes], [...(own === undefined ? [] : [own]), ...blocks]),
    );
  } finally {
    await net.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function check(...words: string[]): Promise<string> {
  let out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  const before = process.exitCode;
  const program = new Command();
  registerState(program);
  await program.parseAsync(["state", "check", ...words], { from: "user" }).finally(() => {
    process.exitCode = before;
  });
  return out;
}

test.each(["1.car", "2.car", "f3.car"])(
  "the state that the head of %s stands on: of its parents' epoch, null rounds or not",
  async (file) => {
    const { place: found, networkName, close } = await openState(place(file), { data: "" }, progressLine());
    await close();
    expect({ root: `${found.root}`, epoch: found.epoch, networkName }).toEqual({
      root,
      epoch: 3,
      networkName: "localnet",
    });
  },
);

test("a local network's state is held against a local network's parameters, unless others are asked for, and so it is said", async () => {
  const told = await check(place("2.car"));
  expect(told).toMatch(
    / of epoch 3: .* sound\nwith the parameters of devnet, as the state is of the network "localnet"\n$/,
  );
  const other = await check(place("1.car"), "--network", "mainnet");
  expect(other).toMatch(
    /claims above the minimum .*\n.* 3 complaints\nwith the parameters of mainnet, as --network says, though/s,
  );
  expect(other).toMatch(
    /"localnet", whose are those of devnet: complaints about the minimum of power depend on them\n$/,
  );
  expect(JSON.parse(await check(place("1.car"), "--json"))).toMatchObject({
    ...{ epoch: 3, network: "devnet", networkName: "localnet", complaints: [] },
  });
});

test("of a file of a state alone the epoch must be told; a compressed file is named as one", async () => {
  await expect(check(place("state.car"))).rejects.toThrow(/--epoch is needed for a state root/);
  expect(await check(place("state.car"), "--epoch", "3")).toMatch(/ sound\n/);
  writeFileSync(place("x.car.zst"), Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0));
  await expect(check(place("x.car.zst"))).rejects.toThrow(
    /x\.car\.zst: the file is compressed with zstd; decompress it/,
  );
});

test("the networks that are known by the name in their states", async () => {
  expect(["testnetnet", "calibrationnet", "localnet", "mine"].map(profileOfStateName)).toEqual([
    ...["mainnet", "calibrationnet", "devnet", null],
  ]);
  const car = await readShared("chains/mainnet-epochs-0-39.car");
  if (car === null) return;
  writeFileSync(place("mainnet.car"), car);
  const genesis = readCar(car).blocks.flatMap(({ bytes }) => {
    try {
      const header = decodeHeader(bytes);
      return header.height === 0 ? [header] : [];
    } catch {
      return [];
    }
  })[0];
  const told = await check(place("mainnet.car"), "--root", `${genesis?.parentStateRoot}`, "--epoch", "0");
  expect(told).toMatch(/with the parameters of mainnet, as the state is of the network "testnetnet"\n$/);
});
