/** What a GET of the server answers: who this is, and how it is. For people, load balancers and container runtimes. */
import type { Page } from "../platform/server.ts";
import type { NodeServices } from "./services.ts";

function welcome({ version, network, chain }: NodeServices): Page {
  const text = [
    `filigree ${version}, a Filecoin node of the network ${network.name}, at epoch ${chain.head.height}`,
    "",
    "JSON-RPC 2.0 by POST or WebSocket at /rpc/v1 (and /rpc/v0); its description: rpc.discover",
    "health: /health",
    "",
  ].join("\n");
  return { type: "text/plain; charset=utf-8", text };
}

/** 200 while the node serves, 503 when a part of it has failed. */
function health(node: NodeServices): Page {
  const parts = node.health?.() ?? {};
  const failed = Object.values(parts).some(({ status }) => status !== "ok");
  const { head } = node.chain;
  const body = {
    status: failed ? "failing" : "ok",
    version: node.version,
    network: node.network.name,
    epoch: head.height,
    head: head.key.map(String),
    parts,
  };
  return { status: failed ? 503 : 200, type: "application/json", text: `${JSON.stringify(body)}\n` };
}

/** For whoever looks at the interface's own address in a browser. */
const POST_HERE: Page = {
  status: 405,
  type: "text/plain; charset=utf-8",
  text: [
    "JSON-RPC 2.0 is POSTed here, or spoken over a WebSocket; a GET has no answer. For example:",
    "",
    `curl -H 'content-type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"Filecoin.ChainHead","params":[]}' <this address>`,
    "",
    "All methods: rpc.discover. Who this is: /  How it is: /health",
    "",
  ].join("\n"),
};

const NOT_FOUND: Page = {
  status: 404,
  type: "text/plain; charset=utf-8",
  text: "not found; JSON-RPC is POSTed to /rpc/v1 (or /rpc/v0), / says who this is and /health how it is\n",
};

export function pageOf(path: string, node: NodeServices): Page {
  if (path === "/") return welcome(node);
  if (path === "/rpc/v1" || path === "/rpc/v0") return POST_HERE;
  // The second and third are the reference's names.
  return path === "/health" || path === "/health/livez" || path === "/health/readyz" ? health(node) : NOT_FOUND;
}
