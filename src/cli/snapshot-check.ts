/**
 * `chain import --validate`: the last tipsets of a snapshot executed; on the main network their blocks validated in full, on
 * others, whose beacon and proofs the command is not told of, their time, weight and base fee. Published actors are in the file, as
 * they are in the states; which network versions a local network has is told by them.
 */
import { platform } from "#platform";
import { FilError, isFilError } from "../base/errors.ts";
import { Chain } from "../chain/chain.ts";
import { NO_RANDOMNESS } from "../chain/randomness.ts";
import { ChainValidator } from "../conformance/validate.ts";
import { faultJudge } from "../consensus/fault-judge.ts";
import { HeadersInChain } from "../consensus/header-in-chain.ts";
import type { Crypto } from "../core/crypto.ts";
import { loadProofs } from "../core/proofs.ts";
import { Executor } from "../exec/executor.ts";
import { keyedVerifier } from "../exec/keyed-verifier.ts";
import type { ExecutionRules, ProofVerifier } from "../exec/types.ts";
import { GENESIS_RESERVE } from "../node/genesis.ts";
import { DEVNET, DEVNET_VERSION, devnetAt, MAINNET, type NetworkParams } from "../params/networks.ts";
import type { ScheduledVersion } from "../params/upgrades.ts";
import { isFvm, NETWORK_VERSIONS } from "../schema/versions/rows.ts";
import {
  attestorOf,
  isAttestation,
  verifySealInfo,
  verifyUpdateInfo,
  verifyWindowInfo,
} from "../sector/attest/attestation.ts";
import { actorsVersionAt } from "../state/state-view.ts";
import { type CheckReport, checkResults, newestTipsets } from "../stmgr/check-results.ts";
import { StateManagerError } from "../stmgr/errors.ts";
import { localRules, mainnetRules } from "../stmgr/network-rules.ts";
import { StateManager } from "../stmgr/state-manager.ts";
import { type FoundUpgrade, versionsOfStates } from "../stmgr/versions-of-states.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { ProgressLine } from "./terminal.ts";

export type NetworkName = "mainnet" | "local";

export class SnapshotCheckError extends FilError<{ readonly code: "OTHER_NETWORK" }> {}

export type SnapshotCheck = {
  readonly crypto: Crypto;
  readonly network: NetworkName;
  /** Network version of a local network's newest tipsets, where its states do not tell it. */
  readonly networkVersion?: number;
  readonly epochs: number;
  readonly signal: AbortSignal;
  readonly line: ProgressLine;
};

/** A version that roots are equal with where it is in force from `epoch` on; null rounds may leave open whether it was from `earliest` on. */
export type SeenVersion = ScheduledVersion & { readonly earliest: number };

/** `versions`: of a local network, from the first that was executed. */
export type SnapshotReport = CheckReport & { readonly versions: readonly SeenVersion[] | null };

/** Epochs, one after another without a tipset, at which an upgrade is looked for. */
const MOST_CANDIDATES = 100;
const LATEST = NETWORK_VERSIONS.at(-1)?.number;

/** How a local network whose blocks have attested proofs verifies all others; null where they are real ones, or nobody is elected. */
function attestedIn({ head }: Chain, crypto: Crypto): ProofVerifier | null {
  const [post] = head.blocks[0]?.winPoStProof ?? [];
  if (post === undefined || !isAttestation(crypto, post.proofBytes)) return null;
  const attestor = attestorOf(crypto, DEVNET.name);
  return {
    verifyPoSt: (info) => verifyWindowInfo(attestor, info),
    verifySeal: (info) => verifySealInfo(attestor, info),
    verifyReplicaUpdate: (info) => verifyUpdateInfo(attestor, info),
  };
}

/** Proofs of storage are verified where they are attested; others are taken as valid, as no verifying key is given here. */
export async function checkSnapshot(store: BlockStore, check: SnapshotCheck): Promise<SnapshotReport> {
  const { crypto, network, epochs, signal, line } = check;
  const chain = await Chain.open({ blocks: store, takingIn: true });
  const first = await chain.genesis();
  const genesis = first.blocks[0] as BlockHeader;
  const proofs = await loadProofs();
  const entropy = (): Uint8Array => platform.randomBytes(32);
  const keyed = keyedVerifier({
    ...{ proofs, keys: new Map(), missing: "accept", entropy, onMissing: () => undefined },
    // What a network does not know yet its actors refuse, before they ask.
    secondWindowVersion: network === "local",
  });
  const verifier: ProofVerifier =
    network === "mainnet"
      ? keyed
      : (attestedIn(chain, crypto) ?? { ...keyed, verifyAggregate: () => true, verifyReplicaUpdate: () => true });
  const profile = network === "mainnet" ? MAINNET.profile : devnetAt(DEVNET_VERSION).profile;
  const executor = new Executor({ profile }, { blocks: store, randomness: NO_RANDOMNESS, proofs: verifier });
  const machines = { tipsets: executor, calls: executor };
  const judgeFault = faultJudge(crypto);
  const statesOf = (params: NetworkParams, rules: ExecutionRules): StateManager =>
    new StateManager({ chain, network: params, rules, machines, now: platform.now, judgeFault });
  const localStates = (params: NetworkParams): StateManager => statesOf(params, localRules(params, GENESIS_RESERVE));
  const onProgress = (done: number, total: number): void => line.part("validated", done, total);
  let open: StateManager | null = null;
  try {
    if (network === "mainnet") {
      if ((await actorsVersionAt(store, genesis.parentStateRoot)) !== 0)
        throw new SnapshotCheckError(
          { code: "OTHER_NETWORK" },
          "the snapshot's genesis is not the main network's, which has the first actors; of a local network: --network local",
        );
      const states = statesOf(MAINNET, await mainnetRules(MAINNET, store, genesis.parentStateRoot));
      open = states;
      const { validator } = new ChainValidator(states, genesis, { crypto, proofs, entropy });
      const validateBlock = async (header: BlockHeader): Promise<void> => {
        await validator.validate({ header, messages: await chain.messages(header) });
      };
      return { ...(await checkResults(states, { epochs, signal, onProgress, validateBlock })), versions: null };
    }
    const versions = await scheduleIn(chain, localStates, check);
    const last = versions.at(-1)?.networkVersion;
    // A version may have come with the head itself: only what is built on it would tell.
    const isSure = last === undefined || !isFvm(last) || last === LATEST;
    const states = localStates(paced(chain, first, versions));
    open = states;
    const headers = new HeadersInChain(states, first);
    const validateBlock = (header: BlockHeader): Promise<void> =>
      headers.check(header, { baseFee: isSure || header.height < chain.head.height });
    const report = await checkResults(states, { epochs, signal, onProgress, validateBlock, executesHead: isSure });
    return { ...report, versions };
  } finally {
    open?.close();
    await executor.close();
  }
}

/** A local network of some versions, with the pace of its chain's clock where that has one. */
function paced(chain: Chain, genesis: Tipset, [first, ...later]: readonly ScheduledVersion[]): NetworkParams {
  const network = devnetAt(first?.networkVersion ?? DEVNET_VERSION, later);
  const [top, bottom] = [chain.head.blocks[0], genesis.blocks[0]] as [BlockHeader, BlockHeader];
  const pace = Number(top.timestamp - bottom.timestamp) / Math.max(1, top.height);
  return Number.isInteger(pace) && pace > 0 ? { ...network, blockDelaySeconds: pace } : network;
}

/** The versions of a local network's newest tipsets. Throws `StateManagerError` VERSION_UNKNOWN. */
async function scheduleIn(
  chain: Chain,
  statesOf: (network: NetworkParams) => StateManager,
  { epochs, networkVersion, signal }: SnapshotCheck,
): Promise<readonly SeenVersion[]> {
  const tipsets = await newestTipsets(chain, epochs);
  const found = await versionsOfStates(chain, tipsets, networkVersion);
  const schedule: SeenVersion[] = [{ epoch: 0, networkVersion: found.first, earliest: 0 }];
  for (const upgrade of found.upgrades)
    schedule.push({
      networkVersion: upgrade.networkVersion,
      earliest: upgrade.epochs.first,
      epoch: await epochOf(upgrade, tipsets, async (epoch) => {
        signal.throwIfAborted();
        const [, ...later] = [...schedule, { epoch, networkVersion: upgrade.networkVersion }];
        const states = statesOf(paced(chain, await chain.genesis(), [schedule[0] as ScheduledVersion, ...later]));
        try {
          return (await states.execute(upgrade.tipset)).result.stateRoot;
        } finally {
          states.close();
        }
      }),
    });
  return schedule;
}

/** The epoch at which a version came: of several that null rounds leave open, the one that gives the state that followed. */
async function epochOf(
  { networkVersion, tipset, epochs: { first, last } }: FoundUpgrade,
  tipsets: readonly Tipset[],
  after: (epoch: number) => Promise<{ equals(root: unknown): boolean }>,
): Promise<number> {
  if (first === last) return last;
  if (last - first >= MOST_CANDIDATES)
    throw new StateManagerError(
      { code: "VERSION_UNKNOWN", epoch: last },
      `network version ${networkVersion} came at one of the epochs ${first} to ${last}, which are too many to try: take the snapshot in without ` +
        "validating, or validate fewer epochs",
    );
  const next = tipsets[tipsets.indexOf(tipset) + 1]?.blocks[0] as BlockHeader;
  for (let epoch = last; epoch > first; epoch--) {
    const root = await after(epoch).catch((error: unknown) => {
      // Actors of one version under the rules of another may end in any way.
      if (isFilError(error)) return null;
      throw error;
    });
    if (root?.equals(next.parentStateRoot) === true) return epoch;
  }
  return first;
}
