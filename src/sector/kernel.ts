/** Small hashes and number codings over the proof module, which sealing and proving share. */
import { describeValue } from "../base/errors.ts";
import { PoseidonError } from "../core/poseidon.ts";
import type { Proofs } from "../core/proofs.ts";
import { SectorError } from "./params.ts";

/** Bytes of a BLAKE2b stream's context. */
const BLAKE2B_CONTEXT = 208;

/** SHA-256 of the joined parts. */
export function sha256Of(proofs: Proofs, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return proofs.with(length + 32, (at) => {
    let to = at;
    for (const part of parts) {
      proofs.instance.write(to, part);
      to += part.length;
    }
    proofs.exports.sha256(at, length, at);
    return proofs.instance.read(at, 32);
  });
}

/** BLAKE2b-256 of `length` bytes in the module's memory. */
export function blake2b256At(proofs: Proofs, from: number, length: number): Uint8Array {
  return proofs.with(BLAKE2B_CONTEXT + 32, (context) => {
    proofs.exports.blake2bInit(context, 32);
    proofs.exports.blake2bUpdate(context, from, length);
    proofs.exports.blake2bFinal(context, context + BLAKE2B_CONTEXT);
    return proofs.instance.read(context + BLAKE2B_CONTEXT, 32);
  });
}

/** BLAKE2b-256 of the joined parts under `key` (at most 64 bytes). */
export function keyedBlake2b256(proofs: Proofs, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const longest = Math.max(64, ...parts.map((part) => part.length));
  return proofs.with(BLAKE2B_CONTEXT + longest, (context) => {
    const input = context + BLAKE2B_CONTEXT;
    proofs.instance.write(input, key);
    proofs.exports.blake2bInitKeyed(context, 32, input, key.length);
    for (const part of parts) {
      proofs.instance.write(input, part);
      proofs.exports.blake2bUpdate(context, input, part.length);
    }
    proofs.exports.blake2bFinal(context, input);
    return proofs.instance.read(input, 32);
  });
}

/** Clears the two top bits, which makes any 32 bytes a field element. */
export function toElement(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  out[31] = (out[31] as number) & 0x3f;
  return out;
}

/** A sector number or index. Throws `OUT_OF_RANGE` unless it is a whole number of 64 bits. */
export function u64Of(value: number | bigint): bigint {
  const exact =
    typeof value === "bigint" ? value >= 0n && value < 1n << 64n : Number.isSafeInteger(value) && value >= 0;
  if (!exact)
    throw new SectorError(
      {
        code: "OUT_OF_RANGE",
        what: "number",
        value: typeof value === "bigint" || typeof value === "number" ? Number(value) : Number.NaN,
      },
      `${describeValue(value)} is no unsigned 64-bit number`,
    );
  return BigInt(value);
}

/** Its 8 bytes. Throws as `u64Of`. */
export function u64Bytes(value: number | bigint, littleEndian: boolean): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, u64Of(value), littleEndian);
  return out;
}

export function u32BytesLE(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

/** Little-endian number of bytes. */
export function numberLE(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

/** How two or more child nodes make their parent. */
export type NodeHash = "sha256" | "poseidon";

/** The parent of the nodes in `children`, 32 bytes each. Throws `BAD_ELEMENT` if Poseidon is given no elements. */
export function parentNode(proofs: Proofs, hash: NodeHash, children: Uint8Array): Uint8Array {
  return proofs.with(32 * 11, (at) => {
    proofs.instance.write(at, children);
    if (hash === "sha256") proofs.exports.hashNode(at, at);
    else if (proofs.exports.poseidon(children.length / 32, at, at) === 0)
      throw new PoseidonError({ code: "BAD_ELEMENT" }, "a node is not below the modulus");
    return proofs.instance.read(at, 32);
  });
}
