/**
 * Every exported verifier, parser and maker of `filigree/proofs` against arguments of every wrong type at every place: it
 * answers false (or a verdict that is not VALID, or null), or throws an error of ours; never a TypeError, never true.
 */
import { describe, expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { poseidon } from "../../../src/core/poseidon.ts";
import { poseidonAny } from "../../../src/core/poseidon-any.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { leafChallenge, porepChallenges, syntheticChallenges, winningSector } from "../../../src/sector/challenges.ts";
import { verifyPath } from "../../../src/sector/merkle-path.ts";
import { porepId, proverId, sealProof, sectorParams } from "../../../src/sector/params.ts";
import {
  commitmentOfCidV1,
  commitmentOfSealedCid,
  pieceCidV1,
  pieceCidV2,
  pieceOfCidV2,
  sealedCid,
} from "../../../src/sector/piece/cid.ts";
import { aggregatePieces, proveSegment, verifySegment } from "../../../src/sector/piece/data-segment.ts";
import {
  aggregateSize,
  placePieces,
  proveInclusion,
  proveInclusions,
  verifyInclusion,
} from "../../../src/sector/piece/inclusion.ts";
import {
  commitPiece,
  dataCommitment,
  fr32Pad,
  fr32Unpad,
  joinSlices,
  zeroPieceCommitment,
} from "../../../src/sector/piece/pieces.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { postChallenges, provedSectors, provePoSt, verifyPoSt } from "../../../src/sector/post/post-proof.ts";
import { provePoRep, verifyPoRep, verifyPoRepPartition } from "../../../src/sector/seal/porep-proof.ts";
import { replicaIdOf, unsealRange } from "../../../src/sector/seal/seal.ts";
import { readVerifyingKey } from "../../../src/sector/snark/groth16.ts";
import {
  porepAggregateInclude,
  porepInputs,
  postInputs,
  updateAggregateInclude,
  updateInputs,
} from "../../../src/sector/snark/statement.ts";
import {
  verifyPoStProof,
  verifySealAggregate,
  verifySealProof,
  verifyUpdateAggregate,
  verifyUpdateProof,
} from "../../../src/sector/snark/verify.ts";
import { MemorySectorStore } from "../../../src/sector/store.ts";
import { decodeUpdate, proveUpdate, updateSector, verifyUpdate } from "../../../src/sector/update/update.ts";
import aggregatePorep from "../../fixtures/proofs/aggregate-porep.json" with { type: "json" };
import porep from "../../fixtures/proofs/groth16-porep.json" with { type: "json" };
import post from "../../fixtures/proofs/groth16-post.json" with { type: "json" };
import update from "../../fixtures/proofs/groth16-update.json" with { type: "json" };
import snarkpack from "../../fixtures/proofs/snarkpack.json" with { type: "json" };
import { findingsOf } from "../../support/hostile.ts";
import { fixture, prng } from "./fixture.ts";
import { caseOf, type FixtureSector, sealAgain } from "./sectors.ts";

const proofs = await loadProofs();
const [info] = (await fixture<FixtureSector[]>("porep-2kib.json")) as [FixtureSector];
const one = caseOf(info);
const { identity, params } = one;
const { store, sealed } = await sealAgain(
  proofs,
  one,
  info.dataSeed,
  info.pieces.map((piece) => piece.unpadded),
);
const seed = fromHex(info.seed);
const entropy = prng(3, 32);
const randomness = prng(5, 32).with(31, 1) as Uint8Array;
const replica = { replicaId: sealed.replicaId, commR: sealed.commR };

const statement = { ...identity, commD: sealed.commD, commR: sealed.commR, seed };
const opened = await provePoRep(proofs, store, { identity, sealed, seed, partition: 0 });
const sectors = [{ sectorNumber: info.sectorNumber, commR: sealed.commR }];
const postOf = { params, kind: "window", randomness, sectors } as const;
const openedPost = await provePoSt(proofs, { ...postOf, sectors: sectors.map((sector) => ({ ...sector, store })) });
const next = new MemorySectorStore();
await stagePieces(proofs, next, params, [{ payloadSize: 2032, bytes: [prng(9, 2032)] }]);
const stores = { params, old: store, next };
const updated = await updateSector(proofs, { ...stores, commROld: sealed.commR });
const updateOf = { commROld: sealed.commR, commDNew: updated.commDNew, commRNew: updated.commRNew };
const openedUpdate = [
  await proveUpdate(proofs, { ...stores, commRNew: updated.commRNew, partition: 0 }),
  ...(await Promise.all(
    [1, 2, 3].map((partition) =>
      proveUpdate(proofs, { ...stores, commRNew: updated.commRNew, partition }).catch(() => null),
    ),
  )),
].filter((proof) => proof !== null);

const pieces = [1, 2, 3].map((i) => commitPiece(proofs, prng(i, 127 * i)));
const aggregate = aggregatePieces(proofs, 4096, pieces);
const commD = dataCommitment(proofs, 2048, pieces);
const piece = pieces[0]!;

type Row = readonly [
  name: string,
  args: readonly unknown[],
  call: (...args: readonly never[]) => unknown,
  free?: RegExp,
];
const isFalse = (answer: unknown): boolean => answer === false;
const notValid = (answer: unknown): boolean => answer !== "VALID";

/** Places where a replacement says the same: what a non-interactive proof would need, an order that is not looked at. */
const verifiers: readonly Row[] = [
  ["verifyPoRep", [statement, [opened], {}], (...[s, p, o]) => verifyPoRep(proofs, s!, p!, o)],
  [
    "verifyPoRepPartition",
    [statement, { index: 0, proof: opened }, {}],
    (...[s, p, o]) => verifyPoRepPartition(proofs, s!, p!, o),
  ],
  ["verifyPoSt", [postOf, openedPost], (...[s, p]) => verifyPoSt(proofs, s!, p!)],
  ["verifyUpdate", [params, updateOf, openedUpdate], (...[s, u, p]) => verifyUpdate(proofs, s!, u!, p!)],
  [
    "verifyInclusion",
    [commD, { commP: piece.commP, paddedSize: piece.paddedSize }, proveInclusion(proofs, 2048, pieces, 0)],
    (...[d, p, i]) => verifyInclusion(proofs, d!, p!, i!),
  ],
  [
    "verifySegment",
    [
      { paddedSize: 4096, commP: aggregate.commP, piece: { commP: piece.commP, paddedSize: piece.paddedSize } },
      proveSegment(proofs, aggregate, 0),
    ],
    (...[c, p]) => verifySegment(proofs, c!, p!),
  ],
  [
    "verifyPath",
    [proveInclusion(proofs, 2048, pieces, 0).path, { hash: "sha256", arities: [2, 2, 2, 2], index: 0 }],
    (...[p, c]) => verifyPath(proofs, p!, c!),
  ],
];

describe("verifiers say no", () => {
  for (const [name, args, call] of verifiers)
    test(name, async () => {
      expect(await call(...(args as never[]))).toBe(true);
      const { tried, findings } = await findingsOf(args, call, {
        refuses: isFalse,
        // An options argument may be left out or be any object that names no option; what is not looked at may be anything.
        free: /^\[2\] = (undefined|empty|sparse|list|object|date|no bytes|31|33|32|words|a buffer)|proof\.(number|sectorBytes) = /,
      });
      expect(findings).toEqual([]);
      expect(tried).toBeGreaterThan(100);
    });
  test("and so does each of them without a module", async () => {
    for (const module of [undefined, null, {}, { exports: {} }, "proofs"] as never[]) {
      expect(() =>
        verifyPath(module, openedPost[0]![0]!.paths[0]!, { hash: "poseidon", arities: [8, 8], index: 0 }),
      ).toThrow(/loadProofs/);
      expect(() => verifyPoSt(module, postOf, openedPost)).toThrow(/loadProofs/);
      expect(() => verifyUpdate(module, params, updateOf, openedUpdate)).toThrow(/loadProofs/);
      await expect(verifyPoRep(module, statement, [opened])).rejects.toThrow(/loadProofs/);
      expect(() => readVerifyingKey(module, new Uint8Array(9))).toThrow(/loadProofs/);
    }
  });
});

describe("SNARK verifiers give a verdict", () => {
  const keys = Object.fromEntries(
    Object.entries({ ...post.verifyingKeys, ...porep.verifyingKeys, ...update.verifyingKeys }).map(
      ([name, { hex }]) => [name, readVerifyingKey(proofs, fromHex(hex))],
    ),
  );
  const { g, gAlpha, gBeta, h, hAlpha, hBeta } = snarkpack.srs.verifier;
  const srs = fromHex(g + gAlpha + gBeta + h + hAlpha + hBeta);
  const sealOf = (sealCase: (typeof porep.cases)[number]) => ({
    proof: sealProof(sealCase.registeredSealProof),
    proverId: fromHex(sealCase.proverId),
    sectorNumber: sealCase.sectorNumber,
    ticket: fromHex(sealCase.ticket),
    seed: fromHex(sealCase.seed),
    commD: fromHex(sealCase.commD),
    commR: fromHex(sealCase.commR),
  });
  const [seal, window, snap, many] = [
    porep.cases[0]!,
    post.cases.find((x) => x.key !== "winning")!,
    update.cases[0]!,
    aggregatePorep.cases[0]!,
  ];
  const kind = window.apiVersion === "1.2.0" ? "window" : "window-legacy";
  const rows: readonly Row[] = [
    [
      "verifySealProof",
      [{ key: keys[seal.key], statement: sealOf(seal), proof: fromHex(seal.proof), entropy }],
      (...[c]) => verifySealProof(proofs, c!),
    ],
    [
      "verifyPoStProof",
      [
        {
          key: keys[window.key],
          params,
          kind,
          randomness: fromHex(window.randomness),
          sectors: window.sectors.map(({ sectorNumber, commR }) => ({ sectorNumber, commR: fromHex(commR) })),
          proof: fromHex(window.proof),
          entropy,
        },
      ],
      (...[c]) => verifyPoStProof(proofs, c!),
    ],
    [
      "verifyUpdateProof",
      [
        {
          key: keys[snap.key],
          params,
          statement: {
            commROld: fromHex(snap.commROld),
            commDNew: fromHex(snap.commDNew),
            commRNew: fromHex(snap.commRNew),
          },
          proof: fromHex(snap.proof),
          entropy,
        },
      ],
      (...[c]) => verifyUpdateProof(c!),
    ],
    [
      "verifySealAggregate",
      [
        {
          key: keys[many.key],
          statements: many.sealCases.map((name) => sealOf(porep.cases.find((x) => x.name === name)!)),
          aggregate: fromHex(many.aggregate),
          srs,
          version: many.version === 1 ? 1 : 2,
          entropy,
        },
      ],
      (...[c]) => verifySealAggregate(proofs, c!),
    ],
    [
      "verifyUpdateAggregate",
      [
        {
          key: keys[snap.key],
          params,
          statements: [{ ...updateOf }],
          aggregate: new Uint8Array(2260),
          srs,
          version: 2,
          entropy,
        },
      ],
      (...[c]) => verifyUpdateAggregate(proofs, c!),
    ],
  ];
  for (const [name, args, call] of rows)
    test(name, async () => {
      // Any 32 bytes are entropy, a key's insides are not the caller's, and what a statement does not use may be any.
      const free = /\.key\.|\.entropy = 32 bytes|proof\.(number|sectorBytes)|params\./;
      const { tried, findings } = await findingsOf(args, call, { refuses: notValid, free });
      expect(findings).toEqual([]);
      expect(tried).toBeGreaterThan(100);
    }, 60_000);
});

describe("everything else throws an error of ours, or answers", () => {
  const sealedPieces = pieces.map(({ commP, paddedSize }) => ({ commP, paddedSize }));
  const rows: readonly Row[] = [
    [
      "readVerifyingKey",
      [fromHex(porep.verifyingKeys[porep.cases[0]!.key as keyof typeof porep.verifyingKeys].hex), {}],
      (...[b, o]) => readVerifyingKey(proofs, b!, o).release(),
    ],
    ["porepInputs", [statement, {}], (...[s, o]) => porepInputs(proofs, s!, o)],
    ["postInputs", [postOf], (...[s]) => postInputs(proofs, s!)],
    ["updateInputs", [params, updateOf], (...[p, s]) => updateInputs(p!, s!)],
    [
      "porepAggregateInclude",
      [[{ seed, commR: sealed.commR }], true],
      (...[s, i]) => porepAggregateInclude(proofs, s!, i),
    ],
    ["updateAggregateInclude", [params, [updateOf]], (...[p, u]) => updateAggregateInclude(proofs, p!, u!)],
    [
      "porepChallenges",
      [params, { feature: "synthetic", ...replica, seed }, 0],
      (...[p, i, k]) => porepChallenges(proofs, p!, i!, k!),
    ],
    [
      "syntheticChallenges",
      [params, sealed.replicaId, sealed.commR],
      (...[p, i, r]) => syntheticChallenges(proofs, p!, i!, r!),
    ],
    [
      "winningSector",
      [{ proverId: identity.proverId, randomness, sectorCount: 5, n: 0 }],
      (...[d]) => winningSector(proofs, d!),
    ],
    ["leafChallenge", [{ params, randomness, sectorNumber: 1, index: 0 }], (...[d]) => leafChallenge(proofs, d!)],
    [
      "postChallenges",
      [{ params, kind: "window", randomness, sectorNumber: 1, place: 0 }],
      (...[d]) => postChallenges(proofs, d!),
    ],
    ["provedSectors", ["window", sectors], (...[k, s]) => provedSectors(k!, s!)],
    ["provePoSt", [{ ...postOf, sectors: [{ ...sectors[0]!, store }] }], (...[s]) => provePoSt(proofs, s!)],
    ["provePoRep", [{ identity, sealed, seed, partition: 0 }], (...[r]) => provePoRep(proofs, store, r!)],
    [
      "unsealRange",
      [{ identity, commD: sealed.commD, from: 10, length: 100 }],
      (...[r]) => unsealRange(proofs, store, r!),
    ],
    ["replicaIdOf", [identity, sealed.commD], (...[i, d]) => replicaIdOf(proofs, i!, d!)],
    [
      "updateSector",
      [{ params, commROld: sealed.commR, highBits: 1 }],
      (...[u]) => updateSector(proofs, { ...(u as unknown as object), old: store, next } as never),
    ],
    [
      "decodeUpdate",
      [{ params, ...updateOf, to: "decoded" }],
      (...[u]) => decodeUpdate(proofs, { ...(u as unknown as object), old: store, next } as never),
    ],
    [
      "proveUpdate",
      [{ params, commRNew: updated.commRNew, partition: 0 }],
      (...[u]) => proveUpdate(proofs, { ...(u as unknown as object), old: store, next } as never),
    ],
    [
      "stagePieces",
      [params, [{ payloadSize: 127, bytes: [new Uint8Array(127)] }]],
      (...[p, l]) => stagePieces(proofs, new MemorySectorStore(), p!, l!),
    ],
    ["commitPiece", [new Uint8Array(200)], (...[b]) => commitPiece(proofs, b!)],
    ["joinSlices", [[piece]], (...[s]) => joinSlices(proofs, s!)],
    ["zeroPieceCommitment", [2048], (...[s]) => zeroPieceCommitment(proofs, s!)],
    ["dataCommitment", [2048, sealedPieces], (...[s, p]) => dataCommitment(proofs, s!, p!)],
    ["fr32Pad", [new Uint8Array(127)], (...[b]) => fr32Pad(proofs, b!)],
    ["fr32Unpad", [new Uint8Array(128)], (...[b]) => fr32Unpad(proofs, b!)],
    ["placePieces", [2048, sealedPieces], (...[s, p]) => placePieces(s!, p!)],
    ["aggregateSize", [sealedPieces], (...[p]) => aggregateSize(p!)],
    ["aggregatePieces", [4096, sealedPieces], (...[s, p]) => aggregatePieces(proofs, s!, p!)],
    ["proveInclusion", [2048, sealedPieces, 0], (...[s, p, i]) => proveInclusion(proofs, s!, p!, i!)],
    ["proveInclusions", [2048, sealedPieces], (...[s, p]) => proveInclusions(proofs, s!, p!)],
    ["proveSegment", [aggregate, 0], (...[a, i]) => proveSegment(proofs, a!, i!)],
    ["pieceCidV1", [piece.commP], (...[c]) => pieceCidV1(c!)],
    ["pieceCidV2", [piece], (...[c]) => pieceCidV2(c!)],
    ["sealedCid", [sealed.commR], (...[c]) => sealedCid(c!)],
    [
      "pieceOfCidV2",
      [{ code: 0x55, multihash: { code: 0x1011, digest: new Uint8Array(34) } }],
      (...[c]) => pieceOfCidV2(c!),
    ],
    [
      "commitmentOfCidV1",
      [{ code: 0xf101, multihash: { code: 0x1012, digest: new Uint8Array(32) } }],
      (...[c]) => commitmentOfCidV1(c!),
    ],
    [
      "commitmentOfSealedCid",
      [{ code: 0xf102, multihash: { code: 0xb401, digest: new Uint8Array(32) } }],
      (...[c]) => commitmentOfSealedCid(c!),
    ],
    ["sealProof", [3], (...[n]) => sealProof(n!)],
    ["sectorParams", [2048], (...[n]) => sectorParams(n!)],
    ["porepId", [identity.proof], (...[p]) => porepId(p!)],
    ["proverId", [1000n], (...[n]) => proverId(n!)],
    ["poseidon", [[new Uint8Array(32), new Uint8Array(32)], 3n], (...[e, t]) => poseidon(proofs, e!, t!)],
    [
      "poseidonAny",
      [[new Uint8Array(32)], { strength: "standard", arity: 4, tag: 3n }],
      (...[e, o]) => poseidonAny(proofs, e!, o!),
    ],
  ];
  for (const [name, args, call] of rows)
    test(name, async () => {
      await call(...(args as never[]));
      const { tried, findings } = await findingsOf(args, call);
      expect(findings).toEqual([]);
      expect(tried).toBeGreaterThan(20);
    });
});
