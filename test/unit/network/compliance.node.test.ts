/** This package's peer against the suite that any peer of the network must pass. */
import { GossipSource } from "../../../src/beacon/gossip-source.ts";
import { verifierOf } from "../../../src/beacon/rules.ts";
import { VerifiedEntries } from "../../../src/beacon/source.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { drandTopic } from "../../../src/network/params.ts";
import { cidFromBytes } from "../../../src/types/cid.ts";
import { peerProtocolsSuite } from "../../compliance/peer-protocols.ts";
import { openTestNode } from "../../support/network.ts";

peerProtocolsSuite("Network", async ({ networkName, chain, objects, verdict, beacon }) => {
  const store = { get: async (cid: Uint8Array) => objects.get(`${cidFromBytes(cid)}`) };
  let latest: bigint | null = null;
  const topics = [];
  if (beacon !== undefined) {
    const verified = new VerifiedEntries(verifierOf(await loadCrypto()));
    const otherwise = { entry: () => Promise.reject(new Error("gossip alone")) };
    const source = new GossipSource({ ...beacon, verified, otherwise });
    const validate = async (data: Uint8Array) => {
      const judged = source.received(data);
      for (let round = 90n; round < 110n; round++) if (verified.get(beacon.info, round) !== null) latest = round;
      return judged;
    };
    topics.push({ name: drandTopic(source.chainHash), validate });
  }
  const node = await openTestNode(chain, undefined, store, { networkName, topics });
  node.verdict = verdict;
  return {
    address: node.network.addresses()[0] as string,
    blocks: node.blocks,
    latestRound: () => latest,
    pointsOf: (peer) => node.book.list().find(({ id }) => id === peer)?.points ?? 0,
    close: () => node.network.close(),
  };
});
