/** Proofs as the machine meets them, verified with keys: real circuits under local keys. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { circuitKey, keyedVerifier, type VerifierOptions } from "../../../src/exec/keyed-verifier.ts";
import { pieceCidV1, sealedCid } from "../../../src/sector/piece/cid.ts";
import { readVerifyingKey, type VerifyingKey } from "../../../src/sector/snark/groth16.ts";
import porep from "../../fixtures/proofs/groth16-porep.json" with { type: "json" };
import post from "../../fixtures/proofs/groth16-post.json" with { type: "json" };

const KIB2 = 2048;
const MINER = 1000;
let options: VerifierOptions;
beforeAll(async () => {
  const module = await loadProofs();
  const keys = new Map<string, VerifyingKey>();
  keys.set(circuitKey("window-post", KIB2), readVerifyingKey(module, fromHex(post.verifyingKeys.window.hex)));
  const [sealKey] = Object.values(porep.verifyingKeys);
  keys.set(circuitKey("seal", KIB2), readVerifyingKey(module, fromHex((sealKey as { hex: string }).hex)));
  options = {
    proofs: module,
    keys,
    missing: "refuse",
    secondWindowVersion: true,
    entropy: () => new Uint8Array(32).fill(7),
  };
});

type PostCase = (typeof post.cases)[number];
function postInfo(one: PostCase, change: Partial<{ randomness: Uint8Array; first: number; proof: Uint8Array }> = {}) {
  const type = one.apiVersion === "1.2.0" ? 10 : 5;
  const sectors = one.sectors.map(({ sectorNumber, commR }, i) => [
    0,
    i === 0 ? (change.first ?? sectorNumber) : sectorNumber,
    sealedCid(fromHex(commR)),
  ]);
  const randomness = change.randomness ?? fromHex(one.randomness);
  return dagCbor.encode([randomness, [[type, change.proof ?? fromHex(one.proof)]], sectors, MINER]);
}

for (const one of post.cases.filter((each) => each.key === "window"))
  test(`${one.name}: the verifier accepts the proof, and no other statement`, async () => {
    const verifier = keyedVerifier(options);
    expect(await verifier.verifyPoSt(postInfo(one))).toBe(true);
    const randomness = fromHex(one.randomness);
    // The two top bits do not reach the field.
    randomness[31] = (randomness[31] as number) | 0xc0;
    expect(await verifier.verifyPoSt(postInfo(one, { randomness }))).toBe(true);
    randomness[0] = (randomness[0] as number) ^ 1;
    expect(await verifier.verifyPoSt(postInfo(one, { randomness }))).toBe(false);
    expect(await verifier.verifyPoSt(postInfo(one, { first: 77 }))).toBe(false);
    expect(await verifier.verifyPoSt(postInfo(one, { proof: new Uint8Array(192) }))).toBe(false);
    expect(await verifier.verifyPoSt(postInfo(one, { proof: new Uint8Array(3) }))).toBe(false);
  });

test("what is no statement is not proved, whatever it is", async () => {
  const verifier = keyedVerifier(options);
  const one = post.cases.find((each) => each.key === "window") as PostCase;
  const tuple = dagCbor.decode(postInfo(one)) as unknown[];
  const values = [null, 5, -1, 2n ** 63n, "x", [], {}, new Uint8Array(3), [[5]], [[5, null]], [[null, 1, 2]], true];
  const malformed = tuple.flatMap((_, at) => values.map((value) => tuple.with(at, value)));
  for (const statement of [...malformed, ...values, tuple.slice(0, 2)]) {
    if (Array.isArray(statement) && statement.length === 4 && statement[3] !== MINER) continue;
    expect(await verifier.verifyPoSt(dagCbor.encode(statement))).toBe(false);
    expect(await verifier.verifySeal(dagCbor.encode(statement))).toBe(false);
  }
  expect(await verifier.verifyPoSt(Uint8Array.of(0xff))).toBe(false);
  expect(await verifier.verifySeal(new Uint8Array(0))).toBe(false);
});

test("the actor's stand-ins for faulty sectors change nothing; sectors of another size do", async () => {
  const verifier = keyedVerifier(options);
  const one = post.cases.find((each) => each.key === "window" && each.sectors.length > 1) as PostCase;
  const type = one.apiVersion === "1.2.0" ? 10 : 5;
  const listed = one.sectors.map(({ sectorNumber, commR }) => [0, sectorNumber, sealedCid(fromHex(commR))]);
  const verdict = (sectors: readonly unknown[]) =>
    verifier.verifyPoSt(dagCbor.encode([fromHex(one.randomness), [[type, fromHex(one.proof)]], sectors, MINER]));
  const [first, ...rest] = listed as [unknown[], ...unknown[][]];
  expect(await verdict([first, first, ...rest, first])).toBe(true);
  expect(await verdict([...rest, first])).toBe(true);
  expect(await verdict(rest)).toBe(false);
  expect(await verdict([])).toBe(false);
  expect(await verdict([[1, ...first.slice(1)], ...rest])).toBe(false);
});

for (const one of porep.cases.filter((each) => each.registeredSealProof === 0 || each.registeredSealProof === 5))
  test(`${one.name}: the verifier accepts the seal, and no other statement`, async () => {
    const verifier = keyedVerifier(options);
    const miner =
      Number(BigInt(fromHex(one.proverId)[0] as number) & 0x7fn) + (fromHex(one.proverId)[1] as number) * 128;
    const info = (sector: number, proof = fromHex(one.proof)): Uint8Array =>
      dagCbor.encode([
        one.registeredSealProof,
        [miner, sector],
        [],
        fromHex(one.ticket),
        fromHex(one.seed),
        proof,
        sealedCid(fromHex(one.commR)),
        pieceCidV1(fromHex(one.commD)),
      ]);
    expect(await verifier.verifySeal(info(one.sectorNumber))).toBe(true);
    expect(await verifier.verifySeal(info(one.sectorNumber + 1))).toBe(false);
    expect(await verifier.verifySeal(info(one.sectorNumber, new Uint8Array(192)))).toBe(false);
  });

test("a network that knows no second version of window proofs refuses them, valid or not", async () => {
  const one = post.cases.find((each) => each.key === "window" && each.apiVersion === "1.2.0") as PostCase;
  const { secondWindowVersion: _, ...first } = options;
  expect(await keyedVerifier(options).verifyPoSt(postInfo(one))).toBe(true);
  expect(await keyedVerifier(first).verifyPoSt(postInfo(one))).toBe(false);
  expect(await keyedVerifier({ ...first, keys: new Map(), missing: "accept" }).verifyPoSt(postInfo(one))).toBe(false);
});

test("a seal whose ticket or seed is no 32 bytes is not proved", async () => {
  const [one] = porep.cases;
  const [sealed, unsealed] = [sealedCid(fromHex(one!.commR)), pieceCidV1(fromHex(one!.commD))];
  const parts = (ticket: number, seed: number) => [new Uint8Array(ticket), new Uint8Array(seed), fromHex(one!.proof)];
  for (const [ticket, seed] of [
    [31, 32],
    [32, 33],
    [32, 5000],
  ] as const) {
    const info = dagCbor.encode([one!.registeredSealProof, [MINER, 1], [], ...parts(ticket, seed), sealed, unsealed]);
    expect(await keyedVerifier(options).verifySeal(info)).toBe(false);
  }
});

test("without a key the stated policy decides, and is told of", async () => {
  const told: string[] = [];
  const info = postInfo(post.cases.find((each) => each.key === "window") as PostCase);
  const verifier = (missing: "accept" | "reject" | "refuse") =>
    keyedVerifier({
      ...options,
      keys: new Map(),
      missing,
      onMissing: (circuit, size) => told.push(`${circuit} ${size}`),
    });
  expect(verifier("accept").verifyPoSt(info)).toBe(true);
  expect(verifier("reject").verifyPoSt(info)).toBe(false);
  expect(() => verifier("refuse").verifyPoSt(info)).toThrow(/no verifying key/);
  expect(told).toEqual(["window-post 2048", "window-post 2048", "window-post 2048"]);
});
