/**
 * What a producer's signatures are made over: draws from the beacon for a purpose, an epoch and a miner.
 * Source: lotus chain/consensus/filcns/filecoin.go, miner/miner.go; tags of go-state-types crypto/randomness.go.
 */
import { concat } from "../base/bytes.ts";
import { drawRandomness } from "../chain/randomness.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { Address } from "../types/address.ts";
import type { BeaconEntry } from "../types/block-header.ts";

/** Domain separation tags. */
export const DRAW_TAG = {
  ticket: 1,
  election: 2,
  winningPost: 3,
  windowPost: 4,
  seal: 5,
  sealChallenge: 6,
  commit: 9,
} as const;
/** Epochs that a ticket's draw looks back. Source: lotus build/buildconstants, TicketRandomnessLookback. */
const TICKET_LOOKBACK = 1;

export type Draw = {
  readonly beacon: BeaconEntry;
  readonly epoch: number;
  readonly miner: Address;
};

/** Entropy of a miner's draws: its ID address as CBOR, a short byte string. */
export function minerEntropy(miner: Address): Uint8Array {
  return concat(Uint8Array.of(0x40 | miner.bytes.length), miner.bytes);
}

/** Input of a ticket; `parentTicket`: the smallest one of the parent tipset. */
export function ticketInput(
  { beacon, epoch, miner }: Draw,
  parentTicket: Uint8Array,
  networkVersion: number,
): Uint8Array {
  const own = minerEntropy(miner);
  const entropy = chainRule("ticketsChain", networkVersion) ? concat(own, parentTicket) : own;
  return drawRandomness(beacon.data, DRAW_TAG.ticket, epoch - TICKET_LOOKBACK, entropy);
}

/** Input of an election proof. */
export function electionInput({ beacon, epoch, miner }: Draw): Uint8Array {
  return drawRandomness(beacon.data, DRAW_TAG.election, epoch, minerEntropy(miner));
}

/** Randomness of a winning PoSt, before the proof's own reduction to the field. */
export function winningPostRandomness({ beacon, epoch, miner }: Draw): Uint8Array {
  return drawRandomness(beacon.data, DRAW_TAG.winningPost, epoch, minerEntropy(miner));
}
