/**
 * Reports producers that break the rules of producing: their blocks are watched as they come, and what proves a fault is
 * sent to the miner's actor, which pays the reporter a share of the fine.
 *
 * A report is tried as soon as the head is above the fault's epoch, and on top of some heads more. Where somebody else has
 * reported it, it fails when its gas is estimated; then nothing is sent.
 * Source: lotus chain/gen/slashfilter/slashsvc/slashservice.go.
 */
import { toBase64 } from "../base/bytes.ts";
import { Turns } from "../base/turns.ts";
import { type ConsensusFault, FaultWatcher } from "../consensus/consensus-fault.ts";
import { addressOf, type KeyCrypto, type KeyInfo, signMessage } from "../keys/keys.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { encodeMethodParams } from "../state/state-view.ts";
import type { GasEstimator } from "../stmgr/gas-estimator.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { type BlockHeader, encodeHeader } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";

export type FaultReport = {
  readonly fault: ConsensusFault;
  /** What was sent; null if nothing was, with the reason. */
  readonly sent: SignedMessage | null;
  readonly why: unknown;
};

export type FaultReporterParts = {
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly gas: GasEstimator;
  readonly crypto: KeyCrypto;
  /** Whose message it is; null: faults are told and not reported. */
  readonly payer: () => Promise<KeyInfo | null>;
  readonly onReport?: (report: FaultReport) => void;
};

/** ReportConsensusFault, in all versions of the actors. Source: specs-actors v2.1.0 actors/builtin/methods.go. */
export const REPORT_CONSENSUS_FAULT = 15n;
/** attoFIL that one report may cost in gas. */
const MAX_FEE = 10n ** 18n;
/** Faults that wait for their epoch to pass; more are left to others. */
const MAX_WAITING = 64;
/** Heads on top of which a report is tried. */
const MAX_ATTEMPTS = 3;

export class FaultReporter {
  private readonly parts: FaultReporterParts;
  private readonly watcher = new FaultWatcher();
  private readonly turns = new Turns();
  private waiting: { readonly fault: ConsensusFault; readonly attempt: number }[] = [];

  constructor(parts: FaultReporterParts) {
    this.parts = parts;
  }

  /** Takes a block whose signature is good. */
  see(header: BlockHeader): void {
    const fault = this.watcher.see(header);
    if (fault === null || this.waiting.length >= MAX_WAITING) return;
    this.waiting.push({ fault, attempt: 1 });
    this.headMoved();
  }

  /** Reports what can be reported on top of the head. */
  headMoved(): void {
    const { height } = this.parts.states.chain.head;
    // What is tried on top of the head is tried at the head's epoch.
    const due = this.waiting.filter(({ fault }) => fault.second.height < height);
    if (due.length === 0) return;
    this.waiting = this.waiting.filter((one) => !due.includes(one));
    for (const { fault, attempt } of due) void this.turns.run(() => this.report(fault, attempt));
  }

  /** Resolves when what is being reported is in the pool. */
  idle(): Promise<void> {
    return this.turns.idle();
  }

  private async report(fault: ConsensusFault, attempt: number): Promise<void> {
    const tell = (sent: SignedMessage | null, why: unknown): void => this.parts.onReport?.({ fault, sent, why });
    try {
      const payer = await this.parts.payer();
      if (payer === null) tell(null, "the node has no key that could pay");
      else tell(await this.send(fault, payer), null);
    } catch (error) {
      if (attempt < MAX_ATTEMPTS) this.waiting.push({ fault, attempt: attempt + 1 });
      else tell(null, error);
    }
  }

  private async send({ first, second, witness }: ConsensusFault, payer: KeyInfo): Promise<SignedMessage> {
    const { states, pool, gas, crypto } = this.parts;
    const { head } = states.chain;
    const { code } = await (await states.stateAfter(head)).requireActor(first.miner);
    const params = {
      BlockHeader1: toBase64(encodeHeader(first)),
      BlockHeader2: toBase64(encodeHeader(second)),
      BlockHeaderExtra: witness === null ? "" : toBase64(encodeHeader(witness)),
    };
    const from = addressOf(crypto, payer);
    const message = {
      to: first.miner,
      from,
      value: 0n,
      gasLimit: 0n,
      gasFeeCap: 0n,
      gasPremium: 0n,
      method: REPORT_CONSENSUS_FAULT,
      params: encodeMethodParams(code, REPORT_CONSENSUS_FAULT, params, states.network.prefix),
    };
    return pool.pushNext(from, async (nonce) =>
      signMessage(
        crypto,
        payer,
        await gas.complete({ ...message, nonce }, { maxFee: MAX_FEE, maximizeFeeCap: false }, head),
      ),
    );
  }
}
