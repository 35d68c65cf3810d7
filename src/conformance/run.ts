/**
 * The conformance engine: one vector file in, the outcome of each of its variants out. Knows no files and no platform.
 *
 * A run passes if every receipt (exit code, gas, return value), every receipts root and the final state root are those
 * of the file. Anything else, faults included, fails it: an actor that is not built is a failure, not a skip. Not run, with
 * the reason, are files that are no vectors and variants of a network version that the machine does not have.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { equal, toHex, utf8 } from "../base/bytes.ts";
import { describeError, isFilError } from "../base/errors.ts";
import { checkNames } from "../base/options.ts";
import { isFvmVersion } from "../core/fvm.ts";
import type { VmOptions } from "../core/vm.ts";
import type { Bundles } from "../exec/bundles.ts";
import { Executor } from "../exec/executor.ts";
import type { TraceCall } from "../exec/trace.ts";
import type { AppliedMessage, BlockInput, MessageInput, ProofVerifier } from "../exec/types.ts";
import { findVersion, isExecutable } from "../schema/versions/rows.ts";
import type { MemoryStore } from "../storage/memory.ts";
import { PROTOCOL } from "../types/address.ts";
import type { Block, CID } from "../types/cid.ts";
import { decodeMessage, SECP256K1_CHAIN_BYTES } from "../types/message.ts";
import { firstStateDifference } from "./diff.ts";
import { type DeclaredVerdict, proofVerdict } from "./proof-policy.ts";
import { recordedRandomness } from "./randomness.ts";
import { type ExpectedReceipt, loadState, parseVector, shown, type Variant, type Vector } from "./vector.ts";

export type RunOutcome = {
  /** Path of the file and id of the variant. */
  readonly file: string;
  readonly variant: string;
  readonly passed: boolean;
  /** Why it was not run; `passed` is false then. */
  readonly skipped?: string;
  /** What differs, one line each; empty if the run passed. */
  readonly differences: readonly string[];
  /**
   * Hash over everything that the run gave: receipts, shares of the gas money, new blocks, roots. The same on every
   * platform, or execution is not deterministic.
   */
  readonly digest: string;
  /** Declared verdict, if a proof was met. */
  readonly proofVerdict?: DeclaredVerdict;
  /** Calls and charges of every message, if asked for. */
  readonly traces?: readonly (readonly TraceCall[])[];
};

export type ConformanceOptions = {
  readonly vm?: VmOptions;
  /** Keep traces (the FVM has none yet), and search for the first difference in the state. */
  readonly tracing?: boolean;
  /** Where the published actors of the FVM's network versions are. Without, such vectors are skipped. */
  readonly bundles?: Bundles;
};

/** Runs all variants of a vector file. */
export async function runVector(
  file: string,
  text: string,
  options: ConformanceOptions = {},
): Promise<{ readonly vector: Vector | null; readonly outcomes: readonly RunOutcome[] }> {
  checkNames<ConformanceOptions>("runVector", options, { vm: true, tracing: true, bundles: true });
  let vector: Vector;
  try {
    vector = parseVector(text);
  } catch (error) {
    const isNone = isFilError(error, "NO_VECTOR");
    const outcome = isNone ? skip(file, "-", error.message) : failure(file, "-", [describeError(error)]);
    return { vector: null, outcomes: [outcome] };
  }
  const outcomes: RunOutcome[] = [];
  for (const variant of vector.variants) {
    const why = await reasonToSkip(vector, variant, options.bundles);
    outcomes.push(why === null ? await runVariant(file, vector, variant, options) : skip(file, variant.id, why));
  }
  return { vector, outcomes };
}

/** Why a variant cannot be run, or null. */
async function reasonToSkip(vector: Vector, variant: Variant, bundles: Bundles | undefined): Promise<string | null> {
  const { networkVersion } = variant;
  if (isExecutable(networkVersion)) return null;
  const lacking = `the machine does not have network version ${networkVersion}`;
  const actors = findVersion(networkVersion)?.actors;
  if (!isFvmVersion(networkVersion) || actors === undefined) return lacking;
  if (vector.kind !== "message") return `${lacking} for whole tipsets yet`;
  // The corpus is of the main network, whose modules its states name.
  const name = `the main network's actors v${actors}`;
  if (bundles === undefined) return `network version ${networkVersion} needs ${name} (--bundles)`;
  return (await bundles.find("mainnet", actors)) === undefined ? `no bundle holds ${name}` : null;
}

function skip(file: string, variant: string, skipped: string): RunOutcome {
  return { file, variant, passed: false, skipped, differences: [], digest: "" };
}

function failure(file: string, variant: string, differences: readonly string[]): RunOutcome {
  return { file, variant, passed: false, differences, digest: "" };
}

async function runVariant(
  file: string,
  vector: Vector,
  variant: Variant,
  options: ConformanceOptions,
): Promise<RunOutcome> {
  const run = new VariantRun(file, vector, variant, options);
  try {
    await run.execute();
  } catch (error) {
    run.differences.push(describeError(error));
  }
  const { differences, traces } = run;
  return {
    file,
    variant: variant.id,
    passed: differences.length === 0,
    differences,
    digest: run.digest(),
    ...(run.proofsSeen ? { proofVerdict: run.verdict } : {}),
    ...(options.tracing === true ? { traces } : {}),
  };
}

/** Seconds of an epoch. */
const EPOCH_SECONDS = 30;

class VariantRun {
  readonly differences: string[] = [];
  readonly traces: (readonly TraceCall[])[] = [];
  readonly verdict: DeclaredVerdict;
  proofsSeen = false;
  private readonly vector: Vector;
  private readonly variant: Variant;
  private readonly options: ConformanceOptions;
  private receipts = 0;
  private readonly hash = blake2b.create({ dkLen: 16 });

  constructor(file: string, vector: Vector, variant: Variant, options: ConformanceOptions) {
    this.verdict = proofVerdict(file);
    this.vector = vector;
    this.variant = variant;
    this.options = options;
  }

  digest(): string {
    return toHex(this.hash.digest());
  }

  async execute(): Promise<void> {
    const store = await loadState(this.vector);
    const { bundles } = this.options;
    const root =
      bundles !== undefined && isFvmVersion(this.variant.networkVersion)
        ? await this.fvmMessages(store, bundles)
        : await this.native(store);
    if (this.receipts !== this.vector.receipts.length)
      this.differences.push(`receipts: ${this.receipts} instead of ${this.vector.receipts.length}`);
    this.hash.update(root.bytes);
    if (root.equals(this.vector.postRoot)) return;
    this.differences.push(`state root: ${root} instead of ${this.vector.postRoot}`);
    if (this.options.tracing === true)
      this.differences.push(`first difference: ${firstStateDifference(store, root, this.vector.postRoot)}`);
  }

  private native(store: MemoryStore): Promise<CID> {
    const executor = new Executor(
      { asset: "vm-test.wasm", ...this.options.vm },
      { blocks: store, randomness: recordedRandomness(this.vector.randomness), proofs: this.verifier() },
    );
    return this.vector.kind === "message" ? this.messages(executor, store) : this.tipsets(executor, store);
  }

  private verifier(): ProofVerifier {
    const accept = (): boolean => {
      this.proofsSeen = true;
      return this.verdict === "accept";
    };
    return { verifyPoSt: accept, verifySeal: accept };
  }

  /** Messages in the FVM, as the reference's driver runs them: no chain id, and 30 seconds an epoch since 1970. */
  private async fvmMessages(store: MemoryStore, bundles: Bundles): Promise<CID> {
    const { baseFee, circulatingSupply, preRoot, messages, randomness } = this.vector;
    const { verifyPoSt, verifySeal } = this.verifier();
    const proofs = { verifyPoSt, verifySeal, verifyAggregate: verifySeal, verifyReplicaUpdate: verifySeal };
    const peek = (cid: Uint8Array): Uint8Array | undefined => store.peek(cid) ?? bundles.peek(cid);
    const executor = new Executor(
      {},
      {
        blocks: { peek, get: async (cid) => peek(cid) },
        randomness: recordedRandomness(randomness),
        proofs,
        consensusFault: () => null,
      },
    );
    let stateRoot = preRoot;
    let epoch = this.variant.epoch;
    for (const { bytes, epochOffset } of messages) {
      epoch += epochOffset;
      const { networkVersion } = this.variant;
      const facts = { chainId: 0, epoch, timestamp: epoch * EPOCH_SECONDS, genesisTime: 0, blockDelay: EPOCH_SECONDS };
      const message = onChain(bytes);
      const place = { stateRoot, epoch, networkVersion, baseFee, circulatingSupply };
      const result = await executor.applyMessage({ ...place, facts, message });
      this.take(store, result.blocks);
      stateRoot = result.stateRoot;
      this.compare(result.applied);
    }
    return stateRoot;
  }

  private async messages(executor: Executor, store: MemoryStore): Promise<CID> {
    const { baseFee, circulatingSupply, preRoot, messages } = this.vector;
    let stateRoot = preRoot;
    let epoch = this.variant.epoch;
    for (const { bytes, epochOffset } of messages) {
      epoch += epochOffset;
      const { networkVersion } = this.variant;
      const message = onChain(bytes);
      const result = await executor.applyMessage(
        { stateRoot, epoch, networkVersion, baseFee, circulatingSupply, message },
        { tracing: this.options.tracing ?? false },
      );
      this.take(store, result.blocks);
      stateRoot = result.stateRoot;
      this.compare(result.applied);
    }
    return stateRoot;
  }

  private async tipsets(executor: Executor, store: MemoryStore): Promise<CID> {
    const { circulatingSupply, preRoot, tipsets, receiptsRoots } = this.vector;
    const rules = { networkVersionAt: () => this.variant.networkVersion, circulatingSupply };
    let stateRoot = preRoot;
    let parentEpoch = this.variant.epoch;
    for (const [i, tipset] of tipsets.entries()) {
      const epoch = this.variant.epoch + tipset.epochOffset;
      const { baseFee } = tipset;
      const blocks = tipset.blocks.map(({ miner, winCount, messages }) => ({ miner, winCount, ...sorted(messages) }));
      const input = { stateRoot, parentEpoch, epoch, baseFee, blocks };
      const result = await executor.applyTipset(input, rules, { tracing: this.options.tracing ?? false });
      this.take(store, result.blocks);
      this.hash.update(result.receiptsRoot.bytes);
      for (const applied of result.applied) this.compare(applied);
      const expected = receiptsRoots[i];
      if (expected === undefined || !result.receiptsRoot.equals(expected))
        this.differences.push(`receipts root ${i}: ${result.receiptsRoot} instead of ${expected ?? "none"}`);
      stateRoot = result.stateRoot;
      parentEpoch = epoch;
    }
    return stateRoot;
  }

  private take(store: MemoryStore, blocks: readonly Block[]): void {
    store.writeNow({ blocks });
    for (const { cid } of blocks) this.hash.update(cid);
  }

  private compare(applied: AppliedMessage): void {
    const { exitCode, gasUsed, minerPenalty, minerTip, baseFeeBurn, overestimationBurn, refund } = applied;
    const amounts = [exitCode, gasUsed, minerPenalty, minerTip, baseFeeBurn, overestimationBurn, refund];
    this.hash.update(utf8(`${amounts.join(" ")};`)).update(applied.return);
    const at = this.receipts++;
    if (applied.trace !== undefined) this.traces.push(applied.trace);
    const expected = this.vector.receipts[at];
    if (expected === undefined) return;
    for (const line of receiptDifferences(applied, expected)) this.differences.push(`message ${at}: ${line}`);
  }
}

function receiptDifferences(applied: AppliedMessage, expected: ExpectedReceipt): string[] {
  const out: string[] = [];
  if (applied.exitCode !== expected.exitCode) {
    const why = applied.why === "" ? "" : ` (${applied.why})`;
    out.push(`exit code ${applied.exitCode}${why} instead of ${expected.exitCode}`);
  }
  if (applied.gasUsed !== BigInt(expected.gasUsed))
    out.push(`gas ${applied.gasUsed} instead of ${expected.gasUsed} (${applied.gasUsed - BigInt(expected.gasUsed)})`);
  if (!equal(applied.return, expected.return))
    out.push(`return ${shown(applied.return)} instead of ${shown(expected.return)}`);
  return out;
}

/** A message with the length that it is charged for: signed if its sender has a secp256k1 address. */
function onChain(bytes: Uint8Array): MessageInput {
  const { from } = decodeMessage(bytes);
  const signed = from.protocol === PROTOCOL.secp256k1;
  return { bytes, chainLength: bytes.length + (signed ? SECP256K1_CHAIN_BYTES : 0) };
}

/** Messages by the kind of their sender; one of any other kind counts as both, as the reference's driver has it. */
function sorted(messages: readonly Uint8Array[]): Pick<BlockInput, "blsMessages" | "secpMessages"> {
  const blsMessages: MessageInput[] = [];
  const secpMessages: MessageInput[] = [];
  for (const bytes of messages) {
    const { protocol } = decodeMessage(bytes).from;
    if (protocol !== PROTOCOL.secp256k1) blsMessages.push(onChain(bytes));
    if (protocol !== PROTOCOL.bls) secpMessages.push(onChain(bytes));
  }
  return { blsMessages, secpMessages };
}
