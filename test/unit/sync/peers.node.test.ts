/** Nodes of one network in one process over loopback: they synchronise, fork and heal, and are not taken in by liars. */
import { afterEach, describe, expect, test } from "vitest";
import { tipsetKeyText } from "../../../src/types/block-header.ts";
import { until } from "../../support/network.ts";
import { connect, openPeerNode, type PeerNode } from "../../support/peer-nodes.ts";

const open: PeerNode[] = [];
async function node(...args: Parameters<typeof openPeerNode>): Promise<PeerNode> {
  const made = await openPeerNode(...args);
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const keyOf = ({ net }: PeerNode): string => tipsetKeyText(net.head.key);
const agree = (...nodes: readonly PeerNode[]) => until("one head", () => new Set(nodes.map(keyOf)).size === 1, 60_000);

describe("synchronisation", () => {
  test("a fresh node takes a chain from one peer, validates every block, then follows it", async () => {
    const a = await node();
    await a.mine(12);
    const b = await node({ peers: { bootstrap: [a.address] } });
    await agree(a, b);
    const [run] = b.peers.syncer.status().ended;
    expect([run?.stage, run?.base?.height, run?.height]).toEqual(["complete", 0, 12]);
    const made = a.net.head;
    const { counts } = b.peers.syncer.status();
    expect(counts.blocks).toBeGreaterThanOrEqual(12);
    expect(counts.winningPost).toEqual({ verified: counts.blocks, declared: 0 });
    await a.mine(1);
    await agree(a, b);
    expect(a.net.head.height).toBeGreaterThan(made.height);
    expect([a.faults, b.faults]).toEqual([[], []]);
  }, 120_000);
});
