/** The RPC server as a part of a node. */
import { checkText, checkWhole } from "../base/options.ts";
import type { Server } from "../platform/server.ts";
import { PERMISSIONS } from "../rpc/auth.ts";
import type { Dispatcher } from "../rpc/dispatcher.ts";
import { readGuard } from "../rpc/guard.ts";
import { type RpcServerOptions, startRpcServer } from "../rpc/server.ts";
import type { Health, Startable } from "./startable.ts";

export type RpcOptions = {
  readonly host: string;
  readonly port: number;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
};

/** Host and port that can be listened on, hosts and origins as headers spell them. Throws `OptionError`. */
export function checkRpcOptions(options: RpcOptions): RpcOptions {
  checkText("host", options.host);
  checkWhole("port", options.port, [0, 65_535]);
  return readGuard(options);
}

export const LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"];
/** Hosts that stand for all of this machine's addresses and are none to call, and what to call instead. */
const ANY_HOST: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** URL of the interface at a host and port. */
export function rpcUrl(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/rpc/v1`;
}

export class RpcPart implements Startable {
  readonly name = "rpc";
  private readonly dispatcher: Dispatcher;
  private readonly secret: Uint8Array;
  private readonly options: RpcOptions;
  private readonly page: RpcServerOptions["page"];
  private server: Server | null = null;

  /** `page`: what is answered to GET requests, in place of what a node says of itself. */
  constructor(dispatcher: Dispatcher, secret: Uint8Array, options: RpcOptions, page?: RpcServerOptions["page"]) {
    this.page = page;
    this.dispatcher = dispatcher;
    this.secret = secret;
    this.options = checkRpcOptions(options);
  }

  /** On loopback all may be done without a token; on any other host reading only. */
  async start(): Promise<void> {
    const { host, port, allowHosts, allowOrigins } = this.options;
    this.server = await startRpcServer(this.dispatcher, {
      host,
      port,
      secret: this.secret,
      anonymous: LOOPBACK_HOSTS.includes(host) ? PERMISSIONS : ["read"],
      allowHosts,
      allowOrigins,
      loopbackOrigins: true,
      ...(this.page === undefined ? {} : { page: this.page }),
    });
  }

  get port(): number {
    return this.server?.port ?? this.options.port;
  }

  /** Where this machine reaches it. */
  get url(): string {
    const { host } = this.options;
    return rpcUrl(ANY_HOST[host] ?? host, this.port);
  }

  async stop(): Promise<void> {
    await this.server?.close();
    this.server = null;
  }

  health(): Health {
    return { status: this.server === null ? "stopped" : "ok" };
  }
}
