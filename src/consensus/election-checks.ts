/** Checks of who made a block: key, eligibility, election, ticket, beacon entries, signature. */

import { isFilError } from "../base/errors.ts";
import { checkEntries, type EntryContext, type VerifyEntry } from "../beacon/rules.ts";
import { minTicket } from "../chain/randomness.ts";
import type { BeaconEntry, Tipset } from "../types/block-header.ts";
import { headerSigningBytes } from "../types/block-header.ts";
import { SIGNATURE_TYPE } from "../types/message.ts";
import { electionInput, ticketInput } from "./draws.ts";
import { blockError } from "./errors.ts";
import type { IncomingBlock } from "./header-checks.ts";
import { beaconOf } from "./header-checks.ts";
import type { Claim } from "./power.ts";
import { winCount } from "./win-count.ts";

/** Verifies BLS signatures: here, or in workers. `publicKey`: 48 bytes. */
export type VerifyBls = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean> | boolean;

const VRF_BYTES = 96;

/** `claim`, `total`: in the lookback state. */
export function checkWinCount({ header, cid }: IncomingBlock, claim: Claim | null, total: bigint): void {
  const wins = winCount(header.electionProof.vrfProof, claim?.qualityAdjusted ?? 0n, total);
  if (header.electionProof.winCount !== BigInt(wins))
    throw blockError("WIN_COUNT", cid, `the block claims ${header.electionProof.winCount} wins, its proof has ${wins}`);
}

export async function checkElectionProof(
  { header, cid }: IncomingBlock,
  worker: Uint8Array,
  previous: BeaconEntry,
  verify: VerifyBls,
): Promise<void> {
  const proof = header.electionProof.vrfProof;
  const input = electionInput({ beacon: beaconOf(header, previous), epoch: header.height, miner: header.miner });
  if (proof.length !== VRF_BYTES || !(await verify(worker, input, proof)))
    throw blockError("ELECTION_PROOF", cid, "the election proof is not the worker's for this epoch");
}

export async function checkTicket(
  { header, cid }: IncomingBlock,
  worker: Uint8Array,
  previous: BeaconEntry,
  parent: Tipset,
  networkVersion: number,
  verify: VerifyBls,
): Promise<void> {
  const draw = { beacon: beaconOf(header, previous), epoch: header.height, miner: header.miner };
  const input = ticketInput(draw, minTicket(parent), networkVersion);
  if (header.ticket.length !== VRF_BYTES || !(await verify(worker, input, header.ticket)))
    throw blockError("TICKET", cid, "the ticket is not the worker's for this epoch and parent");
}

export async function checkBlockSignature(
  { header, cid }: IncomingBlock,
  worker: Uint8Array,
  verify: VerifyBls,
): Promise<void> {
  const { type, data } = header.blockSig;
  const isRight =
    type === SIGNATURE_TYPE.bls &&
    data.length === VRF_BYTES &&
    (await verify(worker, headerSigningBytes(header), data));
  if (!isRight) throw blockError("BLOCK_SIGNATURE", cid, "the block is not signed by the worker");
}

export function checkBeacon({ header, cid }: IncomingBlock, context: EntryContext, verify: VerifyEntry): void {
  try {
    checkEntries(context, header.beaconEntries, verify);
  } catch (error) {
    if (!isFilError(error)) throw error;
    throw blockError("BEACON_ENTRY", cid, error.message, { cause: error });
  }
}
