/**
 * Scenarios: messages played one after the other on a common genesis, with the outcome that the reference gave.
 *
 * Unlike the corpus' vectors they have a root after every step, and implicit messages from any actor, so that methods
 * meant for other actors can be called. Randomness is fixed: the digest of a round is the SHA-256 of its kind and epoch
 * as text. A proof is good if its first byte is 1. See test/fixtures/actors/README.md.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { equal, fromBase64, toBase64 } from "../base/bytes.ts";
import { sha256 } from "../base/digests.ts";
import { drawFromDigest } from "../chain/randomness.ts";
import { Vm, type VmHost, type VmOptions } from "../core/vm.ts";
import { decodeTrace, type TraceCall } from "../exec/trace.ts";
import type { ProfileName } from "../schema/profiles.ts";
import { readCar } from "../storage/car.ts";
import type { BlockSource } from "../storage/contract.ts";
import { PROTOCOL } from "../types/address.ts";
import { cidKey, parseCid } from "../types/cid.ts";
import { decodeMessage, SECP256K1_CHAIN_BYTES } from "../types/message.ts";
import { gunzip } from "./inflate.ts";

export type ScenarioStep = {
  readonly op: "apply" | "implicit" | "epoch";
  readonly note?: string;
  /** New epoch, of an "epoch" step. */
  readonly epoch?: number;
  /** Base64 CBOR of the bare message. */
  readonly msg?: string;
  readonly exit: number;
  /** Gas; of an implicit message, what its calls used. */
  readonly gas?: number;
  /** Base64. */
  readonly ret?: string;
  /** State root after the step; where it is absent, the next one recorded speaks for it. */
  readonly root?: string;
};

export type Scenario = {
  readonly name: string;
  readonly nv: number;
  readonly epoch: number;
  readonly root: string;
  readonly steps: readonly ScenarioStep[];
};

export type ScenarioFile = {
  /** Network whose parameters were in force. Default: the main network's. */
  readonly profile?: ProfileName;
  /** Base64 of a gzipped CAR with the state that all scenarios begin from. */
  readonly car: string;
  readonly scenarios: readonly Scenario[];
};

/** attoFIL per unit of gas. */
const BASE_FEE = 100n;
/** attoFIL: two thousand million FIL. */
const CIRCULATING_SUPPLY = 2_000_000_000n * 10n ** 18n;
const MAX_CAR_BYTES = 64 << 20;

/** What differs at one step. */
export type ScenarioDifference = {
  readonly scenario: string;
  readonly step: number;
  readonly note: string;
  readonly differences: readonly string[];
  readonly trace: readonly TraceCall[];
};

/** Plays scenarios on one machine; knows the common genesis. */
export class ScenarioPlayer {
  private readonly vm: Vm;
  private readonly tracing: boolean;

  private constructor(vm: Vm, tracing: boolean) {
    this.vm = vm;
    this.tracing = tracing;
  }

  static async create(
    file: ScenarioFile,
    { tracing = false, ...options }: VmOptions & { tracing?: boolean } = {},
  ): Promise<ScenarioPlayer> {
    const blocks = new Map<string, Uint8Array>();
    const car = readCar(await gunzip(fromBase64(file.car), MAX_CAR_BYTES));
    for (const block of car.blocks) blocks.set(cidKey(block.cid), block.bytes);
    const profile = file.profile ?? "mainnet";
    const vm = await Vm.create(scenarioHost(blocks), { profile, ...options });
    return new ScenarioPlayer(vm, tracing);
  }

  /** Plays one scenario; null if every step is as recorded, else the first that is not. */
  play(scenario: Scenario): ScenarioDifference | null {
    const networkVersion = scenario.nv;
    const root = parseCid(scenario.root);
    const context = { epoch: scenario.epoch, networkVersion, baseFee: BASE_FEE, circulatingSupply: CIRCULATING_SUPPLY };
    this.vm.open({ ...context, stateRoot: root, tracing: this.tracing });
    for (const [i, step] of scenario.steps.entries()) {
      if (step.op === "epoch") {
        this.vm.advance(step.epoch ?? 0, networkVersion, BASE_FEE);
        continue;
      }
      const differences = this.step(step);
      if (differences.length === 0) continue;
      const trace = this.tracing ? decodeTrace(this.vm.trace()) : [];
      return { scenario: scenario.name, step: i, note: step.note ?? "", differences, trace };
    }
    return null;
  }

  /** The blocks of the states reached since the last scenario began, and of the genesis. */
  get blocks(): BlockSource {
    const peek = (cid: Uint8Array): Uint8Array | undefined => this.vm.block(cid);
    return { peek, get: async (cid) => peek(cid) };
  }

  private step(step: ScenarioStep): string[] {
    const bytes = fromBase64(step.msg ?? "");
    const implicit = step.op === "implicit";
    const signed = decodeMessage(bytes).from.protocol === PROTOCOL.secp256k1;
    const chainLength = bytes.length + (signed ? SECP256K1_CHAIN_BYTES : 0);
    const got = implicit ? this.vm.applyImplicit(bytes) : this.vm.apply(bytes, chainLength);
    const out: string[] = [];
    if (got.exitCode !== step.exit) out.push(`exit code ${got.exitCode} (${got.why}) instead of ${step.exit}`);
    const gas = implicit ? this.implicitGas() : Number(got.gasUsed);
    if (gas !== undefined && gas !== (step.gas ?? 0)) out.push(`gas ${gas} instead of ${step.gas ?? 0}`);
    const expected = fromBase64(step.ret ?? "");
    if (!equal(got.return, expected)) out.push(`return ${toBase64(got.return)} instead of ${step.ret ?? ""}`);
    const root = this.vm.flush().toString();
    if (step.root !== undefined && root !== step.root) out.push(`state root ${root} instead of ${step.root}`);
    return out;
  }

  /** Gas of an implicit message, which only the trace knows. */
  private implicitGas(): number | undefined {
    return this.tracing ? decodeTrace(this.vm.trace())[0]?.gasUsed : undefined;
  }
}

function scenarioHost(blocks: ReadonlyMap<string, Uint8Array>): VmHost {
  const draw = (kind: string, tag: number, epoch: number, entropy: Uint8Array): Uint8Array => {
    const digest = sha256(new TextEncoder().encode(`${kind} ${epoch}`));
    return drawFromDigest(digest, tag, epoch, entropy);
  };
  return {
    peek: (cid) => blocks.get(cidKey(cid)),
    ticketRandomness: (tag, epoch, entropy) => draw("chain", tag, epoch, entropy),
    beaconRandomness: (tag, epoch, entropy) => draw("beacon", tag, epoch, entropy),
    verifySeal: (info) => (dagCbor.decode(info) as Uint8Array[])[5]?.[0] === 1,
    verifyPoSt: (info) => (dagCbor.decode(info) as [number, [number, Uint8Array][]])[1]?.[0]?.[1]?.[0] === 1,
  };
}
