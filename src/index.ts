/**
 * Filigree: the Filecoin protocol as one portable engine.
 *
 * The parts stand alone under their own sub-paths (`filigree/vm`, `filigree/codec`, `filigree/proofs`); this entry adds
 * the local network that is built of them.
 */
export * from "./codec.ts";
export { type ReplayOptions, type ReplayReport, replayChain } from "./conformance/replay.ts";
export { type RunOutcome, runVector } from "./conformance/run.ts";
export { type Crypto, loadCrypto } from "./core/crypto.ts";
export { type DevAccount, Devnet, type DevnetOptions, type RpcOptions } from "./node/devnet.ts";
export { LocalProving, type LocalProvingOptions } from "./node/local-proving.ts";
export { Lab, type LabSteps } from "./scenario/lab.ts";
export { NodesLab, type NodesSteps } from "./scenario/nodes-lab.ts";
export { runScenario, type ScenarioOptions, type ScenarioOutcome } from "./scenario/run.ts";
export { defineScenario, type LabScenario, type LabStep, type NodesStep, ScenarioError } from "./scenario/types.ts";
export * from "./vm.ts";
