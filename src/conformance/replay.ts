/**
 * Replays a chain export: executes every tipset from the genesis state in the file and compares state root and receipts
 * root with what the headers of the next tipset claim.
 *
 * Only the genesis state is taken from the file. Everything after it is computed: null rounds, messages in block order,
 * rewards, cron. Randomness comes from the tickets and beacon entries of the headers. Every block of the file is checked
 * against its CID first. Proofs of spacetime and seals are answered by the caller's verifier.
 */
import { FilError, isFilError } from "../base/errors.ts";
import { checkNames, type OptionNames } from "../base/options.ts";
import { Chain } from "../chain/chain.ts";
import { NO_RANDOMNESS } from "../chain/randomness.ts";
import type { TipsetResult } from "../chain/result-store.ts";
import { indexSnapshot, openSnapshot, readHead } from "../chain/snapshot-head.ts";
import { Executor } from "../exec/executor.ts";
import type { ProofVerifier } from "../exec/types.ts";
import { MAINNET } from "../params/networks.ts";
import { actorsVersionAt } from "../state/state-view.ts";
import { mainnetRules } from "../stmgr/network-rules.ts";
import { StateManager } from "../stmgr/state-manager.ts";
import type { ByteSource } from "../storage/car-index.ts";
import { type BlockHashes, checkBlock } from "../storage/check-block.ts";
import type { Block } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { CID } from "../types/cid.ts";
import { firstStateDifference } from "./diff.ts";
import { ChainValidator, type ChainValidatorOptions, type CheckCounts } from "./validate.ts";

export type ReplayErrorData =
  | { readonly code: "BAD_BLOCK"; readonly cid: string }
  | { readonly code: "NO_GENESIS" }
  | { readonly code: "NO_CHAIN" }
  | { readonly code: "OTHER_NETWORK" }
  | { readonly code: "MISMATCH"; readonly epoch: number; readonly what: "state root" | "receipts root" };
export class ReplayError extends FilError<ReplayErrorData> {}

export type ReplayProgress = { readonly done: number; readonly total: number; readonly epoch: number };

export type ReplayReport = {
  /** Tipsets executed and found equal: all of the file but its genesis and its head, whose result no header states. */
  readonly tipsets: number;
  /** Tipsets of the file. */
  readonly fileTipsets: number;
  readonly messages: number;
  readonly firstEpoch: number;
  readonly lastEpoch: number;
  readonly nullRounds: number;
  /** State after the last tipset but one, which the last header commits to. */
  readonly stateRoot: string;
  /** What was checked of the blocks, if they were validated. */
  readonly checks: CheckCounts | null;
  /** Every block of the file and of the states computed. */
  readonly store: MemoryStore;
};

export type ReplayOptions = {
  readonly proofs: ProofVerifier;
  /** Hashes for checking CIDs; `loadCrypto()` has them. */
  readonly hashes: BlockHashes;
  /** Validates every block as a node would, before its tipset is executed; throws `BlockError`. */
  readonly validate?: ChainValidatorOptions;
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly signal?: AbortSignal;
};

const OPTIONS: OptionNames<ReplayOptions> = {
  ...{ proofs: true, hashes: true, validate: true },
  ...{ onProgress: true, signal: true },
};

/** A recorded chain, its blocks checked against their CIDs, executed up to its genesis. */
export type RecordedChain = {
  readonly store: MemoryStore;
  readonly states: StateManager;
  /** From the genesis to the head of the file. */
  readonly tipsets: readonly Tipset[];
};

/** Opens a CAR file of the main network, a snapshot of either format. Throws `ReplayError`, `SnapshotError`, `CarError`. */
export async function openRecorded(
  car: Uint8Array | ByteSource,
  options: Pick<ReplayOptions, "proofs" | "hashes">,
): Promise<RecordedChain> {
  const { head, store } = await blocksOf(car, options.hashes).catch((cause: unknown) => {
    throw isFilError(cause, "NO_ROOTS") ? noChain("it names no root") : cause;
  });
  const chain = await Chain.open({ blocks: store });
  const tipsets = await tipsetsOf(chain, head);
  const genesis = tipsets[0] as Tipset;
  const { parentStateRoot: stateRoot, parentMessageReceipts: receiptsRoot } = genesis.blocks[0] as BlockHeader;
  if ((await actorsVersionAt(store, stateRoot)) !== 0)
    throw new ReplayError(
      { code: "OTHER_NETWORK" },
      "the chain is not the main network's, whose genesis has the first actors; of a local network: filigree chain import <file> --data <new folder> --validate",
    );
  const executor = new Executor({}, { blocks: store, randomness: NO_RANDOMNESS, proofs: options.proofs });
  const rules = await mainnetRules(MAINNET, store, stateRoot);
  const machines = { tipsets: executor, calls: executor };
  const states = new StateManager({ chain, network: MAINNET, rules, machines, now: () => 0 });
  await chain.append({ headers: genesis.blocks, result: { stateRoot, receiptsRoot } });
  return { store, states, tipsets };
}

/** Checked blocks of a file: in memory when the file is, else read where they lie, whatever its size. */
async function blocksOf(
  car: Uint8Array | ByteSource,
  hashes: BlockHashes,
): Promise<{ readonly head: readonly CID[]; readonly store: MemoryStore }> {
  if (!(car instanceof Uint8Array)) {
    const index = await indexSnapshot(car, hashes, { onBlock: (block) => refuseWrong(block, hashes) });
    return { head: index.head, store: new MemoryStore(index.blocks) };
  }
  const reader = await openSnapshot({
    size: car.length,
    read: async (from, length) => car.subarray(from, from + length),
  });
  const { head } = await readHead(reader, hashes);
  const blocks: Block[] = [];
  for (let one = await reader.next(); one !== null; one = await reader.next()) {
    refuseWrong(one.block, hashes);
    blocks.push(one.block);
  }
  const store = new MemoryStore();
  store.writeNow({ blocks });
  return { head, store };
}

/** Replays a CAR file of the main network: its bytes, or where they can be read, which is as good for files of any size. Throws `ReplayError` at the first difference, `OptionError`. */
export async function replayChain(car: Uint8Array | ByteSource, options: ReplayOptions): Promise<ReplayReport> {
  checkNames("replayChain", options, OPTIONS);
  const { store, states, tipsets: line } = await openRecorded(car, options);
  const { chain } = states;
  const genesis = line[0] as Tipset;
  const validator =
    options.validate === undefined
      ? null
      : new ChainValidator(states, genesis.blocks[0] as BlockHeader, options.validate);
  let messages = 0;
  let nullRounds = 0;
  for (let i = 1; i < line.length - 1; i++) {
    options.signal?.throwIfAborted();
    const [tipset, child] = [line[i], line[i + 1]] as [Tipset, Tipset];
    nullRounds += tipset.height - chain.head.height - 1;
    await validator?.tipset(tipset);
    const { result, blocks: made, applied } = await states.execute(tipset);
    await chain.append({ headers: tipset.blocks, blocks: made, result });
    messages += applied.filter((one) => one.kind === "message").length;
    compare(store, tipset, child.blocks[0] as BlockHeader, result);
    options.onProgress?.({ done: i, total: line.length - 2, epoch: tipset.height });
  }
  const last = line[line.length - 1] as Tipset;
  if (line.length > 1) await validator?.tipset(last);
  return {
    tipsets: Math.max(0, line.length - 2),
    fileTipsets: line.length,
    messages,
    firstEpoch: genesis.height,
    lastEpoch: last.height,
    nullRounds,
    stateRoot: `${last.blocks[0]?.parentStateRoot}`,
    checks: validator?.counts() ?? null,
    store,
  };
}

function refuseWrong(block: Block, hashes: BlockHashes): void {
  if (checkBlock(block, hashes) === "right") return;
  const cid = CID.decode(block.cid);
  throw new ReplayError({ code: "BAD_BLOCK", cid: `${cid}` }, `the bytes of block ${cid} are not what its CID says`);
}

function noChain(why: string, cause?: unknown): ReplayError {
  return new ReplayError({ code: "NO_CHAIN" }, `the file is a CAR, but holds no chain: ${why}`, { cause });
}

/** Tipsets from the genesis to the roots. */
async function tipsetsOf(chain: Chain, roots: readonly CID[]): Promise<Tipset[]> {
  const line: Tipset[] = [];
  const head = await chain.tipset(roots).catch((cause: unknown) => {
    throw noChain(`its root ${roots[0]} is no block header`, cause);
  });
  for (let at: Tipset | null = head; at !== null; at = await chain.parent(at)) line.push(at);
  line.reverse();
  if (line[0]?.height !== 0) throw new ReplayError({ code: "NO_GENESIS" }, "the file does not reach back to a genesis");
  return line;
}

function compare(store: MemoryStore, tipset: Tipset, claim: BlockHeader, result: TipsetResult): void {
  const epoch = tipset.height;
  const mismatch = (what: "state root" | "receipts root", ours: CID, theirs: CID, more: string): never => {
    throw new ReplayError(
      { code: "MISMATCH", epoch, what },
      `epoch ${epoch}: ${what} is ${ours}, the next headers claim ${theirs}${more}`,
    );
  };
  const expected = claim.parentStateRoot;
  const same: boolean = result.stateRoot.equals(expected);
  if (!same) {
    const known = store.peek(expected.bytes) !== undefined;
    const more = known
      ? `; first difference: ${firstStateDifference(store, result.stateRoot, expected)}`
      : "; the claimed state is not in the file, so the differing actor cannot be named";
    mismatch("state root", result.stateRoot, expected, more);
  }
  if (!result.receiptsRoot.equals(claim.parentMessageReceipts))
    mismatch("receipts root", result.receiptsRoot, claim.parentMessageReceipts, "");
}
