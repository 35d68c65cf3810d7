/** What a writer writes, the reader of the same thing takes; what the reader would refuse, the writer refuses first. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACTORS } from "../../../src/schema/index.ts";
import type { FieldType } from "../../../src/schema/kit.ts";
import { Address } from "../../../src/types/address.ts";
import { bigToBytes, bytesToBig, formatFil, parseFil } from "../../../src/types/amount.ts";
import { decodeRuns, encodeRuns } from "../../../src/types/bitfield.ts";
import { decodeHeader, encodeHeader } from "../../../src/types/block-header.ts";
import { cidOfBlock, parseCid } from "../../../src/types/cid.ts";
import {
  decodeMessage,
  decodeSignature,
  decodeSignedMessage,
  encodeMessage,
  encodeSignature,
  encodeSignedMessage,
  messageFromJson,
  messageToJson,
} from "../../../src/types/message.ts";
import { type CodecContext, cborToJson, findType, type Json, jsonToCbor } from "../../../src/types/schema-codec.ts";
import { outcomeOf, replacedEverywhere } from "../../support/hostile.ts";

const message = {
  to: Address.id(5),
  from: Address.id(7),
  nonce: 3n,
  value: 10n ** 20n,
  gasLimit: 1000n,
  gasFeeCap: 200n,
  gasPremium: -1n,
  method: 2n,
  params: Uint8Array.of(1, 2),
};
const signature = { type: 2, data: new Uint8Array(96) };
const root = cidOfBlock(Uint8Array.of(0x80));
const header = {
  miner: Address.id(1000),
  ticket: new Uint8Array(96),
  electionProof: { winCount: 1n, vrfProof: new Uint8Array(96) },
  beaconEntries: [{ round: 5n, data: new Uint8Array(96) }],
  winPoStProof: [{ postProof: 3n, proofBytes: new Uint8Array(192) }],
  parents: [root],
  parentWeight: 77n,
  height: 9,
  parentStateRoot: root,
  parentMessageReceipts: root,
  messages: root,
  blsAggregate: signature,
  timestamp: 1598306400n,
  blockSig: signature,
  forkSignaling: 0n,
  parentBaseFee: 100n,
};

/** Every replaced copy either cannot be written, with an error of ours, or is read again and written the same. */
async function holds<T>(value: T, write: (value: T) => Uint8Array, read: (bytes: Uint8Array) => T): Promise<number> {
  let refused = 0;
  for (const [path, changed] of replacedEverywhere(value)) {
    const { answer, finding } = await outcomeOf(() => write(changed as T));
    expect(finding, path).toBeUndefined();
    if (answer === undefined) refused++;
    else expect(write(read(answer as Uint8Array)), path).toEqual(answer);
  }
  return refused;
}

describe("writers refuse what readers refuse", () => {
  test("messages, signed messages, signatures and headers, each field replaced by anything", async () => {
    expect(await holds(message, encodeMessage, decodeMessage)).toBeGreaterThan(150);
    expect(await holds({ message, signature }, encodeSignedMessage, decodeSignedMessage)).toBeGreaterThan(200);
    expect(await holds(signature, encodeSignature, decodeSignature)).toBeGreaterThan(50);
    expect(await holds(header, encodeHeader, decodeHeader)).toBeGreaterThan(400);
  });

  test("numbers at their borders", () => {
    for (const field of ["nonce", "method"] as const)
      for (const value of [-1n, 1n << 64n])
        expect(() => encodeMessage({ ...message, [field]: value })).toThrow(/64-bit/);
    for (const value of [-(1n << 63n) - 1n, 1n << 63n])
      expect(() => encodeMessage({ ...message, gasLimit: value })).toThrow(/64-bit/);
    expect(decodeMessage(encodeMessage({ ...message, nonce: (1n << 64n) - 1n })).nonce).toBe((1n << 64n) - 1n);
    expect(() => encodeHeader({ ...header, height: 2 ** 53 })).toThrow(/Height/);
    expect(() => encodeSignature({ type: 4, data: new Uint8Array(65) })).toThrow(/type 4/);
    expect(() => encodeSignature({ type: 1, data: new Uint8Array(200) })).toThrow(/201 bytes/);
  });

  test("amounts: 127 bytes of magnitude and no more, in every place that has one", () => {
    const most = (1n << 1016n) - 1n;
    for (const value of [most, -most, 0n, 1n]) expect(bytesToBig(bigToBytes(value))).toBe(value);
    for (const value of [most + 1n, -most - 1n, 1n << 2000n]) {
      expect(() => bigToBytes(value)).toThrow(/128 bytes/);
      for (const field of ["value", "gasFeeCap", "gasPremium"] as const)
        expect(() => encodeMessage({ ...message, [field]: value })).toThrow(/128 bytes/);
      expect(() => encodeHeader({ ...header, parentWeight: value })).toThrow(/128 bytes/);
    }
    fc.assert(
      fc.property(fc.bigInt({ min: -most, max: most }), (value) => {
        expect(bytesToBig(bigToBytes(value))).toBe(value);
        if (formatFil(value).length < 300) expect(parseFil(formatFil(value))).toBe(value);
      }),
    );
  });

  test("bitfields: fewer than 2^64 bits, at most 32 KiB, no empty runs", () => {
    const whole = (1n << 64n) - 1n;
    expect(decodeRuns(encodeRuns([0n, whole]))).toEqual([0n, whole]);
    for (const runs of [
      [0n, whole + 1n],
      [1n, whole],
      [1n << 63n, 1n << 63n],
      [5n, 1n, 0n, 1n],
      [5n, -1n],
    ])
      expect(() => encodeRuns(runs)).toThrow(/bitfield/);
    expect(() => encodeRuns(Array.from({ length: 60_000 }, () => 1000n))).toThrow(/bytes/);
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -1n, max: 1n << 65n }), { maxLength: 9 }), (runs) => {
        let written: Uint8Array;
        try {
          written = encodeRuns(runs);
        } catch {
          return;
        }
        expect(encodeRuns(decodeRuns(written))).toEqual(written);
      }),
      { numRuns: 2000 },
    );
  });
});

/** JSON of a type's smallest value. */
function sampleOf(type: FieldType, context: CodecContext, depth = 0): Json {
  switch (type.kind) {
    case "u64":
    case "i64":
      return 5;
    case "bool":
      return true;
    case "text":
    case "label":
      return "text";
    case "bytes":
      return "AQI=";
    case "address":
      return "f05";
    case "big":
      return "77";
    case "cid":
    case "link":
      return { "/": root.toString() };
    case "bitfield":
      return [5, 2];
    case "raw":
      return { "@cbor": "gA==" };
    case "signature":
      return { Type: 2, Data: "AQI=" };
    case "optional":
      return depth > 6 ? null : sampleOf(type.of, context, depth + 1);
    case "list":
      return depth > 6 ? [] : [sampleOf(type.of, context, depth + 1)];
    case "ref": {
      const found = findType(context.module, type.name);
      const inner = { ...context, module: found.module };
      const { fields, transparent } = found.type;
      if (transparent === true) return sampleOf(fields[0]!.type, inner, depth + 1);
      return Object.fromEntries(fields.map((field) => [field.name, sampleOf(field.type, inner, depth + 1)]));
    }
  }
}

describe("described types", () => {
  test("every parameter and state of every actor: JSON of anything is refused with a path, or read again", async () => {
    let refused = 0;
    for (const { module, methods, state } of ACTORS) {
      const context: CodecContext = { module, actorsVersion: 2, prefix: "f" };
      const types = [{ kind: "ref", name: state } as const, ...methods.flatMap(({ params }) => params ?? [])];
      for (const type of types) {
        const sample = sampleOf(type, context);
        for (const [path, changed] of replacedEverywhere(sample)) {
          const { answer, finding } = await outcomeOf(() => jsonToCbor(type, changed as Json, context));
          expect(finding, `${state}${path}`).toBeUndefined();
          if (answer === undefined) refused++;
          else {
            const json = cborToJson(type, answer as Uint8Array, context);
            expect(jsonToCbor(type, json, context), `${state}${path}`).toEqual(answer);
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  test("and CBOR of anything is refused or shown", async () => {
    for (const { module, state } of ACTORS) {
      const context: CodecContext = { module, actorsVersion: 2, prefix: "f" };
      const type = { kind: "ref", name: state } as const;
      const good = jsonToCbor(type, sampleOf(type, context), context);
      for (let at = 0; at < good.length; at++)
        for (const byte of [0x00, 0x1b, 0x40, 0x5f, 0x80, 0x9f, 0xa0, 0xd8, 0xf4, 0xf6, 0xf9, 0xff]) {
          const { finding } = await outcomeOf(() => cborToJson(type, good.with(at, byte), context));
          expect(finding, `${state} byte ${at} = ${byte}`).toBeUndefined();
        }
    }
  });
});

describe("texts and parsers", () => {
  const rows: readonly (readonly [string, unknown, (value: never) => unknown])[] = [
    ["Address.parse", "f05", (value) => Address.parse(value)],
    ["Address.fromBytes", Uint8Array.of(0, 5), (value) => Address.fromBytes(value)],
    ["Address.id", 5, (value) => Address.id(value)],
    ["Address.bls", new Uint8Array(48), (value) => Address.bls(value)],
    ["Address.secp256k1", new Uint8Array(65), (value) => Address.secp256k1(value)],
    ["Address.actor", new Uint8Array(5), (value) => Address.actor(value)],
    ["Address.fromEthereum", new Uint8Array(20), (value) => Address.fromEthereum(value)],
    ["namespace of Address.delegated", 10, (value) => Address.delegated(value, new Uint8Array(20))],
    ["subaddress of Address.delegated", new Uint8Array(20), (value) => Address.delegated(10, value)],
    ["parseFil", "1.5", (value) => parseFil(value)],
    ["bytesToBig", Uint8Array.of(0, 1), (value) => bytesToBig(value)],
    ["decodeRuns", Uint8Array.of(0x0c), (value) => decodeRuns(value)],
    ["parseCid", root.toString(), (value) => parseCid(value)],
    ["decodeMessage", encodeMessage(message), (value) => decodeMessage(value)],
    ["decodeSignedMessage", encodeSignedMessage({ message, signature }), (value) => decodeSignedMessage(value)],
    ["decodeHeader", encodeHeader(header), (value) => decodeHeader(value)],
    ["messageFromJson", messageToJson(message, "f"), (value) => messageFromJson(value)],
  ];
  test.each(rows)("%s: anything else is refused with an error of ours", async (name, good, parse) => {
    parse(good as never);
    for (const [path, changed] of replacedEverywhere(good)) {
      const { finding } = await outcomeOf(() => parse(changed as never));
      expect(finding, `${name}${path}`).toBeUndefined();
    }
  });
});
