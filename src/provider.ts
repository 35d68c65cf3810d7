/**
 * `filigree/provider`: a local network in this process as an EIP-1193 provider, so that tests of contracts need no port and no second
 * process. In Node, Deno and pages.
 *
 *   const provider = await openProvider({ networkVersion: 23, bundle: await readBundle(bytes) });
 *   await provider.request({ method: "eth_chainId" });
 *   await provider.close();
 */
import { Devnet, type DevnetOptions } from "./node/devnet.ts";
import { PERMISSIONS } from "./rpc/auth.ts";
import { Session } from "./rpc/session.ts";

export { type Bundle, readBundle } from "./exec/bundle.ts";
export { Devnet, type DevnetOptions };

/** What a call asks for. */
export type RequestArguments = { readonly method: string; readonly params?: readonly unknown[] };

/** An address as Ethereum spells it, and the call that tells those of the accounts. */
type EthAddress = `0x${string}`;
type AccountsRequest = { readonly method: "eth_accounts"; readonly params?: readonly [] };

/** Value of a subscription, as `message` tells it. */
export type ProviderMessage = {
  readonly type: "eth_subscription";
  readonly data: { readonly subscription: string; readonly result: unknown };
};

/** EIP-1193: an error with the code of JSON-RPC, and the data of a revert. */
export class ProviderRpcError extends Error {
  override readonly name = "ProviderRpcError";
  readonly code: number;
  readonly data?: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    if (data !== undefined) this.data = data;
  }
}

/** EIP-1193: the provider reaches no chain. */
const DISCONNECTED = 4900;

type Listener = (message: ProviderMessage) => void;
type Reply = {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
};

export class LocalProvider {
  /** The network behind it: its accounts, its clock, its Filecoin methods. */
  readonly network: Devnet;
  private readonly session: Session;
  private readonly listeners = new Set<Listener>();
  private next = 1;
  private closed = false;

  constructor(network: Devnet) {
    this.network = network;
    this.session = new Session({ permissions: PERMISSIONS, push: (text) => this.tell(text) });
  }

  /**
   * Calls a method; rejects with `ProviderRpcError`, of the code 4900 once it is closed. Accounts are typed as clients of Ethereum
   * spell addresses; there is one at least where the network has contracts.
   */
  async request(call: AccountsRequest): Promise<[EthAddress, ...EthAddress[]]>;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of as many shapes as there are methods
  async request<Result = any>(call: RequestArguments): Promise<Result>;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of as many shapes as there are methods
  async request<Result = any>({ method, params = [] }: RequestArguments): Promise<Result> {
    if (this.closed || this.network.isClosed)
      throw new ProviderRpcError(DISCONNECTED, "the network is closed; openProvider opens another");
    const text = JSON.stringify({ jsonrpc: "2.0", id: this.next++, method, params });
    let reply: Reply = {};
    await this.network.dispatcher.answer(text, this.session, (answer) => {
      reply = JSON.parse(answer) as Reply;
    });
    const { error } = reply;
    if (error !== undefined) throw new ProviderRpcError(error.code, error.message, error.data);
    return reply.result as Result;
  }

  /** `message` tells the values of `eth_subscribe`; other events of EIP-1193 never happen: the network is always there. */
  on(event: string, listener: Listener): this {
    if (event === "message") this.listeners.add(listener);
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    if (event === "message") this.listeners.delete(listener);
    return this;
  }

  /** Ends subscriptions and the network. */
  async close(): Promise<void> {
    this.closed = true;
    this.session.close();
    this.listeners.clear();
    await this.network.close();
  }

  private tell(text: string): void {
    const { method, params } = JSON.parse(text) as {
      readonly method: string;
      readonly params: ProviderMessage["data"];
    };
    if (method !== "eth_subscription") return;
    // Each by itself: one that throws is its owner's error, and neither another listener's nor the network's.
    for (const listener of [...this.listeners])
      queueMicrotask(() => listener({ type: "eth_subscription", data: params }));
  }
}

/** Opens a network as `Devnet.open` does, and begins to mine. */
export async function openProvider(options: Partial<DevnetOptions> = {}): Promise<LocalProvider> {
  const network = await Devnet.open(options);
  await network.clock.start();
  // The latest block is the one below the head.
  await network.clock.mine(1);
  return new LocalProvider(network);
}
