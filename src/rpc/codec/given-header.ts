/** A block header as a client gives it. */
import { type BlockHeader, headerToJson } from "../../types/block-header.ts";
import { address, amount, bytes, epoch, header, int64, link, signature, uint64 } from "./chain-types.ts";
import { type Codec, fallback, type JsonOf, list, nullable, object } from "./codec.ts";

/** Entries of the beacon, proofs and parents of one header: as many as could ever be. */
const MAX_ENTRIES = 10_000;
const MAX_PROOFS = 100;
const MAX_PARENTS = 1000;
const MAX_VRF = 1024;

const vrf = bytes(MAX_VRF);
const fields = object("BlockHeader", {
  Miner: address,
  Ticket: nullable(object("Ticket", { VRFProof: vrf })),
  ElectionProof: nullable(object("ElectionProof", { WinCount: int64, VRFProof: vrf })),
  BeaconEntries: fallback(list(object("BeaconEntry", { Round: uint64, Data: bytes(MAX_VRF) }), MAX_ENTRIES), []),
  WinPoStProof: fallback(list(object("PoStProof", { PoStProof: int64, ProofBytes: bytes() }), MAX_PROOFS), []),
  Parents: list(link, MAX_PARENTS),
  ParentWeight: amount,
  Height: epoch,
  ParentStateRoot: link,
  ParentMessageReceipts: link,
  Messages: link,
  BLSAggregate: nullable(signature),
  Timestamp: uint64,
  BlockSig: nullable(signature),
  ForkSignaling: uint64,
  ParentBaseFee: amount,
});

export const givenHeader: Codec<BlockHeader, JsonOf<typeof header>> = {
  schema: header.schema,
  decode(json, path) {
    const h = fields.decode(json, path);
    return {
      miner: h.Miner,
      ticket: h.Ticket?.VRFProof ?? null,
      electionProof:
        h.ElectionProof === null ? null : { winCount: h.ElectionProof.WinCount, vrfProof: h.ElectionProof.VRFProof },
      beaconEntries: h.BeaconEntries.map(({ Round, Data }) => ({ round: Round, data: Data })),
      winPoStProof: h.WinPoStProof.map(({ PoStProof, ProofBytes }) => ({
        postProof: PoStProof,
        proofBytes: ProofBytes,
      })),
      parents: h.Parents,
      parentWeight: h.ParentWeight,
      height: h.Height,
      parentStateRoot: h.ParentStateRoot,
      parentMessageReceipts: h.ParentMessageReceipts,
      messages: h.Messages,
      blsAggregate: h.BLSAggregate,
      timestamp: h.Timestamp,
      blockSig: h.BlockSig,
      forkSignaling: h.ForkSignaling,
      parentBaseFee: h.ParentBaseFee,
    };
  },
  encode: headerToJson,
};
