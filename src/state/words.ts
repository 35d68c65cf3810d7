/** Methods and exit codes in words, for logs and people. */
import { actorOfCode } from "../params/actor-codes.ts";
import { existsIn } from "../schema/kit.ts";
import type { CID } from "../types/cid.ts";
import { undescribedMethod } from "./method-names.ts";
import { describeCode, FIRST_PUBLISHED } from "./state-view.ts";

/** Exit codes that the machine and all actors share. Source: go-state-types exitcode/reserved.go and common.go. */
const EXIT_CODES: Readonly<Record<number, string>> = {
  0: "ok",
  1: "the sender is no account",
  2: "the sender's nonce or funds do not fit",
  3: "the receiver has no such method",
  4: "an actor broke",
  5: "the receiver does not exist",
  6: "the sender has not the funds",
  7: "out of gas",
  8: "the caller may not",
  9: "an actor did what actors must not",
  10: "an actor gave the machine a bad argument",
  16: "bad argument",
  17: "not found",
  18: "forbidden",
  19: "not enough funds",
  20: "the actor's state does not allow it",
  21: "the parameters do not decode",
  22: "the method is not handled",
  23: "an assertion of the actor failed",
  24: "the actor may only be read here",
  25: "the actor is not payable",
};

/** "ok", "out of gas (7)", "exit code 33 of the actor". */
export function exitCodeText(code: number): string {
  const words = EXIT_CODES[code];
  if (code === 0) return words as string;
  return words === undefined ? `exit code ${code}${code > 31 ? " of the actor" : ""}` : `${words} (${code})`;
}

/** "Send", "storageminer.SubmitWindowedPoSt", "evm.InvokeContract", or "method 7"; `code` is the receiver's, null if it did not exist. */
export function methodText(code: CID | null, method: bigint): string {
  if (method === 0n) return "Send";
  const found = code === null ? null : describeCode(code);
  const described = found?.actor.methods.find(
    (one) => BigInt(one.number) === method && existsIn(one, found.actorsVersion),
  );
  if (found !== null && described !== undefined) return `${found.actor.name}.${described.name}`;
  const named = code === null ? null : actorOfCode(code);
  // The native actors export nothing.
  const isNative = named !== null && named.actorsVersion < FIRST_PUBLISHED;
  const name = isNative ? null : undescribedMethod(named?.name ?? null, method);
  if (name === null) return `method ${method}`;
  return named === null ? name : `${named.name}.${name}`;
}
