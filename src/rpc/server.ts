/**
 * The RPC server: guards, tokens and limits in front of the dispatcher.
 *
 * Paths `/rpc/v0` and `/rpc/v1` (and "/") answer the same methods. Without a token a client has `anonymous`
 * permissions: all of them on a development network bound to loopback, `read` otherwise.
 */
import { platform } from "#platform";
import type { Server } from "../platform/server.ts";
import { type Permission, verifyToken } from "./auth.ts";
import { type Dispatcher, RPC_LIMITS } from "./dispatcher.ts";
import { type GuardOptions, hostAllowed, originAllowed } from "./guard.ts";
import { Session } from "./session.ts";
import type { ApiVersion } from "./versions.ts";

export type RpcServerOptions = GuardOptions & {
  readonly host: string;
  readonly port: number;
  readonly secret: Uint8Array;
  readonly anonymous: readonly Permission[];
  /** Answer to GET requests of a path, for pages and descriptions. */
  readonly page?: (path: string) => { readonly type: string; readonly text: string } | null;
};

const PATHS = ["/", "/rpc/v0", "/rpc/v1"];
const BACKLOG_BYTES = 16 << 20;

/** Starts the server; throws the platform's error if the port is taken. */
export async function startRpcServer(dispatcher: Dispatcher, options: RpcServerOptions): Promise<Server> {
  const permissionsOf = (token: string | undefined): readonly Permission[] =>
    token === undefined ? options.anonymous : verifyToken(options.secret, token, Math.floor(platform.now() / 1000));
  return platform.serve({
    host: options.host,
    port: options.port,
    maxBodyBytes: RPC_LIMITS.bodyBytes,
    backlogBytes: BACKLOG_BYTES,
    admit(head) {
      if (!hostAllowed(head.host, options)) return { status: 403, text: "Host header not allowed" };
      if (!originAllowed(head.origin, options)) return { status: 403, text: "Origin not allowed" };
      if (head.method !== "GET" && !PATHS.includes(head.path)) return { status: 404, text: "not found" };
      try {
        permissionsOf(head.token);
      } catch {
        return { status: 401, text: "token not accepted" };
      }
      return null;
    },
    onGet: (head) => options.page?.(head.path) ?? null,
    onRequest: (head, body, signal) =>
      dispatcher.handle(
        body,
        new Session({ permissions: permissionsOf(head.token), version: versionOf(head.path) }),
        signal,
      ),
    onSocket(head, socket) {
      const abort = new AbortController();
      const session = new Session({
        permissions: permissionsOf(head.token),
        version: versionOf(head.path),
        push: (text) => socket.send(text),
      });
      return {
        onText(text) {
          dispatcher.answer(text, session, abort.signal, (reply) => socket.send(reply)).catch(() => socket.close());
        },
        onClose() {
          abort.abort();
          session.close();
        },
      };
    },
  });
}

function versionOf(path: string): ApiVersion {
  return path === "/rpc/v0" ? "v0" : "v1";
}
