/** Networks of hosts on loopback, over chains that exist in memory only. */
import type { ObjectSource } from "../../src/network/bitswap-server.ts";
import type { ChainSource } from "../../src/network/chain-source.ts";
import type { Verdict } from "../../src/network/gossip.ts";
import { makeIdentity } from "../../src/network/host.ts";
import { Network, type NetworkHandlers, type NetworkOptions } from "../../src/network/network.ts";
import { PeerBook } from "../../src/network/peer-book.ts";
import type { BlockMessage } from "../../src/network/wire/block-message.ts";
import type { Hello } from "../../src/network/wire/hello.ts";
import type { Tipset } from "../../src/types/block-header.ts";
import type { Message, SignedMessage } from "../../src/types/message.ts";

export type TestNode = {
  readonly network: Network;
  readonly book: PeerBook;
  readonly hellos: { readonly peer: string; readonly hello: Hello }[];
  readonly blocks: BlockMessage[];
  readonly messages: SignedMessage[];
  readonly faults: unknown[];
  /** What the validators answer. */
  verdict: Verdict | Error;
};

export function chainSource(chain: readonly Tipset[], messages = new Map<string, BlockMessages>()): ChainSource {
  const byKey = new Map(chain.map((tipset) => [tipset.key.join(), tipset]));
  const head = chain[chain.length - 1] as Tipset;
  return {
    genesis: (chain[0] as Tipset).key[0] as NonNullable<Tipset["key"][0]>,
    head: () => ({ tipset: head, weight: BigInt(head.height) }),
    tipset: async (key) => byKey.get(key.join()) ?? null,
    blockMessages: async (header) => messages.get(header.miner.toString()) ?? { bls: [], secp: [] },
  };
}
export type BlockMessages = { readonly bls: readonly Message[]; readonly secp: readonly SignedMessage[] };

export async function openTestNode(
  chain: ChainSource,
  listen: readonly string[] = ["/ip4/127.0.0.1/tcp/0"],
  objects?: ObjectSource,
  over: Partial<NetworkOptions> = {},
): Promise<TestNode> {
  const hellos: TestNode["hellos"] = [];
  const blocks: BlockMessage[] = [];
  const messages: SignedMessage[] = [];
  const faults: unknown[] = [];
  const book = new PeerBook(Date.now);
  const answer = (): Verdict => {
    if (node.verdict instanceof Error) throw node.verdict;
    return node.verdict;
  };
  const handlers: NetworkHandlers = {
    onHello: (peer, hello) => hellos.push({ peer, hello }),
    onBlock: async (block) => {
      blocks.push(block);
      return answer();
    },
    onMessage: async (message) => {
      messages.push(message);
      return answer();
    },
    onFault: (_where, error) => faults.push(error),
  };
  const network = await Network.open({
    identity: await makeIdentity(),
    networkName: "testing",
    listen,
    userAgent: "filigree-test",
    local: true,
    peers: book,
    chain,
    ...(objects === undefined ? {} : { objects }),
    handlers,
    now: Date.now,
    ...over,
  });
  const node: TestNode = { network, book, hellos, blocks, messages, faults, verdict: "accept" };
  return node;
}

export { until } from "./until.ts";
