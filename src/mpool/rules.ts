/**
 * When a message may wait for a block: the checks that need no chain state, and the limits of the pool.
 * Sources: lotus chain/types/message.go (ValidForBlockInclusion), chain/messagepool/messagepool.go;
 * go-state-types abi/address.go.
 */
import { FilError } from "../base/errors.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { type Address, type NetworkPrefix, PROTOCOL } from "../types/address.ts";
import { type Message, SIGNATURE_TYPE, type SignedMessage } from "../types/message.ts";

export type PoolErrorData = {
  readonly code:
    | "TOO_LARGE"
    | "BAD_FIELD"
    | "BAD_ADDRESS"
    | "BAD_SIGNATURE"
    | "GAS_LIMIT"
    | "FEE_TOO_LOW"
    | "FEE_BELOW_BASE_FEE"
    | "NONCE_TOO_LOW"
    | "NONCE_GAP"
    | "REPLACE_FEE_TOO_LOW"
    | "ALREADY_PENDING"
    | "TOO_MANY_PENDING"
    | "POOL_FULL"
    | "INSUFFICIENT_FUNDS"
    | "UNKNOWN_SENDER"
    | "NOT_KEPT"
    | "BAD_CONFIG";
};
export class PoolError extends FilError<PoolErrorData> {}

export const POOL_LIMITS = {
  /** messages of one sender that may wait */
  pendingPerSender: 1000,
  /** the same for messages that come from somebody who is not trusted */
  pendingPerUntrusted: 100,
  /** nonces that a message from the network may skip */
  nonceGap: 4n,
  /** messages of all senders */
  pendingTotal: 30_000,
  /** bytes of all signed messages that wait */
  pendingBytes: 64 << 20,
  /** per cent of the old premium that a replacement pays at least, plus one attoFIL */
  replacePercent: 110n,
  /** a message from the network pays at least the base fee divided by this */
  baseFeeFloor: 100n,
} as const;

/** First network version with protocol-4 addresses and delegated signatures (FIP-0048), and with the next rule. */
const DELEGATED_FROM = 18;
/** First network version that refuses the BLS zero address as receiver. */
const NO_ZERO_ADDRESS_FROM = 7;

export function refuse(code: PoolErrorData["code"], why: string): never {
  throw new PoolError({ code }, why);
}

/** The BLS key of all zeros and a sign: the point at infinity, which has no secret. */
function isZeroAddress({ protocol, bytes }: Address): boolean {
  return protocol === PROTOCOL.bls && bytes[1] === 0xc0 && bytes.subarray(2).every((byte) => byte === 0);
}

function checkAddress(name: string, address: Address, networkVersion: number, prefix: NetworkPrefix): void {
  if (address.protocol === PROTOCOL.delegated && networkVersion < DELEGATED_FROM)
    refuse(
      "BAD_ADDRESS",
      `'${name}' address protocol unsupported for network version: ${address.toString(prefix)} needs ${DELEGATED_FROM}, this is ${networkVersion}`,
    );
}

/** Bytes of the signature of an EIP-1559 transaction; those of earlier kinds have more. */
const EIP_1559_SIGNATURE = 65;

function isLegacyTransaction({ signature: { type, data } }: SignedMessage): boolean {
  return type === SIGNATURE_TYPE.delegated && data.length !== EIP_1559_SIGNATURE;
}

/**
 * Checks everything that can be seen in the message itself. `size`: bytes of the signed message; `minGas`: gas for storing
 * it on chain; `prefix`: of addresses in the error's text. Throws `PoolError`.
 */
export function checkFields(
  signed: SignedMessage,
  size: number,
  minGas: bigint,
  networkVersion: number,
  prefix: NetworkPrefix,
): void {
  const m = signed.message;
  if (size > CHAIN_LIMITS.maxMessageBytes)
    refuse("TOO_LARGE", `message of ${size} bytes, over ${CHAIN_LIMITS.maxMessageBytes}`);
  checkAddress("To", m.to, networkVersion, prefix);
  checkAddress("From", m.from, networkVersion, prefix);
  if (isZeroAddress(m.to) && networkVersion >= NO_ZERO_ADDRESS_FROM) refuse("BAD_ADDRESS", "invalid 'To' address");
  if (signed.signature.type === SIGNATURE_TYPE.delegated && networkVersion < DELEGATED_FROM)
    refuse("BAD_SIGNATURE", `delegated signatures are for network version ${DELEGATED_FROM} and later`);
  if (isLegacyTransaction(signed) && !chainRule("legacyEthTransactions", networkVersion))
    refuse("BAD_SIGNATURE", "Ethereum transactions but those of EIP-1559 are for network version 23 and later");
  if (m.value < 0n) refuse("BAD_FIELD", "Value must not be negative");
  if (m.value > CHAIN_LIMITS.totalFilecoin) refuse("BAD_FIELD", "Value exceeds the total supply of FIL");
  if (m.gasFeeCap < 0n) refuse("BAD_FIELD", "GasFeeCap must not be negative");
  if (m.gasPremium < 0n) refuse("BAD_FIELD", "GasPremium must not be negative");
  if (m.gasPremium > m.gasFeeCap) refuse("BAD_FIELD", "GasFeeCap is less than GasPremium");
  if (m.gasLimit > CHAIN_LIMITS.blockGasLimit) refuse("GAS_LIMIT", "GasLimit exceeds what a block may hold");
  if (m.gasLimit <= 0n) refuse("GAS_LIMIT", "GasLimit must be positive");
  if (m.gasLimit < minGas)
    refuse("GAS_LIMIT", `GasLimit ${m.gasLimit} is less than the ${minGas} that storing the message costs`);
  if (m.gasFeeCap < CHAIN_LIMITS.minimumBaseFee)
    refuse(
      "FEE_TOO_LOW",
      `GasFeeCap ${m.gasFeeCap} is below the lowest base fee, ${CHAIN_LIMITS.minimumBaseFee} attoFIL per gas`,
    );
}

/** attoFIL that the sender must hold for the gas of a message. What it sends is looked at when it is executed. */
export function requiredFunds(m: Message): bigint {
  return m.gasFeeCap * m.gasLimit;
}

/** Least premium with which a message of the same nonce is replaced. */
export function replacementPremium(premium: bigint, percent: bigint = POOL_LIMITS.replacePercent): bigint {
  return (premium * percent) / 100n + 1n;
}

/** Why a message cannot be mined at this base fee; null if it can. */
export function waitsFor({ gasFeeCap }: Message, baseFee: bigint): string | null {
  return gasFeeCap < baseFee
    ? `its GasFeeCap of ${gasFeeCap} is below the base fee of ${baseFee} attoFIL: it waits until the base fee falls, or it is replaced`
    : null;
}
