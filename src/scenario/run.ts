/** Runs a scenario on a network of its own, in memory. */
import { Devnet } from "../node/devnet.ts";
import { tipsetKeyText } from "../types/block-header.ts";
import { refuseFiles } from "./files.ts";
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
  /** Whether steps may call methods that read or write files; default true. What comes as data from others should not. */
  readonly files?: boolean;
  readonly onStep?: (done: Done) => void;
  /** Is given the network after the last step, before it is closed. */
  readonly onEnd?: (net: Devnet) => Promise<void>;
};

const SEED = "scenario";
const ACCOUNTS = 10;

/** Throws `ScenarioError`: BAD_SCENARIO before anything is done, STEP_FAILED, EXPECTATION_FAILED. */
export async function runScenario(
  given: unknown,
  { seed: other, files = true, onStep, onEnd }: ScenarioOptions = {},
): Promise<ScenarioOutcome> {
  const scenario = readScenario(given);
  if (!files) refuseFiles(scenario);
  const { name, network = {}, steps } = scenario;
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
