/** Version, description of the interface, and other plain facts about the node. */
import { integer, object, spelt, text } from "../codec/codec.ts";
import { group, method } from "../method.ts";

/** Packed API versions 1.5.0 and 2.3.0, as clients of the network expect them. Source: lotus api/version.go. */
const API_VERSION = { v0: 0x010500, v1: 0x020300 } as const;

export const nodeGroup = group("Node", "The node itself.", {
  Version: method({
    summary: "Name and version of the node, packed version of the interface, seconds between epochs.",
    result: object("APIVersion", { Version: text(), APIVersion: integer(0, 2 ** 32), BlockDelay: integer(0, 2 ** 32) }),
    run: (_, { node, session }) => ({
      Version: `filigree-${node.version}`,
      APIVersion: API_VERSION[session.version],
      BlockDelay: node.network.blockDelaySeconds,
    }),
  }),
  Discover: method({
    summary: "This interface as an OpenRPC document.",
    result: spelt<Record<string, unknown>>({ type: "object" }),
    aliases: ["rpc.discover"],
    run: (_, { node, session }) => node.describe(session.version),
  }),
});
