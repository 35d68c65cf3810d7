/** What the methods of the node's peers have in common. */
import { text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import type { NetService, NodeServices } from "../services.ts";

export const MANY_PEERS = 100_000;
/** Identities of Ed25519 and RSA keys as libp2p writes them. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{46,64}$/;
export const isPeerId = (id: string): boolean => PEER_ID.test(id);

/** An IP address in its shortest form; null for what is none. */
export function ipOf(text: string): string | null {
  const url = `http://${text.includes(":") ? `[${text}]` : text}`;
  if (!/^[\da-f.:]+$/i.test(text) || !URL.canParse(url)) return null;
  const name = new URL(url).hostname.replace(/^\[|\]$/g, "");
  // Of IPv4 URLs take shorter forms, too.
  return text.includes(":") || name === text ? name : null;
}

const plainText = text(128);
export const peerId = {
  ...plainText,
  decode(json: unknown, path: string): string {
    const id = plainText.decode(json, path);
    return isPeerId(id)
      ? id
      : badParams(`${path}: identity of a peer expected, such as 12D3KooW…, got ${JSON.stringify(id)}`);
  },
};

/** The node's host; throws for a node without one. */
export function netOf({ net }: NodeServices): NetService {
  const found = net?.() ?? null;
  if (found === null) throw new RpcError(RPC_CODE.untyped, "this node has no peers: it was started without a network");
  return found;
}
