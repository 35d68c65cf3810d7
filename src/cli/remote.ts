/** A running node as commands see it: where it is, the token, calls, and the names that people use for addresses. */
import { type Command, InvalidArgumentError } from "commander";
import type { WebSocket } from "ws";
import { AnswerSizeError, exchangeText } from "../base/answer-text.ts";
import { fromHex } from "../base/bytes.ts";
import { isFilError } from "../base/errors.ts";
import { type ConnectOptions, connect, type NodeClient } from "../client.ts";
import { Address, type NetworkPrefix } from "../types/address.ts";
import { parseFil } from "../types/amount.ts";
import { fileError, UnreachableError, UsageError } from "./errors.ts";
import { shellWord } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { DEFAULT_DATA } from "./options.ts";
import { ownTokenFor } from "./own-token.ts";
import { type Answer, type Posted, patientPost } from "./patient-post.ts";
import { readText } from "./read-at-most.ts";
import { plainText } from "./terminal.ts";

export type RemoteOptions = { readonly rpc?: string; readonly tokenFile?: string; readonly json?: true };

const DEFAULT_URL = "http://127.0.0.1:1234/rpc/v1";
/** Seconds that a call may take which does not wait. */
const CALL_SECONDS = 60;
/** Addresses that are the same on every network. */
const SINGLETONS: Readonly<Record<string, bigint>> = {
  ...{ system: 0n, init: 1n, reward: 2n, cron: 3n, power: 4n, market: 5n, verifreg: 6n, burn: 99n },
};

/** The options of every command that speaks with a node. */
export function withRemote(command: Command): Command {
  return command
    .option("--rpc <url>", `the node's JSON-RPC (default: $FILIGREE_RPC, $FULLNODE_API_INFO, ${DEFAULT_URL})`)
    .option(
      "--token-file <file>",
      "file with a token (default: $FILIGREE_TOKEN, which goes to whatever --rpc names, else the token that the local network keeps for its own address)",
    )
    .option("--json", "one JSON object instead of text");
}

/** A command that speaks with the same node, as one would type it next. */
export function nextCommand(command: string, { rpc, tokenFile }: RemoteOptions): string {
  return [
    command,
    ...(rpc === undefined ? [] : ["--rpc", shellWord(rpc)]),
    ...(tokenFile === undefined ? [] : ["--token-file", shellWord(tokenFile)]),
  ].join(" ");
}

/** An amount with its unit; not negative. For options and arguments. */
export function parseAmount(text: string): bigint {
  try {
    const amount = parseFil(text);
    if (amount >= 0n) return amount;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  throw new InvalidArgumentError("an amount is not negative.");
}

/** As `parseAmount`, where nothing would be moved for nothing but a fee. */
export function parsePositive(text: string): bigint {
  const amount = parseAmount(text);
  if (amount > 0n) return amount;
  throw new InvalidArgumentError("more than nothing is needed.");
}

/** `token:/ip4/127.0.0.1/tcp/1234/http` or `token:http://…`, as lotus has it. */
function apiInfo(text: string): { url: string; token?: string } {
  const [, token = "", place = ""] = /^(?:([\w.=-]+):)?(\/(?!\/).*|https?:.*)$/.exec(text.trim()) ?? [];
  const [, host, port] = /^\/(?:ip[46]|dns[46]?)\/([^/]+)\/tcp\/(\d+)(?:\/\w+)?$/.exec(place) ?? [];
  const isUrl = place.startsWith("http");
  if (!isUrl && host === undefined)
    throw new UsageError("FULLNODE_API_INFO is neither <token>:<multiaddress> nor a URL");
  const url = isUrl ? place : `http://${host?.includes(":") ? `[${host}]` : host}:${port}/rpc/v1`;
  return token === "" ? { url } : { url, token };
}

/** What can be done when no node answers. */
const NODE_ADVICE = {
  ECONNREFUSED: "nothing listens there; start a network with `filigree devnet`, or name another with --rpc",
} as const;

/** What a node says of a method that it does not have. */
const UNKNOWN_METHOD = /: method '[^']*' not found$/;

/** What a node says of an address that nobody has, with the address: it says none itself, as the network's error has none. */
const ADDRESS = /^[tf][0-4][a-z0-9]{1,86}$/;
function named(message: string, params: readonly unknown[]): string {
  if (message !== "actor not found") return message;
  const words = params.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : [one]));
  const all = [...new Set(words.filter((one) => typeof one === "string" && ADDRESS.test(one)))];
  if (all.length === 0) return message;
  return `${message}: ${all.join(" or ")} is not on the chain (it is spelled otherwise, or has no funds yet)`;
}

/** What a node says whose wallet is empty. */
const NO_DEFAULT = "this wallet has no default address";

/** The node's own "no": it was reached and it answered. */
export class NodeRefusal extends Error {}

type DescribedAccount = {
  readonly name: string;
  readonly id: string;
  readonly secp256k1: string;
  readonly bls: string;
  /** The account of its Ethereum key, where the network has such accounts: 0x, and f410. */
  readonly ethereum?: string;
  readonly delegated?: string;
};

type Described = {
  readonly accounts: readonly DescribedAccount[];
  /** Of one process's network. */
  readonly miner?: string;
  /** Of one with miners; the first is "miner" where none is named. */
  readonly miners?: readonly { readonly address: string }[];
};

type SocketClass = NonNullable<ConnectOptions["WebSocket"]>;

/** By `fetch`, which knows proxies and keeps connections. */
async function fetched({ url, ...request }: Posted): Promise<Answer> {
  return exchangeText(url, { method: "POST", ...request });
}

export class Remote {
  readonly url: string;
  private readonly token: string | undefined;
  /** As they were typed. */
  private readonly options: RemoteOptions;
  private spelling: Promise<NetworkPrefix> | undefined;
  private described: Promise<Described | null> | undefined;

  private constructor(url: string, token: string | undefined, options: RemoteOptions) {
    this.url = url;
    this.token = token;
    this.options = options;
  }

  static async open(options: RemoteOptions, data = DEFAULT_DATA): Promise<Remote> {
    const { rpc, tokenFile } = options;
    const { FILIGREE_RPC, FULLNODE_API_INFO, FILIGREE_TOKEN } = process.env;
    const place = rpc ?? FILIGREE_RPC;
    const given =
      place === undefined && FULLNODE_API_INFO !== undefined
        ? apiInfo(FULLNODE_API_INFO)
        : { url: place ?? DEFAULT_URL };
    const variable = FILIGREE_RPC === undefined ? "FULLNODE_API_INFO" : "FILIGREE_RPC";
    const from = rpc === undefined ? variable : "--rpc";
    if (!/^https?:\/\/\S+$/.test(given.url))
      throw new UsageError(
        `${from} ${given.url === "" ? "is empty" : given.url}: a URL such as ${DEFAULT_URL} expected`,
      );
    if (tokenFile !== undefined) {
      const text = await readText(tokenFile).catch((cause: NodeJS.ErrnoException) => {
        throw fileError(`cannot read --token-file ${tokenFile}`, cause);
      });
      return new Remote(given.url, text.trim(), options);
    }
    const token = "token" in given ? given.token : FILIGREE_TOKEN;
    return new Remote(given.url, token ?? (await ownTokenFor(data, given.url))?.text, options);
  }

  /** Calls a method of the `Filecoin` namespace, or with a dot in its name of another; throws what the node says. */
  async call<Result>(method: string, ...params: readonly unknown[]): Promise<Result> {
    try {
      return await this.once(method, params);
    } catch (error) {
      if (error instanceof NodeRefusal && UNKNOWN_METHOD.test(error.message)) await this.refuseMiner(error);
      throw error;
    }
  }

  private once<Result>(method: string, params: readonly unknown[]): Promise<Result> {
    return this.request(method, params, AbortSignal.timeout(CALL_SECONDS * 1000), fetched);
  }

  /** Throws where what was asked is a miner's own interface, which knows no chain and no accounts, that its node is to be asked. */
  async refuseMiner(cause?: Error): Promise<void> {
    const miner = await this.once<string>("ActorAddress", []).catch(() => null);
    if (miner === null) return;
    throw new UsageError(
      `${this.url} is the interface of miner ${miner} itself, which has its sectors and folders and knows no more: ask its node, with --rpc`,
      { cause },
    );
  }

  /** As `call`, but null where the node answers with an error; that it cannot be reached is thrown still. */
  async ask<Result>(method: string, ...params: readonly unknown[]): Promise<Result | null> {
    return this.once<Result>(method, params).catch((error: unknown) => {
      if (error instanceof NodeRefusal) return null;
      throw error;
    });
  }

  /** A call that may take as long as `signal` allows. */
  async wait<Result>(method: string, params: readonly unknown[], signal: AbortSignal): Promise<Result> {
    return this.request(method, params, signal, patientPost);
  }

  private async request<Result>(
    name: string,
    params: readonly unknown[],
    signal: AbortSignal,
    post: (posted: Posted) => Promise<Answer>,
  ): Promise<Result> {
    const method = name.includes(".") ? name : `Filecoin.${name}`;
    const auth = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
    const { status, text } = await post({
      url: this.url,
      headers: { "content-type": "application/json", ...auth },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal,
    }).catch((cause: Error) => {
      if (cause.name === "TimeoutError")
        throw new Error(`${this.url} did not answer ${method} within ${CALL_SECONDS} s`);
      if (cause instanceof AnswerSizeError) throw new Error(`${this.url} gives ${cause.message}`, { cause });
      throw signal.aborted ? signal.reason : new UnreachableError(this.url, cause, NODE_ADVICE);
    });
    let reply: { result?: Result; error?: { message?: unknown } };
    try {
      reply = JSON.parse(text) as typeof reply;
      if (typeof reply !== "object" || reply === null) throw new TypeError("an object expected");
    } catch {
      throw new Error(`${this.url}: HTTP ${status}: ${text.trim().slice(0, 300)}`);
    }
    if (reply.error !== undefined) throw new NodeRefusal(`${method}: ${named(String(reply.error.message), params)}`);
    return reply.result as Result;
  }

  /** How the node's network spells addresses. */
  async prefix(): Promise<NetworkPrefix> {
    if (this.spelling !== undefined) return this.spelling;
    const asked = this.call<string>("WalletValidateAddress", "f00").then((own) => (own[0] === "f" ? "f" : "t"));
    asked.catch(() => {
      // A node that was not there may come.
      this.spelling = undefined;
    });
    this.spelling = asked;
    return asked;
  }

  /** A WebSocket to the node, for subscriptions; it can be paused when values come too fast. */
  async socket(): Promise<{ readonly node: NodeClient; pause(): void; resume(): void }> {
    // Loaded here: few commands subscribe, and it is a fifth of what one loads.
    const { WebSocket: Plain } = await import("ws");
    let raw: WebSocket | null = null;
    class Socket extends Plain {
      constructor(...[url, protocols, limits]: ConstructorParameters<SocketClass>) {
        super(url, protocols, limits);
        raw = this;
      }
    }
    const token = this.token === undefined ? {} : { token: this.token };
    const node = connect(this.url.replace(/^http/, "ws"), { ...token, WebSocket: Socket as unknown as SocketClass });
    return { node, pause: () => (raw as WebSocket | null)?.pause(), resume: () => (raw as WebSocket | null)?.resume() };
  }

  /** The local network's own description, or null on any other node. */
  describe(): Promise<Described | null> {
    this.described ??= this.ask<Described>("Devnet.info");
    return this.described;
  }

  /**
   * An address, also as Ethereum spells it, or a name: an account of the local network ("alice", "alice-bls", "miner"), a singleton ("burn"), "default"
   * for the wallet's own. Errors begin with `option`, if the name is an option's value.
   */
  async address(name: string, option?: string): Promise<string> {
    const named = option === undefined ? name : `${option} ${name}`;
    if (/^[ft][0-4]/.test(name)) {
      try {
        Address.parse(name);
      } catch (cause) {
        throw new UsageError(`${named} is no address`, { cause });
      }
      return name;
    }
    if (/^0x/i.test(name)) {
      const digits = /^0x([0-9a-f]{40})$/i.exec(name)?.[1];
      if (digits === undefined) throw new UsageError(`${named} is no address: 0x and 40 hexadecimal digits expected`);
      try {
        return Address.fromEthereum(fromHex(digits.toLowerCase())).toString(await this.prefix());
      } catch (cause) {
        if (!isFilError(cause)) throw cause;
        throw new UsageError(`${named} is no address: no actor has such an id`, { cause });
      }
    }
    if (name === "default") return this.defaultAddress(option);
    const singleton = SINGLETONS[name];
    if (singleton !== undefined) return Address.id(singleton).toString(await this.prefix());
    const known = await this.describe();
    const miner = known?.miner ?? known?.miners?.[0]?.address;
    if (name === "miner" && miner !== undefined) return miner;
    const [, plain, bls] = /^(\w+?)(-bls)?$/.exec(name) ?? [];
    const account = known?.accounts.find((one) => one.name === plain);
    if (account !== undefined) return bls === undefined ? account.secp256k1 : account.bls;
    if (known === null) await this.refuseMiner();
    if (known === null)
      throw new UsageError(
        `${named} is no address, and ${this.url} is no local network, whose accounts have names; give an address`,
      );
    const names = known.accounts.slice(0, 3).map((one) => one.name);
    throw new UsageError(`${named} is no address, and no account of this network (${names.join(", ")}, …)`);
  }

  /** The wallet's default address; `option` is where another can be named. Throws `UsageError` where there is none. */
  async defaultAddress(option?: string): Promise<string> {
    return this.call<string>("WalletDefaultAddress").catch((error: unknown) => {
      if (!(error instanceof NodeRefusal) || !error.message.includes(NO_DEFAULT)) throw error;
      const [make, bring] = ["filigree wallet new", "filigree wallet import <file>"].map((command) =>
        nextCommand(command, this.options),
      );
      const other = option === undefined ? "name an address of the wallet" : `name an address with ${option}`;
      throw new UsageError(`${NO_DEFAULT}: make a key with \`${make}\`, bring one with \`${bring}\`, or ${other}`);
    });
  }

  /** Name of an address on the local network, or the address. */
  async nameOf(address: string): Promise<string> {
    const plain = address.replace(/^f/, "t");
    const account = (await this.describe())?.accounts.find(({ id, secp256k1, bls }) =>
      [id, secp256k1, bls].includes(plain),
    );
    if (account === undefined) return address;
    return plain === account.bls ? `${account.name}-bls` : account.name;
  }
}

/** Prints one JSON object, or lines of text. */
export function say(asJson: boolean | undefined, value: unknown, lines: readonly string[]): void {
  if (asJson === true) printJson(value);
  else process.stdout.write(lines.map((line) => `${plainText(line)}\n`).join(""));
}
