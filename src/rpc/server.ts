/**
 * The RPC server: guards, tokens and limits in front of the dispatcher.
 *
 * Paths `/rpc/v0` and `/rpc/v1` (and "/") answer the same methods. Without a token a client has `anonymous`
 * permissions: all of them on a development network bound to loopback, `read` otherwise.
 */
import { platform } from "#platform";
import type { Server } from "../platform/server.ts";
import { type Permission, verifyToken } from "./auth.ts";
import { type Dispatcher, RPC_LIMITS, type Session } from "./dispatcher.ts";
import { type GuardOptions, hostAllowed, originAllowed } from "./guard.ts";

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
      dispatcher.handle(body, { permissions: permissionsOf(head.token), channels: new Map() }, signal),
    onSocket(head, socket) {
      const abort = new AbortController();
      const session: Session = {
        permissions: permissionsOf(head.token),
        push: (text) => socket.send(text),
        channels: new Map(),
      };
      let pending = 0;
      return {
        onText(text) {
          if (++pending > RPC_LIMITS.channelsPerSession * 4) {
            socket.close();
            return;
          }
          dispatcher
            .handle(text, session, abort.signal)
            .then((reply) => {
              if (reply !== null) socket.send(reply);
            })
            .finally(() => pending--);
        },
        onClose() {
          abort.abort();
          dispatcher.close(session);
        },
      };
    },
  });
}
