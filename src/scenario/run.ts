/** Runs a scenario on a network of its own, in memory. */
import { Devnet } from "../node/devnet.ts";
import { tipsetKeyText } from "../types/block-header.ts";
import { type Done, Lab } from "./lab.ts";
import { readScenario } from "./read.ts";

export type ScenarioOutcome = {
  readonly name: string;
  readonly seed: string;
  readonly steps: number;
  /** The head after the last step: another run with the same seed comes to the same. */
  readonly epoch: number;
  readonly head: string;
};
export type ScenarioOptions = {
  /** In place of the scenario's. */
  readonly seed?: string;
  readonly onStep?: (done: Done) => void;
  /** Is given the network after the last step, before it is closed. */
  readonly onEnd?: (net: Devnet) => Promise<void>;
};

const SEED = "scenario";
const ACCOUNTS = 10;

/** Throws `ScenarioError`: BAD_SCENARIO before anything is done, STEP_FAILED, EXPECTATION_FAILED. */
export async function runScenario(
  given: unknown,
  { seed: other, onStep, onEnd }: ScenarioOptions = {},
): Promise<ScenarioOutcome> {
  const { name, network = {}, steps } = readScenario(given);
  const seed = other ?? network.seed ?? SEED;
  const net = await Devnet.open({ accounts: ACCOUNTS, ...network, seed });
  try {
    const lab = await Lab.open(net);
    for (const step of steps) {
      const done = await lab.play(step);
      onStep?.(done);
    }
    await onEnd?.(net);
    return { name, seed, steps: steps.length, epoch: net.head.height, head: tipsetKeyText(net.head.key) };
  } finally {
    await net.close();
  }
}
