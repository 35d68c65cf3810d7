/**
 * Types that more than one published storage actor sends, receives or stores. Sources: go-state-types 8b01cf99da27
 * builtin/v8 to builtin/v18 (power, miner, batch); builtin-actors v8.0.0 to v18.0.0 runtime/src/util/batch_return.rs.
 */
import {
  address,
  bool,
  bytes,
  cid,
  field,
  i64,
  list,
  ref,
  type SchemaModule,
  transparent,
  tuple,
  u64,
} from "../kit.ts";

export const publishedTypes: SchemaModule = {
  path: "published/shared",
  doc: "Types that more than one published storage actor sends, receives or stores.",
  types: [
    tuple("FailCode", "An item of a batch that failed.", [
      field("Idx", u64, "Its place in the batch."),
      field("Code", u64, "Exit code."),
    ]),
    tuple("BatchReturn", "What became of the items of a batch.", [
      field("SuccessCount", u64),
      field("FailCodes", list(ref("FailCode"))),
    ]),
    tuple("MinerConstructorParams", "Parameters of a miner's constructor.", [
      field("OwnerAddr", address),
      field("WorkerAddr", address),
      field("ControlAddrs", list(address)),
      field("WindowPoStProofType", i64, "Registered window PoSt proof."),
      field("PeerId", bytes),
      field("Multiaddrs", list(bytes)),
    ]),
    tuple("PieceChange", "A piece that a sector has now.", [
      field("Data", cid, "CommP"),
      field("Size", u64, "bytes with padding"),
      field("Payload", bytes, "What the receiver of the notice was promised."),
    ]),
    tuple("SectorChanges", "What a sector has now.", [
      field("Sector", u64),
      field("MinimumCommitmentEpoch", i64, "The sector stays at least until then."),
      field("Added", list(ref("PieceChange"))),
    ]),
    transparent(
      "SectorContentChangedParams",
      "A notice of a miner that sectors have new content.",
      field("Sectors", list(ref("SectorChanges"))),
    ),
    transparent(
      "SectorContentChangedReturn",
      "Whether each piece of each sector is accepted.",
      field("Sectors", list(list(bool))),
    ),
  ],
};
