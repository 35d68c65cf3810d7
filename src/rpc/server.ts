/**
 * The RPC server: guards, tokens and limits in front of the dispatcher.
 *
 * `/rpc/v1` (also "/") and `/rpc/v0` answer requests; a GET of "/", "/health" and what lotus answers beside it tells how the
 * node is, or in a browser shows the network (`page-files.ts`); `/ipfs/…` and `/piece/…` give the data of the node's user,
 * `/routing/v1/providers/…` and `/cid/…` who has some. Without a token a client has `anonymous` permissions: all of them on a development network bound to loopback,
 * `read` otherwise.
 */
import { platform } from "#platform";
import { answerIpfs } from "../market/gateway/gateway.ts";
import { PieceGateway } from "../market/gateway/piece.ts";
import { answerRouting, isRouting } from "../market/gateway/routing.ts";
import type { Download, DownloadBegin, Page, Refusal, RequestHead, Server, Socket } from "../platform/server.ts";
import { type Permission, verifyToken } from "./auth.ts";
import { type Dispatcher, RPC_LIMITS } from "./dispatcher.ts";
import { type GuardOptions, hostAllowed, originAllowed } from "./guard.ts";
import { pageDownload } from "./page-files.ts";
import { pageOf } from "./pages.ts";
import { Session } from "./session.ts";
import type { ApiVersion } from "./versions.ts";

export type RpcServerOptions = GuardOptions & {
  readonly host: string;
  readonly port: number;
  readonly secret: Uint8Array;
  readonly anonymous: readonly Permission[];
  /** Answer to GET requests of a path beside those of the interface itself; with it there are no gateways. */
  readonly page?: (path: string) => Page | null;
  /** Milliseconds between the questions whether a socket's client is still there. */
  readonly pingMs?: number;
};

const PATHS = ["/", "/rpc/v0", "/rpc/v1"];
/** Bytes of answers that one client may leave unread. */
const BACKLOG_BYTES = 16 << 20;

function refusalOf(head: RequestHead, options: RpcServerOptions): Refusal | null {
  if (!hostAllowed(head.host, options)) {
    const name = head.host?.replace(/:\d+$/, "") ?? "";
    return {
      status: 403,
      text: `Host header ${JSON.stringify(name)} is not allowed; start the node with --allow-host ${name}`,
    };
  }
  if (!originAllowed(head.origin, options))
    return {
      status: 403,
      text: `pages of ${JSON.stringify(head.origin)} may not call; start the node with --cors ${head.origin}`,
    };
  if (head.method !== "GET" && head.method !== "HEAD" && !PATHS.includes(head.path))
    return { status: 404, text: `not found; the interface is at ${PATHS.slice(1).join(" and ")}`, cors: true };
  return null;
}

/** Starts the server; throws the platform's error if the port is taken. */
export async function startRpcServer(dispatcher: Dispatcher, options: RpcServerOptions): Promise<Server> {
  const permissionsOf = (token: string | undefined): readonly Permission[] =>
    token === undefined ? options.anonymous : verifyToken(options.secret, token, Math.floor(platform.now() / 1000));
  const sessionOf = (head: RequestHead, socket?: Socket): Session =>
    new Session({
      permissions: permissionsOf(head.token),
      version: versionOf(head.path),
      ...(socket === undefined ? {} : { push: (text) => socket.send(text), backlog: () => socket.backlog() }),
    });
  const pieces = new PieceGateway();
  return platform.serve({
    host: options.host,
    port: options.port,
    maxBodyBytes: RPC_LIMITS.bodyBytes,
    backlogBytes: BACKLOG_BYTES,
    ...(options.pingMs === undefined ? {} : { pingMs: options.pingMs }),
    admit(head) {
      const refusal = refusalOf(head, options);
      if (refusal !== null || head.method === "OPTIONS") return refusal;
      try {
        permissionsOf(head.token);
        return null;
      } catch (error) {
        const text = `${(error as Error).message}; make a token on the node's machine with \`filigree auth token --perm <level> --data <the node's data folder>\`, or read its token file`;
        return { status: 401, text, cors: true };
      }
    },
    onDownload: (head, signal) => {
      const begin = options.page === undefined ? downloadOf(dispatcher.node, pieces, head, signal) : null;
      return begin === null || permissionsOf(head.token).includes("read") ? begin : null;
    },
    onGet: (head) => options.page?.(head.path) ?? pageOf(head.path, dispatcher.node),
    onRequest: (head, body, signal) => dispatcher.handle(body, sessionOf(head), signal),
    onSocket(head, socket) {
      const session = sessionOf(head, socket);
      return {
        onText: (text) => dispatcher.answer(text, session, (reply) => socket.send(reply)).catch(() => socket.close()),
        onClose: () => session.close(),
      };
    },
  });
}

/** The gateways to the data of the node's user, who has what, and the page; null for other paths. */
function downloadOf(
  node: Dispatcher["node"],
  pieces: PieceGateway,
  head: RequestHead,
  signal: AbortSignal,
): DownloadBegin | null {
  const { client, content } = node;
  const { path } = head;
  const of = (share: string, begin: () => Promise<Download>): DownloadBegin => ({ share, begin });
  if (path.startsWith("/ipfs/")) return of("data", async () => answerIpfs(await client.store(), head, signal));
  if (path.startsWith("/piece/")) return of("data", async () => pieces.answer(await client.store(), head, signal));
  if (isRouting(path)) return of("routing", () => answerRouting(content, head, signal));
  const page = pageDownload(head, node);
  return page === null ? null : of("the page", page);
}

function versionOf(path: string): ApiVersion {
  return path === "/rpc/v0" ? "v0" : "v1";
}
