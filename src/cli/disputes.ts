/**
 * Window PoSts that a miner's actor took without verifying them (actors v3 on) and that anybody may dispute: each is tried on the node's
 * state, where a dispute of a proof that is right fails. Source: builtin-actors v18.0.0 actors/miner/src/lib.rs (dispute_windowed_post).
 */
import { encode as encodeCbor } from "@ipld/dag-cbor";
import { toBase64 } from "../base/bytes.ts";
import { findVersion, isFvm, NETWORK_VERSIONS } from "../schema/versions/rows.ts";

/** A method of the node, by its name without "Filecoin.". */
export type Call = <Result>(method: string, ...params: readonly unknown[]) => Promise<Result>;
/** Deadline of a proving period, and the proof's place among those that it took. */
export type Disputed = { readonly deadline: number; readonly index: number };

/** DisputeWindowedPoSt. */
const DISPUTE = 24;
/** First actors that take window PoSts unseen: see above. */
const DISPUTED_SINCE = 3;
/** Partitions of a deadline that are tried at most: what it may have. Source: builtin-actors v18.0.0 runtime/src/runtime/policy.rs. */
const MOST_PARTITIONS = 3000;

/** Why there is nothing to dispute at a network version; null where there may be. */
export function withoutDisputes(networkVersion: number): string | null {
  const { actors = DISPUTED_SINCE } = findVersion(networkVersion) ?? {};
  if (actors >= DISPUTED_SINCE) return null;
  const first = NETWORK_VERSIONS.find((row) => row.actors >= DISPUTED_SINCE)?.number;
  const local = NETWORK_VERSIONS.find(({ number }) => isFvm(number))?.number;
  return (
    `at network version ${networkVersion} each window PoSt is verified before it is taken, and none can be disputed: ` +
    `there are disputes from version ${first} on, on local networks from ${local} on`
  );
}

export function disputeMessage(miner: string, from: string, { deadline, index }: Disputed) {
  const params = toBase64(encodeCbor([deadline, index]));
  return {
    ...{ Version: 0, To: miner, From: from, Nonce: 0, Value: "0", Method: DISPUTE, Params: params },
    ...{ GasLimit: 0, GasFeeCap: "0", GasPremium: "0" },
  };
}

/** How many proofs of a miner a dispute can be about now, and which of them are wrong. */
export async function wrongPosts(
  call: Call,
  miner: string,
  from: string,
): Promise<{ readonly disputable: number; readonly wrong: readonly Disputed[] }> {
  type Deadlines = readonly { readonly DisputableProofCount: number }[];
  const deadlines = await call<Deadlines>("StateMinerDeadlines", miner, null);
  const wrong: Disputed[] = [];
  let disputable = 0;
  for (const [deadline, { DisputableProofCount: count }] of deadlines.entries()) {
    if (count === 0) continue;
    disputable += count;
    // Each proof is of a partition at least. One that was disputed has left its place: those after it keep theirs.
    const { length } = await call<readonly unknown[]>("StateMinerPartitions", miner, deadline, null);
    for (let index = 0; index < Math.min(length, MOST_PARTITIONS); index++) {
      const message = disputeMessage(miner, from, { deadline, index });
      const { MsgRct } = await call<{ readonly MsgRct: { readonly ExitCode: number } }>("StateCall", message, null);
      // It fails for a proof that is right, for none, and outside of the time in which one may be disputed.
      if (MsgRct.ExitCode === 0) wrong.push({ deadline, index });
    }
  }
  return { disputable, wrong };
}
