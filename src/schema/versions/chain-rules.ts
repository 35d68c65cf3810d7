/**
 * Rules of the chain around the machine (messages, blocks, fees, randomness) that came, or went, with a network version.
 * Only the host reads them: `chainRule("delegatedAddresses", version)`.
 *
 * Sources: lotus at b835fab702eb chain/types/message.go, chain/consensus/signatures.go, chain/consensus/common.go,
 * chain/store/basefee.go, chain/rand/rand.go, chain/beacon/drand/drand.go, chain/stmgr/actors.go; go-state-types
 * abi/address.go; FIP-0048 (delegated addresses), FIP-0052 (longer lives), FIP-0061 (second window PoSt).
 */
import { holds, type Rule } from "./rules.ts";

export const CHAIN_RULES = {
  // ---- base fee
  baseFeePacksBlocks: { until: 1, doc: "A tipset's use of gas is scaled by the expected share of distinct messages." },
  baseFeeFromPremiums: {
    since: 28,
    doc: "The base fee follows the premiums of a tipset's messages, not its use of gas.",
  },

  // ---- messages in a block
  refusesZeroReceiver: { since: 7, doc: "No message goes to the BLS address of the point at infinity." },
  delegatedAddresses: { since: 18, doc: "Senders and receivers may be delegated addresses (protocol 4)." },
  resolvesSenderIds: { since: 13, doc: "Messages of one sender are counted together under its ID address." },
  checksSignatureTypes: {
    since: 14,
    doc: "The list of signed messages holds the signature types of the version only.",
  },
  delegatedSignatures: { since: 18, doc: "Messages may be signed as Ethereum transactions (signature type 3)." },
  legacyEthTransactions: { since: 23, doc: "Besides EIP-1559, legacy and EIP-155 transactions may be signed." },
  ethAccountsSend: { since: 18, doc: "Ethereum accounts send messages, and placeholders their first one." },

  // ---- elections
  ticketsChain: { since: 2, doc: "A ticket is drawn over the beacon and the ticket of the parent tipset." },
  electionLooksBackFinality: {
    since: 4,
    doc: "Power and worker key of an election are those of 900 epochs before; earlier, 10.",
  },
  electionChecksEligibility: { since: 4, doc: "A miner in debt, or under a consensus fault, cannot win." },
  winningPostOfActive: { since: 7, doc: "A winning PoSt challenges active sectors; before, all that are not faulty." },

  // ---- randomness
  nullRoundsLookForward: {
    since: 13,
    doc: "Randomness at a null round comes from the next tipset; before, from the last.",
  },
  beaconByRound: {
    since: 14,
    doc: "Beacon randomness is the entry of the epoch's own round, not the latest of a tipset.",
  },
  beaconRoundsFromOne: {
    since: 16,
    doc: "The round of an epoch counts from one at the beacon's genesis; before, from zero.",
  },

  // ---- sectors and deals
  longerLives: { since: 21, doc: "Sectors and deals may be promised for 1278 days; before, for 540." },

  // ---- proofs
  windowPostFirst: { until: 19, doc: "Window PoSt of the first version (types 5 to 9) is taken." },
  windowPostSecond: { since: 19, doc: "Window PoSt of the second version (types 10 to 14) is taken." },
} as const satisfies Readonly<Record<string, Rule>>;

export type ChainRuleName = keyof typeof CHAIN_RULES;

/** Whether a rule of the chain holds under a network version. */
export function chainRule(name: ChainRuleName, version: number): boolean {
  return holds(CHAIN_RULES[name], version);
}

/** Address protocols that messages may use: 0 ID, 1 secp256k1, 2 actor, 3 BLS, 4 delegated. */
export function addressProtocols(version: number): readonly number[] {
  return chainRule("delegatedAddresses", version) ? [0, 1, 2, 3, 4] : [0, 1, 2, 3];
}

/** Signature types that messages may use: 1 secp256k1, 2 BLS, 3 delegated. */
export function signatureTypes(version: number): readonly number[] {
  return chainRule("delegatedSignatures", version) ? [1, 2, 3] : [1, 2];
}
