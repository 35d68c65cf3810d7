/** The files of commands, each with the names that it registers: a run loads only the one that it is for. */
import type { Command } from "commander";

type CommandFile = {
  readonly names: readonly string[];
  readonly load: () => Promise<(program: Command) => void>;
};

/** In the order of the help. */
export const COMMANDS: readonly CommandFile[] = [
  { names: ["commp"], load: async () => (await import("./commands/commp.ts")).registerCommp },
  { names: ["conformance"], load: async () => (await import("./commands/conformance.ts")).registerConformance },
  { names: ["devnet"], load: async () => (await import("./commands/devnet.ts")).registerDevnet },
  { names: ["lab"], load: async () => (await import("./commands/lab.ts")).registerLab },
  { names: ["scenario"], load: async () => (await import("./commands/scenario.ts")).registerScenario },
  { names: ["node"], load: async () => (await import("./commands/node.ts")).registerNode },
  {
    names: ["balance", "send", "wait", "call"],
    load: async () => (await import("./commands/send.ts")).registerSend,
  },
  { names: ["chain"], load: async () => (await import("./commands/chain.ts")).registerChain },
  { names: ["miner"], load: async () => (await import("./commands/miner.ts")).registerMiner },
  { names: ["mpool"], load: async () => (await import("./commands/mpool.ts")).registerMpool },
  { names: ["net"], load: async () => (await import("./commands/net.ts")).registerNet },
  { names: ["sync"], load: async () => (await import("./commands/sync.ts")).registerSync },
  {
    names: ["wallet", "account"],
    load: async () => (await import("./commands/wallet.ts")).registerWallet,
  },
  { names: ["client"], load: async () => (await import("./commands/client.ts")).registerClient },
  { names: ["provider"], load: async () => (await import("./commands/provider.ts")).registerProvider },
  { names: ["retr"], load: async () => (await import("./commands/retr.ts")).registerRetr },
  { names: ["paych"], load: async () => (await import("./commands/paych.ts")).registerPaych },
  { names: ["auth"], load: async () => (await import("./commands/auth.ts")).registerAuth },
  { names: ["replay"], load: async () => (await import("./commands/replay.ts")).registerReplay },
  { names: ["seal"], load: async () => (await import("./commands/seal.ts")).registerSeal },
  { names: ["unseal"], load: async () => (await import("./commands/unseal.ts")).registerUnseal },
  { names: ["prove"], load: async () => (await import("./commands/prove.ts")).registerProve },
  { names: ["verify"], load: async () => (await import("./commands/verify.ts")).registerVerify },
  { names: ["state"], load: async () => (await import("./commands/state.ts")).registerState },
  { names: ["bundle"], load: async () => (await import("./commands/bundle.ts")).registerBundle },
  { names: ["params"], load: async () => (await import("./commands/params.ts")).registerParams },
  { names: ["worker", "store"], load: async () => (await import("./commands/worker.ts")).registerWorker },
];

/** Registers the commands of the file that has `name`; all, for help and for suggestions, where no file has it. */
export async function registerCommands(program: Command, name: string | undefined): Promise<void> {
  const found = COMMANDS.find(({ names }) => name !== undefined && names.includes(name));
  const loaded = await Promise.all((found === undefined ? COMMANDS : [found]).map(({ load }) => load()));
  for (const register of loaded) register(program);
}
