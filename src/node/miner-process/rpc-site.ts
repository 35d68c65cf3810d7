/**
 * Making blocks against a node over JSON-RPC, as the reference's miner does: MinerGetBaseInfo says what a try takes,
 * MinerCreateBlock puts the block together, SyncSubmitBlock takes it. Election, ticket and proof of spacetime are made here;
 * the worker's key is here or in the node's wallet. Source: lotus miner/miner.go at b835fab702eb.
 */
import { equal, fromBase64, toBase64 } from "../../base/bytes.ts";
import { buildMessageMeta, splitMessages } from "../../chain/message-store.ts";
import type { MiningBase } from "../../consensus/base-info.ts";
import { winningPostRandomness } from "../../consensus/draws.ts";
import type { FullBlock } from "../../consensus/validator.ts";
import { type KeyCrypto, type KeyInfo, signBytes, verifyBytes } from "../../keys/keys.ts";
import { attempt, type Win } from "../../miner/block-maker.ts";
import { MinerError } from "../../miner/chain-side/errors.ts";
import type { RpcRequest } from "../../miner/chain-side/rpc-node.ts";
import { VersionAhead } from "../../miner/chain-side/version-ahead.ts";
import type { MiningSite } from "../../miner/mining-site.ts";
import type { HeldMiner } from "../../miner/own-sectors.ts";
import type { PostProver } from "../../miner/post-prover.ts";
import { usable } from "../../miner/usable.ts";
import { givenHeader } from "../../rpc/codec/given-header.ts";
import { Address, type NetworkPrefix } from "../../types/address.ts";
import {
  type BeaconEntry,
  type BlockHeader,
  headerSigningBytes,
  headerToJson,
  makeTipset,
  type Tipset,
} from "../../types/block-header.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import {
  messageCid,
  type SignedMessage,
  signedMessageCid,
  signedMessageFromJson,
  signedMessageToJson,
} from "../../types/message.ts";
import { isAway } from "./away.ts";

export type RpcSiteParts = {
  /** Fails with `NodeAwayError` where the node was not reached. */
  readonly request: RpcRequest;
  readonly isRefusal: (error: unknown) => boolean;
  readonly prefix: NetworkPrefix;
  readonly crypto: KeyCrypto;
  /** A key of this process, by its key address; of all others the node's wallet signs. */
  readonly keyOf: (worker: Address) => KeyInfo | null;
  readonly prover: PostProver;
  readonly blockDelaySeconds: number;
  readonly onFault?: (miner: HeldMiner, sectors: readonly number[], why: string) => void;
};

type Link = { readonly "/": string };
type EntryJson = { readonly Round: number; readonly Data: string };
type BaseJson = {
  readonly MinerPower: string;
  readonly NetworkPower: string;
  readonly Sectors: readonly { readonly SealProof: number; readonly SectorNumber: number; readonly SealedCID: Link }[];
  readonly WorkerKey: string;
  readonly SectorSize: number;
  readonly PrevBeaconEntry: EntryJson;
  readonly BeaconEntries: readonly EntryJson[] | null;
  readonly EligibleForMining: boolean;
};
type TipsetJson = { readonly Blocks: readonly unknown[]; readonly Height: number };
type SyncJson = {
  readonly ActiveSyncs:
    | readonly { readonly Stage: number; readonly Target: { readonly Height: number } | null }[]
    | null;
};

/** Stages from which on nothing is fetched any more. Source: lotus api (SyncStateStage). */
const ENDED_STAGE = 4;

const link = (cid: CID): Link => ({ "/": cid.toString() });
const keyOfTipset = ({ key }: Tipset): readonly Link[] => key.map(link);
const entryOf = ({ Round, Data }: EntryJson): BeaconEntry => ({ round: BigInt(Round), data: fromBase64(Data) });

/** The beacon's entries come with each miner's base: nothing is drawn before. */
export function rpcSite(parts: RpcSiteParts): MiningSite<null> {
  const { request, prefix, crypto, prover, keyOf, onFault } = parts;
  const ask = (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    request(`Filecoin.${method}`, ...params);

  const versions = new VersionAhead(parts);
  const headAt = async (): Promise<Tipset> => tipsetOf(await ask("ChainHead"));

  /** BLS signature of a worker, whoever has its key. */
  const signed = async (worker: Address, bytes: Uint8Array): Promise<Uint8Array> => {
    const key = keyOf(worker);
    if (key !== null) return signBytes(crypto, key, bytes).data;
    const { Data } = (await ask("WalletSign", worker.toString(prefix), toBase64(bytes))) as { readonly Data: string };
    return fromBase64(Data);
  };

  return {
    head: headAt,
    async isBehind() {
      const [head, { ActiveSyncs }] = await Promise.all([headAt(), ask("SyncState") as Promise<SyncJson>]);
      return (ActiveSyncs ?? []).some(
        ({ Stage, Target }) => Stage < ENDED_STAGE && (Target?.Height ?? 0) > head.height + 1,
      );
    },
    draw: async () => null,
    async tryFor(miner, parent, epoch, _, before) {
      const [found, networkVersion] = await Promise.all([
        ask("MinerGetBaseInfo", miner.address.toString(prefix), epoch, keyOfTipset(parent)),
        versions.at({ key: keyOfTipset(parent), height: parent.height }, epoch),
      ]);
      if (found === null) return null;
      const base = baseOf(found as BaseJson, epoch, miner.address);
      const given = { prover, sign: (input: Uint8Array) => signed(base.worker, input) };
      const round = { parent, epoch, base, networkVersion, before };
      return attempt(onFault === undefined ? given : { ...given, onFault }, miner, round);
    },
    async newestBelow(epoch) {
      const head = await headAt();
      if (head.height < epoch) return head;
      return tipsetOf(await ask("ChainGetTipSetByHeight", epoch - 1, keyOfTipset(head)));
    },
    async block(win) {
      const chosen = (await ask("MpoolSelect", keyOfTipset(win.parent), win.quality)) as readonly unknown[] | null;
      const all = (chosen ?? []).map((one) => signedMessageFromJson(one));
      const { worker } = win.base;
      const attempt = async (messages: readonly SignedMessage[]) => {
        const made = (await ask("MinerCreateBlock", templateOf(win, messages, parts))) as { readonly Header: unknown };
        const header = givenHeader.decode(made.Header, "Header");
        checkMade(header, win, messages, parts);
        return { header, messages };
      };
      // Where the node signs, the first block that it makes is the only one: of messages it gets all, or none.
      const refused = (error: unknown) => {
        if (all.length === 0 || !parts.isRefusal(error)) throw error;
        return attempt([]);
      };
      const { header, messages } =
        keyOf(worker) === null
          ? await attempt(all).catch(refused)
          : await usable(all, { attempt, drop: async () => undefined });
      return {
        header,
        sign() {
          const whole = { messages: splitMessages(messages) };
          if (header.blockSig !== null) return { ...whole, header };
          const key = keyOf(worker);
          if (key === null) {
            const name = worker.toString(prefix);
            throw new MinerError(
              { code: "NO_KEY", address: name },
              `the key of the worker ${name} is neither here nor in the node's wallet`,
            );
          }
          return { ...whole, header: { ...header, blockSig: signBytes(crypto, key, headerSigningBytes(header)) } };
        },
      };
    },
    hasBlock: async (cid) => (await ask("ChainHasObj", link(cid))) as boolean,
    async submit({ header, messages }: FullBlock) {
      await ask("SyncSubmitBlock", {
        Header: headerToJson(header, prefix),
        BlsMessages: messages.bls.map((message) => link(messageCid(message))),
        SecpkMessages: messages.secp.map((one) => link(signedMessageCid(one))),
      });
    },
    // Any other refusal may have to do with what the node lacks now: the block is handed on again later.
    isRefused: (error) => parts.isRefusal(error) && /is not valid/.test((error as Error).message),
    isAway,
  };
}

function tipsetOf(json: unknown): Tipset {
  const { Blocks } = json as TipsetJson;
  return makeTipset(Blocks.map((block, i) => givenHeader.decode(block, `Blocks[${i}]`)));
}

function baseOf(json: BaseJson, epoch: number, miner: Address): MiningBase {
  const entries = (json.BeaconEntries ?? []).map(entryOf);
  const previousEntry = entryOf(json.PrevBeaconEntry);
  const beacon = entries.at(-1) ?? previousEntry;
  return {
    minerPower: BigInt(json.MinerPower),
    networkPower: BigInt(json.NetworkPower),
    sectors: json.Sectors.map(({ SealProof, SectorNumber, SealedCID }) => ({
      sealProof: SealProof,
      number: BigInt(SectorNumber),
      sealedCid: parseCid(SealedCID["/"]),
    })),
    postRandomness: winningPostRandomness({ beacon, epoch, miner }),
    worker: Address.parse(json.WorkerKey),
    sectorSize: BigInt(json.SectorSize),
    previousEntry,
    entries,
    notEligible: json.EligibleForMining ? null : "the node says so",
  };
}

/** Unix time of a block, seconds. */
function timeOf({ parent, epoch }: Win, blockDelaySeconds: number): number {
  const [first] = parent.blocks as readonly [BlockHeader];
  return Number(first.timestamp) + (epoch - parent.height) * blockDelaySeconds;
}

function templateOf(win: Win, messages: readonly SignedMessage[], { prefix, blockDelaySeconds }: RpcSiteParts) {
  const { parent, epoch, miner, ticket, election, wins, base, post } = win;
  return {
    Miner: miner.address.toString(prefix),
    Parents: keyOfTipset(parent),
    Ticket: { VRFProof: toBase64(ticket) },
    Eproof: { WinCount: wins, VRFProof: toBase64(election) },
    BeaconValues: base.entries.map(({ round, data }) => ({ Round: Number(round), Data: toBase64(data) })),
    Messages: messages.map((one) => signedMessageToJson(one, prefix)),
    Epoch: epoch,
    Timestamp: timeOf(win, blockDelaySeconds),
    WinningPoStProof: [{ PoStProof: Number(post.postProof), ProofBytes: toBase64(post.proofBytes) }],
  };
}

/** What is signed must be what was asked for, and signed by the worker if it is: throws `MinerError` otherwise. */
function checkMade(
  header: BlockHeader,
  win: Win,
  messages: readonly SignedMessage[],
  { crypto, blockDelaySeconds }: RpcSiteParts,
): void {
  const { miner, epoch, parent, ticket, base } = win;
  const asked: BlockHeader = {
    ...header,
    ...{ miner: miner.address, height: epoch, parents: parent.key, ticket, beaconEntries: base.entries },
    electionProof: { winCount: BigInt(win.wins), vrfProof: win.election },
    winPoStProof: [win.post],
    messages: buildMessageMeta(splitMessages(messages)).root,
    timestamp: BigInt(timeOf(win, blockDelaySeconds)),
  };
  const bytes = headerSigningBytes(header);
  const { blockSig } = header;
  const isSigned = blockSig === null || verifyBytes(crypto, blockSig, base.worker, bytes);
  if (isSigned && equal(bytes, headerSigningBytes(asked))) return;
  throw new MinerError(
    { code: "OTHER_BLOCK", epoch },
    `the node put another block together than it was asked for at epoch ${epoch}; it is not signed`,
  );
}
