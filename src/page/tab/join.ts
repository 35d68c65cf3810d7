/**
 * Joins a running local network: one of its nodes is asked by JSON-RPC for the network's description and its genesis, which are public;
 * everything else comes from peers, by WebSocket, and every block is validated here before it counts.
 */
import { platform } from "#platform";
import { concat, fromBase64 } from "../../base/bytes.ts";
import { connect, type NodeClient, RpcClientError, type Subscription } from "../../client.ts";
import { hasNode, initNode, openJoinedNode } from "../../node/joined-node.ts";
import { type NetworkDescription, parseDescription } from "../../node/network-description.ts";
import type { NetworkNode } from "../../node/network-node.ts";
import { TableStore } from "../../storage/table-store.ts";

/** Bytes of a genesis, and multiaddrs, that are taken. */
const MOST_BYTES = 64 << 20;
const MOST_ADDRESSES = 32;
/** Milliseconds that the other node may take for an answer. */
const ASK_MS = 30_000;
/** Milliseconds until the whole genesis has to be here. */
const GENESIS_MS = 300_000;

export type JoinWish = {
  /** The JSON-RPC of a node of the network: ws:// or wss://. */
  readonly url: string;
  readonly token: string | null;
  /** Epochs whose states are kept. */
  readonly retention: number;
  /** Holds a database for this tab; false if another tab has it. */
  readonly lock: (place: string) => Promise<boolean>;
};

/** Rejects with what stands in the way. The node runs then. */
export async function join({ url, token, retention, lock }: JoinWish): Promise<NetworkNode> {
  const client = connect(url, { timeout: ASK_MS, ...(token === null ? {} : { token }) });
  try {
    const description = await describe(client, url);
    const place = `filigree/joined/${description.genesis.cid}`;
    if (!(await lock(place))) throw new Error("another tab is a node of this network; close it, or look there");
    const store = await TableStore.open(place, platform.openTable);
    try {
      if (!(await hasNode(store))) await initNode(store, description, await genesisOf(client));
      const node = await openJoinedNode({
        store,
        secrets: await platform.openSecrets(place),
        data: place,
        listen: [],
        bootstrap: description.multiaddrs,
        mine: [],
        machine: "thread",
        retention,
        version: "tab",
      });
      await node.start();
      return node;
    } catch (error) {
      await store.close().catch(() => undefined);
      throw error;
    }
  } finally {
    client.close();
  }
}

/** The network as its node tells it, with the addresses that a page can dial. */
async function describe(client: NodeClient, url: string): Promise<NetworkDescription> {
  const info = (await client.request("Devnet.info").catch((error: unknown) => {
    // A node of another network does not know the method; of one that does not answer nothing is known.
    if (error instanceof RpcClientError && error.code !== 0) return null;
    throw error;
  })) as Record<string, unknown> | null;
  if (info === null || !Array.isArray(info["multiaddrs"]))
    throw new Error(
      `${url} is no node of a local network with peers: start one that listens for pages, filigree devnet --nodes 2 --listen /ip4/127.0.0.1/tcp/0/ws`,
    );
  // Who may not mine is not told the seed, and needs none.
  const description = parseDescription(JSON.stringify({ seed: "", ...info }));
  const multiaddrs = description.multiaddrs.filter((one) => /\/wss?(\/|$)/.test(one)).slice(0, MOST_ADDRESSES);
  if (multiaddrs.length > 0) return { ...description, multiaddrs };
  throw new Error(
    `no node of the network at ${url} listens by WebSocket, and pages dial nothing else: start it with --listen /ip4/127.0.0.1/tcp/0/ws`,
  );
}

/** The network's genesis as a CAR file. Rejects where it is too long, no base64, or not here in time: the node may be anybody's. */
export async function genesisOf(client: Pick<NodeClient, "ChainGetGenesis" | "request">) {
  const { Cids } = await client.ChainGetGenesis();
  const parts: Uint8Array[] = [];
  let size = 0;
  let late: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve, reject) => {
    late = setTimeout(() => reject(new Error(`the genesis was not here after ${GENESIS_MS / 1000} s`)), GENESIS_MS);
    const take = (text: string): void => {
      try {
        const bytes = fromBase64(text);
        size += bytes.length;
        if (bytes.length === 0) resolve();
        else if (size > MOST_BYTES) reject(new Error(`the genesis is over ${MOST_BYTES} bytes long`));
        else parts.push(bytes);
      } catch (cause) {
        reject(new Error("the node sends a genesis that is no base64", { cause }));
      }
    };
    (client.request("Filecoin.ChainExport", take, 1, false, Cids) as Promise<Subscription>)
      .then(({ ended }) => ended)
      .then(() => reject(new Error("the node ended before its genesis was here")), reject);
  }).finally(() => clearTimeout(late));
  const car = concat(...parts);
  return { size: car.length, read: async (from: number, length: number) => car.subarray(from, from + length) };
}
