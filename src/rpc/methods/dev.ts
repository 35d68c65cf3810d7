/** Devnet.*: time of a local network, with the names that other development networks use. */
import { tipset } from "../codec/chain-types.ts";
import { boolean, type Codec, decimal, fallback, integer, spelt } from "../codec/codec.ts";
import { type Group, method, param } from "../method.ts";
import type { DevControl } from "../services.ts";
import type { Session } from "../session.ts";
import { API_VERSIONS } from "../versions.ts";

/** Epochs that one call may pass. */
const MAX_EPOCHS = 100_000;
const whole = integer(1, MAX_EPOCHS);
/** A number of epochs. Ethereum's tools write numbers as 0x text. */
const count: Codec<number, number | null> = fallback(
  {
    ...whole,
    schema: { anyOf: [whole.schema, { type: "string", pattern: "^0x[0-9a-fA-F]{1,8}$" }] },
    decode: (json, path) =>
      whole.decode(typeof json === "string" && /^0x[0-9a-f]{1,8}$/i.test(json) ? Number(json) : json, path),
  },
  1,
);

const mine = method({
  summary: "Makes tipsets in successive epochs and gives the last one.",
  permission: "admin",
  params: [param("count", count)],
  result: tipset,
  cost: "wait",
  local: true,
  aliases: ["Ganache.MineTipset"],
  run: ([epochs], { node, signal }) => devOf(node).mine(epochs, signal),
});

function automine(summary: string, on: boolean) {
  return method({
    summary,
    permission: "admin",
    result: boolean,
    local: true,
    run(_, { node }) {
      devOf(node).setAutomine(on);
      return true;
    },
  });
}

const methods = {
  "Devnet.mine": mine,
  "Devnet.skipRounds": method({
    summary: "Passes null rounds, then makes a tipset and gives it.",
    permission: "admin",
    params: [param("count", count)],
    result: tipset,
    cost: "wait",
    local: true,
    run: ([epochs], { node, signal }) => devOf(node).skipRounds(epochs, signal),
  }),
  "Devnet.setAutomine": method({
    summary: "Whether tipsets are made by themselves.",
    permission: "admin",
    params: [param("on", fallback(boolean, true))],
    result: boolean,
    local: true,
    run([on], { node }) {
      devOf(node).setAutomine(on);
      return true;
    },
  }),
  "Devnet.setBlockTime": method({
    summary: "Seconds between tipsets; 0 makes one whenever a message arrives.",
    permission: "admin",
    params: [param("seconds", decimal(0, 3600))],
    result: boolean,
    local: true,
    run([seconds], { node }) {
      devOf(node).setBlockTime(seconds);
      return true;
    },
  }),
  "Devnet.info": method({
    summary:
      "What the local network is made of: chain id, miner, accounts; to callers with `admin` also what its keys follow from, seed and mnemonic, and the data folder.",
    result: spelt<Record<string, unknown>>({ type: "object" }),
    local: true,
    run: (_, { node, session }) => infoFor(devOf(node), session),
  }),
  "Ganache.EnableMiner": automine("Makes tipsets by themselves from now on.", true),
  "Ganache.DisableMiner": automine("Makes no tipsets by themselves from now on.", false),
};

export const devGroup: Group<typeof methods> = {
  title: "Local network",
  summary: "Control of a local network's time. Not answered by a node of any other network.",
  prefix: "",
  versions: API_VERSIONS,
  methods,
};

/** What the network tells of itself; what its keys follow from is for those who may spend them. */
export function infoFor(dev: DevControl, { permissions }: Session): Record<string, unknown> {
  if (permissions.includes("admin")) return dev.info();
  const { seed: _seed, mnemonic: _mnemonic, data: _data, ...told } = dev.info();
  return told;
}

function devOf(node: { readonly dev?: DevControl }): DevControl {
  if (node.dev === undefined) throw new TypeError("not a local network");
  return node.dev;
}
