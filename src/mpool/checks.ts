/**
 * What would be said of messages before they are sent: one verdict a rule, for people who fill in a form.
 * Source: lotus chain/messagepool/check.go, api/types.go (CheckStatusCode) at b835fab702eb.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import type { Address, NetworkPrefix } from "../types/address.ts";
import type { CID } from "../types/cid.ts";
import { type Message, messageCid, messageLength, SIGNATURE_TYPE } from "../types/message.ts";
import { checkFields, requiredFunds } from "./rules.ts";

const CHECK = {
  serialize: 1,
  size: 2,
  validity: 3,
  minGas: 4,
  minBaseFee: 5,
  baseFee: 6,
  baseFeeLowerBound: 7,
  baseFeeUpperBound: 8,
  stateNonce: 9,
  nonce: 10,
  stateBalance: 11,
  balance: 12,
} as const;

export type Verdict = {
  readonly cid: CID;
  readonly code: number;
  readonly ok: boolean;
  /** Why not, or a warning. */
  readonly error: string;
  readonly hint: Readonly<Record<string, string | number>> | null;
};

/** What a sender has, and what its messages need. */
export type SenderAccount = { nextNonce: bigint; readonly balance: bigint; needed: bigint };

export type CheckContext = {
  readonly prefix: NetworkPrefix;
  readonly networkVersion: number;
  /** attoFIL per gas */
  readonly baseFee: bigint;
  /** The least gas of a message of some bytes that the pool takes. */
  readonly minGas: (bytes: number) => bigint;
  /** The sender's account, the same object each time; null if there is none. */
  readonly account: (from: Address) => Promise<SenderAccount | null>;
};

/** Room for a signature. */
const SIGNATURE_ROOM = 128;
/** The base fee may fall or rise by this factor within the next 20 epochs. */
const FEE_RANGE = 10n;

/** Verdicts on one message. `anyNonce`: its nonce is yet to be chosen. */
export async function checkMessage(message: Message, context: CheckContext, anyNonce: boolean): Promise<Verdict[]> {
  const cid = messageCid(message);
  const out: Verdict[] = [];
  const say = (code: number, ok: boolean, error: string, hint: Verdict["hint"] = null): boolean => {
    out.push({ cid, code, ok, error: ok && code !== CHECK.baseFeeUpperBound ? "" : error, hint });
    return ok;
  };
  const account = await context.account(message.from);
  const known = account !== null;
  if (!say(CHECK.stateNonce, known, "error retrieving state nonce: actor not found", nonceHint(account))) return out;
  const { balance } = account as SenderAccount;
  say(CHECK.stateBalance, true, "", { balance: balance.toString() });
  const size = messageLength(message);
  say(CHECK.serialize, true, "");
  say(CHECK.size, size <= CHAIN_LIMITS.maxMessageBytes - SIGNATURE_ROOM, "message too big");
  const invalid = violation(message, context);
  if (!say(CHECK.validity, invalid === null, `syntactically invalid message: ${invalid}`)) return out;
  const least = context.minGas(size);
  say(CHECK.minGas, message.gasLimit >= least, "GasLimit less than epoch minimum gas", { minGas: least.toString() });
  if (say(CHECK.minBaseFee, message.gasFeeCap >= CHAIN_LIMITS.minimumBaseFee, "GasFeeCap less than minimum base fee"))
    checkFee(message.gasFeeCap, context.baseFee, say);
  checkAccount(message, account as SenderAccount, anyNonce, say);
  return out;
}

type Say = (code: number, ok: boolean, error: string, hint?: Verdict["hint"]) => boolean;

function nonceHint(account: SenderAccount | null): Verdict["hint"] {
  return account === null ? null : { nonce: account.nextNonce.toString() };
}

/** The first rule that the message itself breaks; fees and gas have verdicts of their own. */
function violation(message: Message, { networkVersion, prefix }: CheckContext): string | null {
  const signature = { type: SIGNATURE_TYPE.bls, data: new Uint8Array(96) };
  const gasFeeCap =
    message.gasFeeCap >= 0n && message.gasFeeCap < CHAIN_LIMITS.minimumBaseFee
      ? CHAIN_LIMITS.minimumBaseFee
      : message.gasFeeCap;
  try {
    checkFields({ message: { ...message, gasFeeCap }, signature }, 0, 0n, networkVersion, prefix);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function checkFee(cap: bigint, baseFee: bigint, say: Say): void {
  const [low, high] = [baseFee / FEE_RANGE, baseFee * FEE_RANGE];
  const within = "for inclusion in next 20 epochs";
  say(CHECK.baseFee, cap >= baseFee, "GasFeeCap less than current base fee", { baseFee: baseFee.toString() });
  const hint = { baseFee: baseFee.toString(), baseFeeLowerBound: low.toString() };
  say(CHECK.baseFeeLowerBound, cap >= low, `GasFeeCap less than base fee lower bound ${within}`, hint);
  // A warning.
  const warning = cap < high ? `GasFeeCap less than base fee upper bound ${within}` : "";
  say(CHECK.baseFeeUpperBound, true, warning, { baseFee: baseFee.toString(), baseFeeUpperBound: high.toString() });
}

function checkAccount(message: Message, account: SenderAccount, anyNonce: boolean, say: Say): void {
  const { nextNonce } = account;
  const fits = anyNonce || message.nonce === nextNonce;
  const hint = { nextNonce: nextNonce.toString() };
  if (say(CHECK.nonce, fits, `message nonce doesn't match next nonce (${nextNonce})`, hint)) account.nextNonce++;
  account.needed += requiredFunds(message) + message.value;
  const enough = account.balance >= account.needed;
  say(CHECK.balance, enough, "insufficient balance", { requiredFunds: account.needed.toString() });
}
