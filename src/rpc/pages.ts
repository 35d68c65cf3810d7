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

export function pageOf(path: string, node: NodeServices): Page | null {
  if (path === "/") return welcome(node);
  // The second and third are the reference's names.
  return path === "/health" || path === "/health/livez" || path === "/health/readyz" ? health(node) : null;
}
