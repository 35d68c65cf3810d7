/**
 * `chain import --validate`: the last tipsets of a snapshot executed; on the main network their blocks validated in full, on
 * others, whose beacon and proofs the command is not told of, their time, weight and base fee.
 */
import { platform } from "#platform";
import { FilError } from "../base/errors.ts";
import { Chain } from "../chain/chain.ts";
import { NO_RANDOMNESS } from "../chain/randomness.ts";
import { ChainValidator } from "../conformance/validate.ts";
import { HeadersInChain } from "../consensus/header-in-chain.ts";
import type { Crypto } from "../core/crypto.ts";
import { loadProofs } from "../core/proofs.ts";
import { Executor } from "../exec/executor.ts";
import { keyedVerifier } from "../exec/keyed-verifier.ts";
import { GENESIS_RESERVE } from "../node/genesis.ts";
import { DEVNET, MAINNET } from "../params/networks.ts";
import { actorsVersionAt, hasNativeActors } from "../state/state-view.ts";
import { type CheckReport, checkResults } from "../stmgr/check-results.ts";
import { localRules, mainnetRules } from "../stmgr/network-rules.ts";
import { StateManager } from "../stmgr/state-manager.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { BlockHeader } from "../types/block-header.ts";
import type { ProgressLine } from "./terminal.ts";

export type NetworkName = "mainnet" | "local";

export type SnapshotCheck = {
  readonly crypto: Crypto;
  readonly network: NetworkName;
  readonly epochs: number;
  readonly signal: AbortSignal;
  readonly line: ProgressLine;
};

export type SnapshotCheckErrorData = { readonly code: "ACTORS_NEEDED" } | { readonly code: "OTHER_NETWORK" };
export class SnapshotCheckError extends FilError<SnapshotCheckErrorData> {}

/** Refuses states that would be executed by the wrong machine, or by other rules than theirs. */
async function refuseOthers(
  chain: Chain,
  store: BlockStore,
  genesis: BlockHeader,
  network: NetworkName,
): Promise<void> {
  const taken = "the snapshot was taken, and every block is what its CID says";
  const { parentStateRoot } = chain.head.blocks[0] as BlockHeader;
  if (!(await hasNativeActors(store, parentStateRoot)))
    throw new SnapshotCheckError(
      { code: "ACTORS_NEEDED" },
      `${taken}; its states are of published actors (network version 16 or later), or of none that are known, and this command executes those of versions 0 to 5 alone: import it without --validate`,
    );
  if (network === "mainnet" && (await actorsVersionAt(store, genesis.parentStateRoot)) !== 0)
    throw new SnapshotCheckError(
      { code: "OTHER_NETWORK" },
      `${taken}; its genesis is not the main network's: validate it in a new folder with --network local`,
    );
}

/** Proofs of storage are taken as valid where their verifying key is not given, which is everywhere here. */
export async function checkSnapshot(store: BlockStore, check: SnapshotCheck): Promise<CheckReport> {
  const { crypto, network, epochs, signal, line } = check;
  const chain = await Chain.open({ blocks: store });
  const first = await chain.genesis();
  const genesis = first.blocks[0] as BlockHeader;
  await refuseOthers(chain, store, genesis, network);
  const proofs = await loadProofs();
  const entropy = (): Uint8Array => platform.randomBytes(32);
  const verifier = keyedVerifier({ proofs, keys: new Map(), missing: "accept", entropy, onMissing: () => undefined });
  const params = network === "mainnet" ? MAINNET : DEVNET;
  const executor = new Executor(
    { profile: params.profile },
    { blocks: store, randomness: NO_RANDOMNESS, proofs: verifier },
  );
  const rules =
    network === "mainnet"
      ? await mainnetRules(MAINNET, store, genesis.parentStateRoot)
      : localRules(DEVNET, GENESIS_RESERVE);
  const machines = { tipsets: executor, calls: executor };
  const states = new StateManager({ chain, network: params, rules, machines, now: platform.now });
  const validator = network === "mainnet" ? new ChainValidator(states, genesis, { crypto, proofs, entropy }) : null;
  const headers = new HeadersInChain(states, first);
  const validateBlock = async (header: BlockHeader): Promise<void> => {
    if (validator === null) await headers.check(header);
    else await validator.validator.validate({ header, messages: await chain.messages(header) });
  };
  try {
    return await checkResults(states, {
      epochs,
      signal,
      onProgress: (done, total) => line.part("validated", done, total),
      validateBlock,
    });
  } finally {
    states.close();
    await executor.close();
  }
}
