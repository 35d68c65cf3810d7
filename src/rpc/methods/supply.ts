/** Filecoin.State*: what exists and circulates, codes of actors, what changed between states, randomness. */
import { blake2b256 } from "../../base/digests.ts";
import { minTicket } from "../../chain/randomness.ts";
import { actorBundle, actorCodes } from "../../params/actor-codes.ts";
import { findVersion, isFvm } from "../../schema/versions/rows.ts";
import { type RunningActors, readManifest } from "../../state/manifest.ts";
import { type ActorEntry, StateView } from "../../state/state-view.ts";
import { exactSupply } from "../../stmgr/exact-supply.ts";
import type { BeaconEntry, Tipset } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import { amount, anyEpoch, bytes, epoch, link, type TipsetKey, tipsetKey } from "../codec/chain-types.ts";
import { integer, object, record } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { actor, actorValue } from "./state.ts";

/** Beacon entries come at least once in this many tipsets. */
const BEACON_SEARCH = 20;
const networkVersion = integer(0, 10_000);
const tag = param("tag", integer(0, Number.MAX_SAFE_INTEGER));
const at = param("epoch", anyEpoch);
const entropy = param("entropy", bytes(1 << 16));
const key = param("tipsetKey", tipsetKey);

async function anchor(node: NodeServices, key: TipsetKey, height: number): Promise<Tipset> {
  const tipset = await node.chain.tipset(key);
  if (height > tipset.height) throw new RpcError(RPC_CODE.untyped, "cannot draw randomness from the future");
  return tipset;
}

/** Digest of the seed that randomness of an epoch is drawn from. */
async function seedDigest(
  node: NodeServices,
  key: TipsetKey,
  height: number,
  seed: (tipset: Tipset) => Uint8Array | undefined,
): Promise<Uint8Array> {
  let found: Tipset | null = await node.chain.tipsetAtOrBefore(Math.max(height, 0), await anchor(node, key, height));
  for (let i = 0; i < BEACON_SEARCH && found !== null; i++) {
    const data = seed(found);
    if (data !== undefined) return blake2b256(data);
    found = await node.chain.parent(found);
  }
  throw new RpcError(RPC_CODE.untyped, `no beacon entry in the ${BEACON_SEARCH} tipsets from epoch ${height} down`);
}

const beaconSeed = (tipset: Tipset): Uint8Array | undefined => tipset.blocks[0]?.beaconEntries.at(-1)?.data;

async function drawn(
  node: NodeServices,
  kind: "ticket" | "beacon",
  key: TipsetKey,
  args: [number, number, Uint8Array],
) {
  const source = node.randomness(await anchor(node, key, args[1]));
  return kind === "ticket" ? source.ticketRandomness(...args) : source.beaconRandomness(...args);
}

/** Actors of the new state that the old one has not, or otherwise. */
async function changedActors(node: NodeServices, before: CID, after: CID, signal: AbortSignal) {
  const old = await StateView.open(node.chain.blocks, before);
  const out: Record<string, ReturnType<typeof actorValue>> = {};
  const breath = breather(signal);
  for await (const [id, entry] of (await StateView.open(node.chain.blocks, after)).entries()) {
    await breath();
    const known = await old.actor(id);
    if (known === null || !same(known, entry)) out[id.toString(node.network.prefix)] = actorValue(entry);
  }
  return out;
}

function same(a: ActorEntry, b: ActorEntry): boolean {
  return a.head.equals(b.head) && a.code.equals(b.code) && a.nonce === b.nonce && a.balance === b.balance;
}

export const supplyGroup = group("State: network", "Supply, codes of actors, differences of states, randomness.", {
  StateCirculatingSupply: method({
    summary: "The circulating supply, added up actor by actor, attoFIL.",
    params: [key],
    result: amount,
    cost: "walk",
    async run([tipsetKey], { node, signal }) {
      const tipset = await node.chain.tipset(tipsetKey);
      const view = await node.states.stateBefore(tipset);
      return exactSupply(view, node.chain.blocks, tipset.height - 1, breather(signal));
    },
  }),
  StateVMCirculatingSupplyInternal: method({
    summary: "The circulating supply as actors see it, with its parts, attoFIL.",
    params: [key],
    result: object("CirculatingSupply", {
      FilVested: amount,
      FilMined: amount,
      FilBurnt: amount,
      FilLocked: amount,
      FilCirculating: amount,
      FilReserveDisbursed: amount,
    }),
    async run([tipset], { node }) {
      const parts = await node.states.circulatingSupply(await node.chain.tipset(tipset));
      return {
        FilVested: parts.vested,
        FilMined: parts.mined,
        FilBurnt: parts.burnt,
        FilLocked: parts.locked,
        FilCirculating: parts.circulating,
        FilReserveDisbursed: parts.reserveDisbursed,
      };
    },
  }),
  StateActorCodeCIDs: method({
    summary: "Code CIDs of the built-in actors at a network version, by name.",
    params: [param("networkVersion", networkVersion)],
    result: record(link),
    async run([version], { node }) {
      const codes = (await runningActors(node, version))?.codes ?? actorCodes(node.network.bundles, version);
      if (codes === undefined) return badParams(`networkVersion: no actors are known at ${version}`);
      return Object.fromEntries(codes);
    },
  }),
  StateActorManifestCID: method({
    summary: "CID of the manifest of the built-in actors at a network version, from version 16 on.",
    params: [param("networkVersion", networkVersion)],
    result: link,
    async run([version], { node }) {
      const running = await runningActors(node, version);
      if (running !== null) return running.root;
      const actors = findVersion(version)?.actors;
      const bundle = actors === undefined ? undefined : actorBundle(node.network.bundles, actors);
      return bundle?.manifest ?? badParams(`networkVersion: no manifest is known at ${version}`);
    },
  }),
  StateChangedActors: method({
    summary: "Actors of a state that an older state has not, or otherwise, by their ID addresses.",
    params: [param("old", link), param("new", link)],
    result: record(actor),
    cost: "walk",
    run: ([before, after], { node, signal }) => changedActors(node, before, after, signal),
  }),
  StateGetRandomnessFromTickets: method({
    summary: "Randomness drawn from the tickets of a tipset's chain: a domain tag, an epoch and entropy.",
    params: [tag, at, entropy, key],
    result: bytes(),
    run: ([domain, height, salt, tipset], { node }) => drawn(node, "ticket", tipset, [domain, height, salt]),
  }),
  StateGetRandomnessFromBeacon: method({
    summary: "Randomness drawn from the beacon entries of a tipset's chain: a domain tag, an epoch and entropy.",
    params: [tag, at, entropy, key],
    result: bytes(),
    run: ([domain, height, salt, tipset], { node }) => drawn(node, "beacon", tipset, [domain, height, salt]),
  }),
  StateGetRandomnessDigestFromTickets: method({
    summary: "Digest of the ticket that randomness of an epoch is drawn from.",
    params: [at, key],
    result: bytes(),
    run: ([height, tipset], { node }) => seedDigest(node, tipset, height, minTicket),
  }),
  StateGetRandomnessDigestFromBeacon: method({
    summary: "Digest of the beacon entry that randomness of an epoch is drawn from.",
    params: [at, key],
    result: bytes(),
    run: ([height, tipset], { node }) => seedDigest(node, tipset, height, beaconSeed),
  }),
});

/** The actors that this network's own state names, if a version is the one of its head and these are modules. */
async function runningActors(node: NodeServices, version: number): Promise<RunningActors | null> {
  const { head } = node.chain;
  if (!isFvm(version) || node.states.networkVersionAt(head.height) !== version) return null;
  return readManifest(node.chain.blocks, await node.states.stateBefore(head));
}

export const beaconEntry = object("BeaconEntry", { Round: epoch, Data: bytes() });

/** The entry of an epoch as the chain has it: the first tipset after null rounds carries theirs, one for each. */
async function carriedEntry({ chain }: NodeServices, height: number): Promise<BeaconEntry | undefined> {
  const tipset = await chain.tipsetAtOrAfter(height);
  const entries = tipset.blocks[0]?.beaconEntries ?? [];
  const first = ((await chain.parent(tipset))?.height ?? -1) + 1;
  if (entries.length === tipset.height - first + 1) return entries[height - first];
  return tipset.height === height ? entries.at(-1) : undefined;
}

const entryOf = {
  summary: "The beacon's entry of an epoch.",
  params: [param("epoch", epoch)],
  result: beaconEntry,
  async run([height]: readonly [number], { node }: { readonly node: NodeServices }) {
    const { head } = node.chain;
    const carried = height <= head.height ? await carriedEntry(node, height) : undefined;
    const entry = carried ?? (height <= head.height + 1 ? await node.beacon?.(height) : undefined);
    if (entry !== undefined) return { Round: Number(entry.round), Data: entry.data };
    throw new RpcError(RPC_CODE.untyped, `the beacon's entry of epoch ${height} is not there yet`);
  },
} as const;

export const beaconGroup = group("Beacon", "Entries of the beacon.", { StateGetBeaconEntry: method(entryOf) }, ["v1"]);
export const beaconV0Group = group("Beacon, v0", "Entries of the beacon.", { BeaconGetEntry: method(entryOf) }, ["v0"]);

export const randomnessV0Group = group(
  "Randomness, v0",
  "The older names and order of parameters.",
  {
    ChainGetRandomnessFromTickets: method({
      summary: "Randomness drawn from the tickets of a tipset's chain.",
      params: [key, tag, at, entropy],
      result: bytes(),
      run: ([tipset, domain, height, salt], { node }) => drawn(node, "ticket", tipset, [domain, height, salt]),
    }),
    ChainGetRandomnessFromBeacon: method({
      summary: "Randomness drawn from the beacon entries of a tipset's chain.",
      params: [key, tag, at, entropy],
      result: bytes(),
      run: ([tipset, domain, height, salt], { node }) => drawn(node, "beacon", tipset, [domain, height, salt]),
    }),
  },
  ["v0"],
);
