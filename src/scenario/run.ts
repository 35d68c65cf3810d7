/** Runs a scenario on a network of its own, in memory. */
import { checkNames, type OptionNames } from "../base/options.ts";
import { Devnet } from "../node/devnet.ts";
import { tipsetKeyText } from "../types/block-header.ts";
import { refuseFiles } from "./files.ts";
import { type Done, Lab } from "./lab.ts";
import type { NodesDone } from "./nodes-lab.ts";
import { badScenario, readScenario } from "./read.ts";
import { isOfNodes, type LabScenario } from "./types.ts";

export type ScenarioOutcome = {
  readonly name: string;
  readonly seed: string;
  readonly steps: number;
  /** The head after the last step: another run with the same seed comes to the same. */
  readonly epoch: number;
  readonly head: string;
  /** Of a network of several nodes: where the chain of each ends; `epoch` and `head` are those of the first that is up. */
  readonly nodes?: readonly { readonly isUp: boolean; readonly epoch: number; readonly head: string }[];
};
export type ScenarioOptions = {
  /** In place of the scenario's. */
  readonly seed?: string;
  /** Whether steps may call methods that read or write files; default true. What comes as data from others should not. */
  readonly files?: boolean;
  readonly onStep?: (done: Done | NodesDone) => void;
  /** Is given the network after the last step, before it is closed; of a network of several nodes there is none to give. */
  readonly onEnd?: (net: Devnet) => Promise<void>;
};

const OPTIONS: OptionNames<ScenarioOptions> = { seed: true, files: true, onStep: true, onEnd: true };

const SEED = "scenario";
const ACCOUNTS = 10;

/** Throws `OptionError`, and `ScenarioError`: BAD_SCENARIO before anything is done, STEP_FAILED, EXPECTATION_FAILED. */
export async function runScenario(given: unknown, options: ScenarioOptions = {}): Promise<ScenarioOutcome> {
  checkNames("runScenario", options, OPTIONS);
  const { seed: other, files = true, onStep, onEnd } = options;
  const scenario = readScenario(given);
  if (!files) refuseFiles(scenario);
  const seed = other ?? scenario.network?.seed ?? SEED;
  if (isOfNodes(scenario)) {
    if (onEnd !== undefined) badScenario("network.nodes", "a network of several nodes cannot be handed on or saved");
    return runNodes(scenario, seed, onStep);
  }
  const { name, network = {}, steps } = scenario;
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

async function runNodes(
  { name, network, steps }: Extract<LabScenario, { readonly network: { readonly nodes: number } }>,
  seed: string,
  onStep: ScenarioOptions["onStep"],
): Promise<ScenarioOutcome> {
  // Few scenarios need the simulator.
  const { NodesLab } = await import("./nodes-lab.ts");
  const lab = await NodesLab.open({ accounts: ACCOUNTS, ...network, seed });
  for (const step of steps) {
    const done = await lab.play(step);
    onStep?.(done);
  }
  const nodes = lab.network.indexes.map((node) => {
    const { height, key } = lab.network.spine(node).head;
    return { isUp: lab.network.isOn(node), epoch: height, head: key };
  });
  const { epoch, head } = nodes.find(({ isUp }) => isUp) ?? (nodes[0] as (typeof nodes)[number]);
  return { name, seed, steps: steps.length, epoch, head, nodes };
}
