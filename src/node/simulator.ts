/** Calls without consequences, on the state after a tipset: for StateCall and gas estimates. */
import type { ChainStore } from "../chain/chain-store.ts";
import type { Applied } from "../core/vm.ts";
import type { Execution, ExecutionRules, MessageInput, RandomnessSource } from "../exec/types.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import type { CallOutcome, Simulator } from "../rpc/services.ts";
import { StateView } from "../state/state-view.ts";
import type { Tipset } from "../types/block-header.ts";
import { encodeMessage, type Message } from "../types/message.ts";

/** Bytes that a secp256k1 signature adds to a message on chain. */
const SIGNATURE_BYTES = 69;

export type SimulatorParts = {
  readonly chain: ChainStore;
  readonly executor: Execution;
  readonly rules: ExecutionRules;
  readonly randomness: () => RandomnessSource;
  readonly now: () => number;
};

function lengthOf(message: Message): number {
  const bare = encodeMessage(message).length;
  return message.from.protocol === 3 ? bare : bare + SIGNATURE_BYTES;
}

export function makeSimulator(parts: SimulatorParts): Simulator {
  const { chain, executor, rules } = parts;
  return {
    async call(message: Message, tipset: Tipset, before: readonly Message[] = []): Promise<CallOutcome> {
      const { stateRoot } = await chain.result(tipset);
      const view = await StateView.open(chain.blocks, stateRoot);
      const sender = await view.requireActor(message.from);
      const line = before.filter((one) => one.nonce >= sender.nonce).sort((a, b) => (a.nonce < b.nonce ? -1 : 1));
      const epoch = tipset.height + 1;
      const started = parts.now();
      const context = {
        stateRoot,
        epoch,
        networkVersion: rules.networkVersionAt(epoch),
        // Nothing is burnt and the sender need not be rich: only the outcome and the gas are wanted.
        baseFee: 0n,
        circulatingSupply: rules.circulatingSupply,
      };
      const free = (one: Message, at: number): MessageInput => {
        const gasLimit = one.gasLimit === 0n ? CHAIN_LIMITS.blockGasLimit : one.gasLimit;
        const nonce = sender.nonce + BigInt(at);
        return {
          bytes: encodeMessage({ ...one, nonce, gasLimit, gasFeeCap: 0n, gasPremium: 0n }),
          chainLength: lengthOf(one),
        };
      };
      const outcomes = await executor.simulate(context, [...line, message].map(free), {
        randomness: parts.randomness(),
      });
      const applied = outcomes[line.length] as Applied;
      return {
        receipt: { exitCode: applied.exitCode, return: applied.return, gasUsed: applied.gasUsed },
        cost: {
          gasUsed: applied.gasUsed,
          baseFeeBurn: applied.baseFeeBurn,
          overEstimationBurn: applied.overestimationBurn,
          minerPenalty: applied.minerPenalty,
          minerTip: applied.minerTip,
          refund: applied.refund,
        },
        error: applied.why,
        duration: parts.now() - started,
      };
    },
  };
}
