/**
 * Numbers of exported methods, from network version 18 on: digits that the method's name gives.
 *
 * The number is the first four-byte big-endian group of blake2b-512("1|" + name) that is 2^24 or more; smaller numbers
 * are left to methods that are numbered by hand. Source: FRC-0042.
 */
import { utf8 } from "../base/bytes.ts";
import { blake2b } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";

export type MethodNameErrorData = { readonly code: "BAD_METHOD_NAME"; readonly name: string };
export class MethodNameError extends FilError<MethodNameErrorData> {}

/** Lowest number that a name may give. */
const FIRST = 1 << 24;
const CONSTRUCTOR = 1n;

/** Number of the method called `name`. Throws `MethodNameError` unless it is letters, digits and _, a capital first. */
export function methodNumber(name: string): bigint {
  if (name === "Constructor") return CONSTRUCTOR;
  const bad = (why: string): never => {
    throw new MethodNameError({ code: "BAD_METHOD_NAME", name }, `${JSON.stringify(name)} ${why}`);
  };
  if (!/^[A-Z_][A-Za-z0-9_]*$/.test(name)) return bad("is not the name of a method");
  const digest = blake2b(utf8(`1|${name}`), 64);
  const view = new DataView(digest.buffer, digest.byteOffset);
  for (let at = 0; at < digest.length; at += 4) if (view.getUint32(at) >= FIRST) return BigInt(view.getUint32(at));
  return bad("gives no number");
}
