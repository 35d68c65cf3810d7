/** This package's peer against the suite that any peer of the network must pass. */
import { cidFromBytes } from "../../../src/types/cid.ts";
import { peerProtocolsSuite } from "../../compliance/peer-protocols.ts";
import { openTestNode } from "../../support/network.ts";

peerProtocolsSuite("Network", async ({ networkName, chain, objects, verdict }) => {
  const store = { get: async (cid: Uint8Array) => objects.get(`${cidFromBytes(cid)}`) };
  const node = await openTestNode(chain, undefined, store, { networkName });
  node.verdict = verdict;
  return {
    address: node.network.addresses()[0] as string,
    blocks: node.blocks,
    close: () => node.network.close(),
  };
});
