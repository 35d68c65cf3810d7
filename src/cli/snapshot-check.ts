/**
 * `chain import --validate`: the last tipsets of a snapshot executed; on the main network their blocks validated in full, on
 * others, whose beacon and proofs the command is not told of, their time, weight and base fee.
 */
import { platform } from "#platform";
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

/** Proofs of storage are taken as valid where their verifying key is not given, which is everywhere here. */
export async function checkSnapshot(store: BlockStore, check: SnapshotCheck): Promise<CheckReport> {
  const { crypto, network, epochs, signal, line } = check;
  const chain = await Chain.open({ blocks: store });
  const first = await chain.genesis();
  const genesis = first.blocks[0] as BlockHeader;
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
