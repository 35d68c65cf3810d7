/** `filigree devnet`: a local network that accepts messages, until it is told to stop. */
import { createServer } from "node:net";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { toBase64, toHex } from "../../base/bytes.ts";
import { describeError } from "../../base/errors.ts";
import type { PoolNote } from "../../mpool/pool.ts";
import { isDamage } from "../../node/damage.ts";
import { type DevAccount, Devnet } from "../../node/devnet.ts";
import type { MachinePlace } from "../../node/machines.ts";
import { formatFil, parseFil } from "../../types/amount.ts";
import type { Tipset } from "../../types/block-header.ts";
import { signedMessageCid } from "../../types/message.ts";

type Options = {
  readonly accounts: number;
  readonly balance?: bigint;
  readonly seed?: string;
  readonly blockTime: number;
  readonly genesisTime?: number;
  readonly port: number;
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly cors: readonly string[];
  readonly data?: string;
  readonly memory?: boolean;
  readonly machine: MachinePlace;
  readonly reset?: boolean;
  readonly repair?: boolean;
  readonly json?: boolean;
};

const DEFAULT_SEED = "filigree";
const DEFAULT_DATA = ".filigree/devnet";
/** FIL; named in the help by hand, as commander shows defaults as JSON, which has no bigint. */
const DEFAULT_BALANCE = "1000000";
/** Genesis time of networks whose seed is given: the main network's, so that the same seed gives the same CIDs. */
const FIXED_GENESIS_TIME = 1_598_306_400;

function wholeNumber(low: number, high: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`a whole number from ${low} to ${high} is needed.`);
    return value;
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 3600) throw new InvalidArgumentError("0 to 3600 seconds are allowed.");
  return value;
}

function fil(text: string): bigint {
  try {
    return parseFil(text);
  } catch {
    throw new InvalidArgumentError('an amount of FIL such as "10000" or "1.5" is needed.');
  }
}

function epochSeconds(text: string): number {
  return text === "now" ? Math.floor(Date.now() / 1000) : wholeNumber(0, 4_294_967_295)(text);
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

export function registerDevnet(program: Command): void {
  program
    .command("devnet")
    .description("start a local Filecoin network: offline, single producer, ten funded accounts")
    .option("--accounts <n>", "funded accounts", wholeNumber(1, 100), 10)
    .option("--balance <FIL>", `FIL on each address (default: ${DEFAULT_BALANCE})`, fil)
    .option("--seed <text>", "decides keys, genesis and beacon; given, the genesis time is fixed too")
    .option("--block-time <seconds>", "seconds between epochs; 0 makes a tipset when a message arrives", seconds, 1)
    .option("--genesis-time <unix|now>", "time of the genesis block", epochSeconds)
    .option("--port <n>", "port of the JSON-RPC server; 0 takes a free one", wholeNumber(0, 65535), 1234)
    .option("--host <address>", "address to listen on; any but loopback needs tokens", "127.0.0.1")
    .option("--allow-host <name>", "further Host header to accept (repeatable)", collect, [])
    .option("--cors <origin>", "origin of pages that may call (repeatable)", collect, [])
    .option("--data <folder>", `where the chain is kept (default: ${DEFAULT_DATA})`)
    .option("--memory", "keep nothing on disk")
    .addOption(
      new Option("--machine <place>", "where messages are executed").choices(["worker", "thread"]).default("worker"),
    )
    .option("--reset", "forget an earlier network in the data folder")
    .option("--repair", "go on with what can be read of a damaged data folder")
    .option("--json", "one JSON object a line instead of text")
    .action(run);
}

async function run(options: Options, command: Command): Promise<void> {
  const seed = options.seed ?? DEFAULT_SEED;
  const data = options.memory === true ? null : path.resolve(options.data ?? DEFAULT_DATA);
  // What is made from here on is for its owner alone.
  process.umask(0o077);
  // Looked at first: a port that is taken must not cost the earlier network.
  await portIsFree(options.host, options.port);
  const now = Math.floor(Date.now() / 1000);
  const net = await Devnet.open({
    accounts: options.accounts,
    balance: options.balance ?? parseFil(DEFAULT_BALANCE),
    seed,
    blockTime: options.blockTime,
    genesisTime: options.genesisTime ?? (options.seed === undefined ? now : FIXED_GENESIS_TIME),
    data,
    reset: options.reset === true,
    repair: options.repair === true,
    version: command.parent?.version() ?? "",
    machine: options.machine,
  });
  try {
    await serveUntilStopped(net, options, seed, data);
  } finally {
    await net.close();
  }
}

/** Serves and mines until a signal, or until the data turns out to be damaged, which is thrown. */
async function serveUntilStopped(net: Devnet, options: Options, seed: string, data: string | null): Promise<void> {
  const { url } = await net.serve({
    host: options.host,
    port: options.port,
    allowHosts: options.allowHost,
    allowOrigins: options.cors,
  });
  const print = options.json === true ? printJson : printText;
  print.start(net, url, seed, data);
  net.services.chain.onHeadChange((changes) => {
    for (const { type, tipset } of changes) if (type === "apply") print.tipset(net, tipset);
  });
  net.node.pool.onNote((note) => print.note(net, note));
  const damaged = new Promise<never>((_, reject) => {
    net.clock.onError = (error) => {
      if (isDamage(error)) reject(error);
      else print.error(error);
    };
  });
  const working = (async () => {
    await net.clock.mine(1);
    net.clock.start();
    await stopSignal();
  })();
  await Promise.race([working, damaged]);
  print.stop();
}

/** Throws the system's error if the address cannot be listened on. */
async function portIsFree(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function secretsOf(account: DevAccount) {
  return { secp256k1: toHex(account.keys.secp256k1.secret), bls: toHex(account.keys.bls.secret) };
}

const printText = {
  start(net: Devnet, url: string, seed: string, data: string | null): void {
    const { letter, chainId, name } = net.network;
    const lines = [
      `Filigree devnet "${name}" (single producer, no election yet)`,
      "",
      `Accounts, ${formatFil(net.options.balance)} FIL on each address. THESE KEYS ARE PUBLIC: never use them on a real network.`,
    ];
    net.accounts.forEach((account, i) => {
      const secrets = secretsOf(account);
      lines.push(
        `  (${i}) ${account.id.toString(letter)}  ${account.secp256k1.toString(letter)}  secp256k1 key ${secrets.secp256k1}`,
        `      ${account.blsId.toString(letter)}  ${account.bls.toString(letter)}`,
        `      BLS key ${secrets.bls} (little-endian)   0x forms ${account.ethereum} ${account.blsEthereum}`,
      );
    });
    lines.push(
      "",
      `Chain id   ${chainId}`,
      `Miner      ${net.miner.toString(letter)}`,
      `Seed       ${seed}`,
      `Data       ${data ?? "in memory"}`,
      `Mining     ${net.options.blockTime === 0 ? "when a message arrives" : `every ${net.options.blockTime} s`}`,
      `JSON-RPC   ${url}  (and ${url.replace("http", "ws")})`,
      "",
    );
    process.stdout.write(`${lines.join("\n")}\n`);
  },
  tipset(net: Devnet, tipset: Tipset): void {
    process.stdout.write(`epoch ${tipset.height}  ${tipset.key.join(" ")}  pending ${net.services.pool.size}\n`);
  },
  note(net: Devnet, { kind, signed, reason }: PoolNote): void {
    const { from, nonce } = signed.message;
    const what = kind === "dropped" ? "was dropped" : "waits";
    const sender = from.toString(net.network.letter);
    process.stderr.write(`message ${signedMessageCid(signed)} of ${sender}, nonce ${nonce}, ${what}: ${reason}\n`);
  },
  error(error: unknown): void {
    process.stderr.write(`mining failed: ${describeError(error)}\n`);
  },
  stop(): void {
    process.stdout.write("stopping\n");
  },
};

const printJson = {
  start(net: Devnet, url: string, seed: string, data: string | null): void {
    const { letter, chainId, name } = net.network;
    const accounts = net.accounts.map((account) => ({
      id: account.id.toString(letter),
      secp256k1: account.secp256k1.toString(letter),
      bls: account.bls.toString(letter),
      blsId: account.blsId.toString(letter),
      ethereum: account.ethereum,
      balance: account.balance.toString(),
      keys: secretsOf(account),
      lotusKeys: {
        secp256k1: { Type: "secp256k1", PrivateKey: toBase64(account.keys.secp256k1.secret) },
        bls: { Type: "bls", PrivateKey: toBase64(account.keys.bls.secret) },
      },
    }));
    const producer = "single producer";
    const miner = net.miner.toString(letter);
    line({ event: "start", network: name, chainId, seed, data, url, producer, miner, keysArePublic: true, accounts });
  },
  tipset(net: Devnet, tipset: Tipset): void {
    const key = tipset.key.map(String);
    line({ event: "tipset", epoch: tipset.height, key, pending: net.services.pool.size });
  },
  note(_: Devnet, { kind, signed, reason }: PoolNote): void {
    line({ event: "message", state: kind, cid: signedMessageCid(signed).toString(), reason });
  },
  error(error: unknown): void {
    line({ event: "error", message: describeError(error) });
  },
  stop(): void {
    line({ event: "stop" });
  },
};

function line(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
