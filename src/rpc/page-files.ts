/**
 * The page that shows the network (`src/page`), as the build left it: "/" for browsers, its parts under "/assets/".
 *
 * Nothing of a request names a file but one plain word; no script or style stands in the document, and none comes from
 * elsewhere.
 */
import { platform } from "#platform";
import { utf8 } from "../base/bytes.ts";
import type { Download, RequestHead } from "../platform/server.ts";
import { builtFile } from "../platform/web.ts";
import type { NodeServices } from "./services.ts";

/** What the build makes: a name, a hash, an ending; maps of sources are not served. */
const ASSET = /^\/assets\/([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?\.(js|css|wasm|svg))$/;
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  wasm: "application/wasm",
  svg: "image/svg+xml",
};

/** The worker that is a node (`page/tab/engine.ts`), by the name that the build gives it. */
const ENGINE = /^engine-/;

/** A multiaddr of a WebSocket as pages write it. */
const WEB_SOCKET = /^\/(ip4|ip6|dns4|dns6|dns)\/([A-Za-z0-9.:-]{1,253})\/tcp\/(\d{1,5})(\/tls)?\/(wss?)(?:\/|$)/;
/** Addresses of peers that it may dial. */
const MOST_PEERS = 32;

/** Where peers of the network listen for pages: a page may join it as a node (`?join`). */
function peerSockets(multiaddrs: unknown): string {
  const found = (Array.isArray(multiaddrs) ? multiaddrs : []).flatMap((one) => {
    const [, kind, host, port, tls, scheme] = WEB_SOCKET.exec(String(one)) ?? [];
    if (host === undefined) return [];
    const isSecure = tls !== undefined || scheme === "wss";
    return [` ${isSecure ? "wss" : "ws"}://${kind === "ip6" ? `[${host}]` : host}:${port}`];
  });
  return found.slice(0, MOST_PEERS).join("");
}

/** What scripts may load, and whom they may speak to. `host` was checked by the guard: it is a name and a port. */
function scriptPolicy(host: string | undefined, peers = ""): readonly string[] {
  // Not all browsers take 'self' for a WebSocket of the same host.
  const sockets = (host === undefined ? "" : ` ws://${host} wss://${host}`) + peers;
  const scripts = "script-src 'self' 'wasm-unsafe-eval'";
  return ["default-src 'none'", scripts, `connect-src 'self'${sockets}`, "worker-src 'self'"];
}

function documentHeaders(host: string | undefined): Record<string, string> {
  const policy = [
    ...scriptPolicy(host),
    "style-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

/** What answers a browser that asks for the page or one of its parts; null: the request is for something else. */
export function pageDownload(head: RequestHead, { dev }: Pick<NodeServices, "dev">): (() => Promise<Download>) | null {
  if (head.path === "/" && (head.header("accept") ?? "").includes("text/html"))
    return async () => answer("index.html", documentHeaders(head.host), head.method);
  const [, name, ending] = ASSET.exec(head.path) ?? [];
  if (name === undefined || ending === undefined) return null;
  const isEngine = ENGINE.test(name);
  // A worker keeps to the policy that it came with, not to its document's.
  const policy = (): readonly string[] =>
    isEngine ? scriptPolicy(head.host, peerSockets(dev?.info()["multiaddrs"])) : scriptPolicy(undefined);
  return async () =>
    answer(
      `assets/${name}`,
      {
        "content-type": TYPES[ending] as string,
        // A part of the page has its hash in its name; the network's peers are not in it.
        "cache-control": isEngine ? "no-store" : "public, max-age=31536000, immutable",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        ...(ending === "js" ? { "content-security-policy": policy().join("; ") } : {}),
      },
      head.method,
    );
}

async function answer(file: string, headers: Readonly<Record<string, string>>, method: string): Promise<Download> {
  let bytes: Uint8Array;
  try {
    bytes = await platform.readAsset(builtFile(`page/${file}`));
  } catch {
    const text =
      file === "index.html"
        ? "the page was not built; `npm run build` builds it. JSON-RPC 2.0 is at /rpc/v1\n"
        : "not found; the page may have been built anew: load it again\n";
    return {
      status: 404,
      headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
      body: one(utf8(text)),
    };
  }
  const all = { ...headers, "content-length": String(bytes.length) };
  return { status: 200, headers: all, body: method === "HEAD" ? null : one(bytes) };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
