/** What `filigree miner init` and `filigree miner run` do; loaded when it is needed: other commands start without it. */
import path from "node:path";
import type { Command } from "commander";
import { platform } from "#platform";
import { describeError, isFilError } from "../base/errors.ts";
import { loadCrypto } from "../core/crypto.ts";
import { Keystore } from "../keys/keystore.ts";
import { kindOf } from "../miner/sealing/states.ts";
import { isDamage } from "../node/damage.ts";
import {
  askNetwork,
  initGenesisMiner,
  initMiner,
  initNewMiner,
  MinerProcess,
  notInitialised,
  readSettings,
} from "../node/miner-process/index.ts";
import { checkRpcOptions } from "../node/rpc-part.ts";
import { openSectorFolder } from "../node/sector-home.ts";
import { tokenSecret } from "../node/token-secret.ts";
import { TableStore } from "../storage/table-store.ts";
import { Address } from "../types/address.ts";
import { parseFil } from "../types/amount.ts";
import { UnreachableError, UsageError } from "./errors.ts";
import { interruptible, stoppedBy, stopSignal } from "./interrupt.ts";
import { keepToken, tokenText } from "./kept-token.ts";
import { nodeOutput, tellAway } from "./node-output.ts";
import { DEFAULT_MINER_DATA, DEFAULT_MINER_FUNDS } from "./options.ts";
import { KEYS_GO_ON, proofsText, shownKeys } from "./real-proofs.ts";
import { NodeRefusal, Remote, type RemoteOptions, say } from "./remote.ts";

export type InitOptions = RemoteOptions & {
  readonly data: string;
  readonly actor?: string;
  readonly genesis?: true;
  readonly owner?: string;
  readonly worker?: string;
  readonly funds?: bigint;
};

export type RunOptions = RemoteOptions & {
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly cors: readonly string[];
  readonly mine: boolean;
  readonly repair?: boolean;
  readonly params: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
};

async function openKeys(data: string, prefix: "f" | "t") {
  const crypto = await loadCrypto();
  const secrets = await platform.openSecrets(data);
  const { randomBytes } = platform;
  // Only local networks have miners of their own process: as there, keys lie in the folder without a passphrase.
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, local: true, prefix }, "");
  return { crypto, keystore, secrets };
}

const calls = (remote: Remote) => ({
  request: (method: string, ...params: readonly unknown[]) => remote.call(method, ...params),
  isRefusal: (error: unknown) => error instanceof NodeRefusal,
});

export async function init(options: InitOptions): Promise<void> {
  const { actor, genesis, owner, worker } = options;
  if (genesis !== undefined && actor === undefined)
    throw new UsageError("--genesis needs --actor <address>: which of the genesis' miners");
  if (actor !== undefined && (owner ?? worker ?? options.funds) !== undefined)
    throw new UsageError("--owner, --worker and --funds are of a new miner: leave out --actor");
  process.umask(0o077);
  const remote = await Remote.open(options);
  const network = await askNetwork(calls(remote).request);
  const data = path.resolve(options.data);
  const address = async (name: string, option: string): Promise<Address> =>
    Address.parse(await remote.address(name, option));
  const isNew = (await platform.fileKind(data)) === null;
  let isBlank = false;
  const store = await TableStore.open(data, platform.openTable);
  try {
    const { crypto, keystore } = await openKeys(data, network.prefix);
    const folder = await openSectorFolder(data, { network: network.genesis, store });
    try {
      const settings = await interruptible(async (signal) => {
        const parts = {
          ...{ store, folder, keystore, crypto, network, signal },
          ...calls(remote),
          randomBytes: platform.randomBytes,
          wait: (method: string, params: readonly unknown[], until: AbortSignal) => remote.wait(method, params, until),
          say: (text: string) => void (options.json !== true && process.stderr.write(`${text}\n`)),
        };
        if (actor !== undefined) {
          const miner = await address(actor, "--actor");
          return genesis === true ? initGenesisMiner(parts, miner) : initMiner(parts, miner);
        }
        return initNewMiner(parts, {
          owner: await address(owner ?? "default", "--owner"),
          worker: worker === undefined ? null : await address(worker, "--worker"),
          funds: options.funds ?? parseFil(DEFAULT_MINER_FUNDS),
        });
      }, "the same command again: what was sent is waited for, and not sent twice");
      const name = settings.miner.toString(network.prefix);
      say(options.json, { miner: name, network: network.name, data, sectors: settings.presealed.length }, [
        `the miner ${name} of "${network.name}" in ${data}${settings.presealed.length === 0 ? "" : `, with ${settings.presealed.length} sealed ${settings.presealed.length === 1 ? "sector" : "sectors"}`}`,
        `run it: filigree miner run${options.data === DEFAULT_MINER_DATA ? "" : ` --data ${options.data}`} --rpc ${remote.url}`,
      ]);
    } catch (error) {
      const kept = await store.metadataWith("miner/");
      isBlank = kept.length === 0 && keystore.list().length === 0 && (await folder.sectors()).length === 0;
      throw error;
    } finally {
      await folder.close();
    }
  } finally {
    await store.close();
    // Of a miner that was refused, before anything was sent for it or kept, nothing is left.
    if (isNew && isBlank) await platform.folders?.remove(data);
  }
}

/** Milliseconds between two questions for a node that is not there. */
const RETRY_MS = 1000;

/** Waits for the node, and says so once: how its network spells addresses; null if this process is to stop first. */
async function whenThere(
  remote: Remote,
  output: ReturnType<typeof nodeOutput>,
  stopped: Promise<void>,
): Promise<"f" | "t" | null> {
  let isStopped = false;
  void stopped.then(() => {
    isStopped = true;
  });
  for (let told = false; !isStopped; told = true) {
    try {
      return await remote.prefix();
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      if (!told)
        output.say([`waiting for the node at ${remote.url}: ${describeError(error)}`], {
          event: "waiting",
          node: remote.url,
        });
    }
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, RETRY_MS))]);
  }
  return null;
}

export async function run(options: RunOptions, command: Command): Promise<void> {
  process.umask(0o077);
  const data = path.resolve(options.data);
  const { host, port, allowHost: allowHosts, cors: allowOrigins } = options;
  checkRpcOptions({ host, port, allowHosts, allowOrigins });
  const loudness = { json: options.json === true, quiet: options.quiet === true, verbose: options.verbose === true };
  const output = nodeOutput(loudness, "miner");
  const stopped = stopSignal();
  const remote = await Remote.open(options);
  const open = { repair: options.repair === true, create: false };
  const store = await TableStore.open(data, platform.openTable, open).catch((cause: unknown) => {
    throw isFilError(cause, "MISSING") ? notInitialised(cause) : cause;
  });
  let damaged: (error: unknown) => void = () => undefined;
  const damage = new Promise<never>((_, reject) => {
    damaged = reject;
  });
  damage.catch(() => undefined);
  let miner: Awaited<ReturnType<typeof MinerProcess.open>>;
  const { clear, params } = shownKeys(options.params, stoppedBy(KEYS_GO_ON));
  try {
    const settings = await readSettings(store);
    if (settings === null) throw notInitialised();
    const opened = await whenThere(remote, output, stopped);
    if (opened === null) {
      await store.close();
      return;
    }
    const { crypto, keystore, secrets } = await openKeys(data, opened);
    miner = await MinerProcess.open({
      params,
      ...{ store, settings, data, keystore, crypto },
      ...calls(remote),
      version: command.parent?.parent?.version() ?? "",
      mines: options.mine,
      tokenSecret: await tokenSecret(secrets),
      onMining: (event) => {
        if (event.kind === "rival" || (event.kind === "failed" && isDamage(event.error))) damaged(event.error);
        // It ends the process, with its error.
        if (event.kind !== "rival") output.mining(0, event);
      },
      onSector: ({ number, state, error }) => {
        const why = error === null ? "" : `: ${error.text}`;
        const text = `sector ${number} is ${state}${why}`;
        if (kindOf(state) === "failed" || state === "FailedUnrecoverable") output.fault(0, "sealing", new Error(text));
        else if (loudness.json) output.say([], { event: "sector", sector: number, state });
        else if (loudness.verbose) output.say([text], {});
      },
      onFault: (sectors, why) =>
        output.fault(0, "proving", new Error(`sectors ${sectors.join(", ")} cannot be proved: ${why}`)),
    });
  } catch (error) {
    await store.close();
    throw error;
  } finally {
    clear();
  }
  try {
    const { url, port: served } = await miner.serve({ host, port, allowHosts, allowOrigins });
    const secret = await tokenSecret(await platform.openSecrets(data));
    const token = await keepToken({ host, port: served }, secret, data);
    const name = miner.miner.address.toString(miner.network.prefix);
    const work = miner.mines ? "mines, seals and proves" : "seals and proves";
    const why = miner.network.takesBlocks ? "--no-mine" : "this network's one process makes all blocks";
    output.say(
      [
        `JSON-RPC   ${url}`,
        `Miner      ${name} of "${miner.network.name}": ${work} against ${remote.url}${miner.mines ? "" : ` (${why})`}`,
        `Proofs     ${proofsText(miner.network.proofs)}`,
        `Data       ${data}`,
        ...(token === null ? [] : [`Token      ${tokenText(token, data)}`]),
        "",
      ],
      {
        event: "start",
        url,
        ...(token === null ? {} : { tokenFile: token.file }),
        miner: name,
        node: remote.url,
        mines: miner.mines,
        data,
      },
    );
    await tellAway(output, 0, miner.sealing);
    await Promise.race([stopped, damage]);
    output.say([], { event: "stop" });
  } finally {
    await miner.stop().catch((error: unknown) => {
      output.fault(0, "stop", new Error(describeError(error)));
    });
  }
}
