/**
 * When a message may wait for a block: the checks that need no chain state, and those that need the sender's.
 * Source: lotus chain/types/message.go (ValidForBlockInclusion), chain/messagepool.
 */
import { FilError } from "../base/errors.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { encodeSignedMessage, type Message, type SignedMessage } from "../types/message.ts";

export type PoolErrorData = {
  readonly code:
    | "TOO_LARGE"
    | "BAD_FIELD"
    | "BAD_SIGNATURE"
    | "GAS_LIMIT"
    | "FEE_TOO_LOW"
    | "NONCE_TOO_LOW"
    | "NONCE_GAP"
    | "REPLACE_FEE_TOO_LOW"
    | "ALREADY_PENDING"
    | "TOO_MANY_PENDING"
    | "POOL_FULL"
    | "INSUFFICIENT_FUNDS"
    | "UNKNOWN_SENDER";
};
export class PoolError extends FilError<PoolErrorData> {}

export const POOL_LIMITS = {
  /** messages of one sender that may wait */
  pendingPerSender: 1000,
  /** nonces that may be skipped */
  nonceGap: 4n,
  /** messages of all senders */
  pendingTotal: 30_000,
  /** a replacement pays at least 1.25 times the premium, plus one: numerator over 256 */
  replaceNumerator: 64n,
  replaceDenominator: 256n,
} as const;

function refuse(code: PoolErrorData["code"], why: string): never {
  throw new PoolError({ code }, why);
}

/** Checks everything that can be seen in the message itself. `minGas`: gas for storing it on chain. */
export function checkFields(signed: SignedMessage, minGas: bigint): void {
  const m = signed.message;
  const size = encodeSignedMessage(signed).length;
  if (size > CHAIN_LIMITS.maxMessageBytes)
    refuse("TOO_LARGE", `message of ${size} bytes, over ${CHAIN_LIMITS.maxMessageBytes}`);
  if (m.value < 0n) refuse("BAD_FIELD", "Value must not be negative");
  if (m.value > CHAIN_LIMITS.totalFilecoin) refuse("BAD_FIELD", "Value exceeds the total supply of FIL");
  if (m.gasFeeCap < 0n) refuse("BAD_FIELD", "GasFeeCap must not be negative");
  if (m.gasPremium < 0n) refuse("BAD_FIELD", "GasPremium must not be negative");
  if (m.gasPremium > m.gasFeeCap) refuse("BAD_FIELD", "GasFeeCap is less than GasPremium");
  if (m.gasLimit > CHAIN_LIMITS.blockGasLimit) refuse("GAS_LIMIT", "GasLimit exceeds what a block may hold");
  if (m.gasLimit < minGas)
    refuse("GAS_LIMIT", `GasLimit ${m.gasLimit} is less than the ${minGas} that storing the message costs`);
  if (m.gasFeeCap < CHAIN_LIMITS.minimumBaseFee)
    refuse("FEE_TOO_LOW", `GasFeeCap ${m.gasFeeCap} is below the lowest base fee, ${CHAIN_LIMITS.minimumBaseFee}`);
}

/** attoFIL that the sender must hold for a message. */
export function requiredFunds(m: Message): bigint {
  return m.gasFeeCap * m.gasLimit + m.value;
}

/** Least premium with which a message of the same nonce is replaced. */
export function replacementPremium(premium: bigint): bigint {
  return premium + (premium * POOL_LIMITS.replaceNumerator) / POOL_LIMITS.replaceDenominator + 1n;
}
