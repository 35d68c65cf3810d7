/** What the thread that wants a run has for the questions of its worker, and what it makes of errors from there. */
import { type Failure, FilError } from "../base/errors.ts";
import { EngineFault, type EngineFaultData } from "../core/errors.ts";
import type { BlockSource } from "../storage/contract.ts";
import { digestsOf } from "./digests.ts";
import { ExecError, type ExecErrorData } from "./errors.ts";
import { type ExecutorParts, judged } from "./executor.ts";
import type { RandomnessSource } from "./types.ts";
import { packFault, type Question, type Reply } from "./wire.ts";

export type Answering = (question: Question) => Promise<Reply> | Reply;

/** Answers from the store, the randomness of a run and the verifier of proofs. Fails as they fail. */
export function answeringFrom(
  { blocks, proofs, consensusFault }: ExecutorParts,
  randomness: RandomnessSource,
): Answering {
  return (question) => {
    switch (question.kind) {
      case "block":
        return blocks.peek(question.cid) ?? blocks.get(question.cid).then((block) => block ?? null);
      case "held":
        return held(blocks, question.cid);
      case "ticket":
        return randomness.ticketRandomness(question.tag, question.epoch, question.entropy);
      case "beacon":
        return randomness.beaconRandomness(question.tag, question.epoch, question.entropy);
      case "post":
        return verdict(proofs.verifyPoSt(question.info));
      case "seal":
        return verdict(proofs.verifySeal(question.info));
      case "aggregate":
        return verdict(proofs.verifyAggregate?.(question.info) ?? false);
      case "update":
        return verdict(proofs.verifyReplicaUpdate?.(question.info) ?? false);
      case "ticket-digest":
        return digestsOf(randomness).ticketDigest(question.epoch);
      case "beacon-digest":
        return digestsOf(randomness).beaconDigest(question.epoch);
      case "tipset":
        return digestsOf(randomness).tipsetCid(question.epoch);
      case "fault":
        return faultOf(judged(randomness, consensusFault, question));
    }
  };
}

async function faultOf(fault: ReturnType<NonNullable<ExecutorParts["consensusFault"]>>): Promise<Reply> {
  return packFault(await fault);
}

async function held(blocks: BlockSource, cid: Uint8Array): Promise<Reply> {
  return Uint8Array.of((blocks.peek(cid) ?? (await blocks.get(cid))) === undefined ? 0 : 1);
}

async function verdict(valid: boolean | Promise<boolean>): Promise<Reply> {
  return Uint8Array.of((await valid) ? 1 : 0);
}

/** A copy without the buffer around it, which a message would carry along. */
export function ownBytes(reply: Reply): Reply {
  return reply === null ? null : new Uint8Array(reply);
}

/** The error that the worker reported, of the class that it had there. */
export function errorOf({ name, message, data }: Failure): Error {
  if (data === null || typeof data !== "object" || !("code" in data)) return new Error(`${name}: ${message}`);
  if (name === "EngineFault") return new EngineFault(data as EngineFaultData, message);
  if (name === "ExecError") return new ExecError(data as ExecErrorData, message);
  return new FilError(data as { code: string }, message);
}
