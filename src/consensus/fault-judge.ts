/**
 * Whether two headers prove a fault of their miner, as the FVM's miner actor asks when somebody reports one. Blocks need not be valid, but
 * signed by the worker key that the lookback of their epochs has.
 * Source: lotus at b835fab702eb chain/vm/fvm.go (VerifyConsensusFault, workerKeyAtLookback).
 */
import { isFilError } from "../base/errors.ts";
import type { Crypto } from "../core/crypto.ts";
import type { ProvenFault } from "../core/fvm.ts";
import { StateError } from "../state/state-view.ts";
import { LOOKBACK } from "../stmgr/lookback.ts";
import type { JudgeFault, StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, decodeHeader, headerCid, headerSigningBytes, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { SIGNATURE_TYPE } from "../types/message.ts";
import { SchemaError } from "../types/schema-codec.ts";
import { BLOCK_LIMITS } from "./limits.ts";
import { minerStanding } from "./power.ts";

/** Numbers of the kinds. Source: ref-fvm at ef0a99370839 shared/src/consensus.rs. */
const KIND = { doubleFork: 1, parentGrinding: 2, timeOffset: 3 } as const;

/** For executions on the chain that ends with a tipset; null where the headers prove nothing. */
export function faultJudge(crypto: Pick<Crypto, "blsVerify">): JudgeFault {
  return async (states, tipset, { first, second, extra }) => {
    const [a, b] = [headerOf(first), headerOf(second)];
    const witness = extra.length === 0 ? null : headerOf(extra);
    if (a === null || b === null || (extra.length > 0 && witness === null)) return null;
    if (headerCid(a).equals(headerCid(b)) || !a.miner.equals(b.miner) || b.height < a.height) return null;
    const kind = kindOf(a, b, witness);
    const miner = a.miner.actorId;
    if (kind === null || miner === null) return null;
    for (const header of [a, b]) {
      const worker = await workerOf(states, tipset, header);
      if (worker === null || !isSigned(crypto, header, worker)) return null;
    }
    return { kind, epoch: b.height, miner };
  };
}

/**
 * The worker of a header's miner; null where the chain has none. Whoever reports chooses the header, so nothing about it may be thrown:
 * it would end the execution of the whole tipset. A state that is not here is thrown, as it says nothing of the header.
 */
async function workerOf(states: StateManager, tipset: Tipset, { height, miner }: BlockHeader): Promise<Address | null> {
  const age = tipset.height - height;
  if (age > BLOCK_LIMITS.finality || age <= -LOOKBACK) return null;
  const { stateRoot } = await states.lookback(tipset, height);
  const view = await states.stateAt(stateRoot);
  try {
    return (await minerStanding(states.chain.blocks, view, miner))?.worker ?? null;
  } catch (error) {
    // Whatever actor was named in the miner's place.
    if (error instanceof StateError || error instanceof SchemaError) return null;
    throw error;
  }
}

function isSigned(crypto: Pick<Crypto, "blsVerify">, header: BlockHeader, worker: Address): boolean {
  const { blockSig } = header;
  if (blockSig?.type !== SIGNATURE_TYPE.bls) return false;
  try {
    return crypto.blsVerify(worker.payload, headerSigningBytes(header), blockSig.data);
  } catch (error) {
    if (isFilError(error, "BAD_LENGTH")) return false;
    throw error;
  }
}

/** The last of the conditions that holds counts. */
function kindOf(a: BlockHeader, b: BlockHeader, witness: BlockHeader | null): ProvenFault["kind"] | null {
  const isGrinding =
    witness !== null &&
    same(a.parents, witness.parents) &&
    a.height === witness.height &&
    b.parents.some((one) => one.equals(headerCid(witness))) &&
    !b.parents.some((one) => one.equals(headerCid(a)));
  if (isGrinding) return KIND.parentGrinding;
  if (a.height === b.height) return KIND.doubleFork;
  return same(a.parents, b.parents) ? KIND.timeOffset : null;
}

/** As many links, and each of `a` in `b`; the order does not matter. */
function same(a: readonly CID[], b: readonly CID[]): boolean {
  const there = new Set(b.map(String));
  return a.length === b.length && a.every((one) => there.has(`${one}`));
}

function headerOf(bytes: Uint8Array): BlockHeader | null {
  try {
    return decodeHeader(bytes);
  } catch (error) {
    if (isFilError(error)) return null;
    throw error;
  }
}
