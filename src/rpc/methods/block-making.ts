/** Filecoin.MinerCreateBlock: for miners that win by themselves and have the node put their block together. */
import { signedMessageCid } from "../../types/message.ts";
import { address, bytes, epoch, header, int64, link, signedMessage, tipsetKey } from "../codec/chain-types.ts";
import { fallback, list, object } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param } from "../method.ts";
import { idAt } from "../view.ts";
import { beaconEntry } from "./supply.ts";

/** Messages of a block, entries of the beacon and proofs in its header. Source: lotus build/buildconstants (BlockMessageLimit) at b835fab702eb. */
const MAX_MESSAGES = 10_000;
const MAX_ENTRIES = 10_000;
const MAX_PROOFS = 100;

const template = object("BlockTemplate", {
  Miner: address,
  Parents: tipsetKey,
  Ticket: object("Ticket", { VRFProof: bytes(1024) }),
  Eproof: object("ElectionProof", { WinCount: int64, VRFProof: bytes(1024) }),
  BeaconValues: fallback(list(beaconEntry, MAX_ENTRIES), []),
  Messages: fallback(list(signedMessage, MAX_MESSAGES), []),
  Epoch: epoch,
  Timestamp: int64,
  WinningPoStProof: fallback(list(object("PoStProof", { PoStProof: int64, ProofBytes: bytes() }), MAX_PROOFS), []),
});
const blockMessage = object("BlockMsg", {
  Header: header,
  BlsMessages: list(link, MAX_MESSAGES),
  SecpkMessages: list(link, MAX_MESSAGES),
});

export const blockMakingGroup = group("Mining: blocks", "Blocks of miners that win by themselves.", {
  MinerCreateBlock: method({
    summary:
      "Puts a block together from what its miner won with, and signs it if its worker's key is here; if not, it comes without a signature.",
    permission: "write",
    params: [param("template", template)],
    result: blockMessage,
    cost: "execute",
    async run([given], { node }) {
      if (node.createBlock === undefined)
        throw new RpcError(RPC_CODE.untyped, "the blocks of this network are made without elections");
      const parent = await node.chain.tipset(given.Parents);
      if (given.Epoch <= parent.height)
        badParams(`template.Epoch: one above that of the parents (${parent.height}) expected, got ${given.Epoch}`);
      const made = await node.createBlock({
        miner: await idAt(node, given.Miner, parent.key),
        parents: parent.key,
        ticket: given.Ticket.VRFProof,
        election: { winCount: given.Eproof.WinCount, vrfProof: given.Eproof.VRFProof },
        beaconEntries: given.BeaconValues.map(({ Round, Data }) => ({ round: BigInt(Round), data: Data })),
        messages: given.Messages,
        epoch: given.Epoch,
        timestamp: given.Timestamp,
        winningPost: given.WinningPoStProof.map(({ PoStProof, ProofBytes }) => ({
          postProof: PoStProof,
          proofBytes: ProofBytes,
        })),
      });
      const isBls = new Set(made.messages.bls);
      const carried = given.Messages.map((signed) => ({
        cid: signedMessageCid(signed),
        isBls: isBls.has(signed.message),
      }));
      return {
        Header: made.header,
        BlsMessages: carried.filter((one) => one.isBls).map(({ cid }) => cid),
        SecpkMessages: carried.filter((one) => !one.isBls).map(({ cid }) => cid),
      };
    },
  }),
});
