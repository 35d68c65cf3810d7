/**
 * The storage market as published, v8 to v18. Sources: go-state-types 8b01cf99da27 builtin/v8 to builtin/v18 market; where
 * its types are not the actor's (sectors' deals, results of activations, terminated sectors), builtin-actors v8.0.0 to
 * v18.0.0 actors/market/src/types.rs.
 */
import {
  type ActorDescription,
  address,
  arrayOf,
  big,
  bitfield,
  bool,
  cid,
  field,
  i64,
  label,
  list,
  mapOf,
  optional,
  ref,
  type SchemaModule,
  setOf,
  signature,
  since,
  tuple,
  u64,
  until,
  wideMapOf,
} from "../kit.ts";
import { exported } from "./exported.ts";
import { publishedTypes } from "./shared.ts";

const state = [
  tuple("MarketState", "State of the storage market.", [
    field("Proposals", arrayOf(ref("DealProposal")), "By deal id."),
    field("States", arrayOf(ref("DealState")), "By deal id: deals in proven sectors."),
    field("PendingProposals", setOf("cid"), "CIDs of proposals that are published and not yet processed."),
    field("EscrowTable", wideMapOf("address", big), "attoFIL held for each party, locked or not"),
    field("LockedTable", wideMapOf("address", big), "attoFIL of the escrow that deals lock"),
    field("NextID", u64, "Next deal id."),
    field("DealOpsByEpoch", mapOf("uvarint", setOf("uvarint")), "Deal ids by the epoch of their next processing."),
    field("LastCron", i64, "Last epoch whose operations were processed."),
    field("TotalClientLockedCollateral", big, "attoFIL"),
    field("TotalProviderLockedCollateral", big, "attoFIL"),
    field("TotalClientStorageFee", big, "attoFIL of fees not yet paid"),
    field("PendingDealAllocationIds", mapOf("uvarint", u64), "Allocations of verified deals, by deal id.", since(9)),
    field(
      "ProviderSectors",
      mapOf("uvarint", mapOf("uvarint", list(u64))),
      "Deals of each sector, by the provider's actor id and the sector's number.",
      since(13),
    ),
  ]),
  tuple("DealProposal", "What a client and a provider agree on.", [
    field("PieceCID", cid, "CommP"),
    field("PieceSize", u64, "bytes with padding, a power of two"),
    field("VerifiedDeal", bool),
    field("Client", address),
    field("Provider", address),
    field("Label", label, "Any text, or bytes, of the client."),
    field("StartEpoch", i64, "The deal must be in a proven sector by then."),
    field("EndEpoch", i64),
    field("StoragePricePerEpoch", big, "attoFIL"),
    field("ProviderCollateral", big, "attoFIL"),
    field("ClientCollateral", big, "attoFIL"),
  ]),
  tuple("ClientDealProposal", "A proposal signed by its client.", [
    field("Proposal", ref("DealProposal")),
    field("ClientSignature", signature),
  ]),
  tuple("DealState", "Where a deal in a proven sector stands; -1 for epochs that have not come.", [
    field("SectorNumber", u64, "The sector that has it.", since(13)),
    field("SectorStartEpoch", i64, "Epoch of activation."),
    field("LastUpdatedEpoch", i64, "Epoch of the last payment."),
    field("SlashEpoch", i64, "Epoch at which its sector ended early."),
    field("VerifiedClaim", u64, "Id of the claim in the verified registry, or 0.", { since: 9, until: 12 }),
  ]),
];

const activation = [
  tuple("SectorDeals", "Deals of one sector.", [
    field("SectorNumber", u64, undefined, since(13)),
    field("SectorType", i64, "Registered seal proof.", since(9)),
    field("SectorExpiry", i64, "epoch"),
    field("DealIDs", list(u64)),
  ]),
  tuple("SectorWeights", "What the deals of a sector weigh.", [
    field("DealSpace", u64, "bytes"),
    field("DealWeight", big, "byte-epochs of unverified deals"),
    field("VerifiedDealWeight", big, "byte-epochs of verified deals"),
  ]),
  tuple("SectorDealData", "What the deals of a sector are.", [field("CommD", optional(cid), "Null without deals.")]),
  tuple("VerifyDealsForActivationParams", "Sectors that are pre-committed.", [
    field("Sectors", list(ref("SectorDeals"))),
  ]),
  tuple("VerifyDealsForActivationReturn", "Of each sector.", [
    field("Sectors", list(ref("SectorWeights")), undefined, until(8)),
    field("Sectors", list(ref("SectorDealData")), undefined, { since: 9, until: 11 }),
    field("UnsealedCIDs", list(optional(cid)), "CommD, null without deals.", since(12)),
  ]),
  tuple("ActivateDealsParams", "Deals of a sector that is proven.", [
    field("DealIDs", list(u64)),
    field("SectorExpiry", i64, "epoch"),
  ]),
  tuple("VerifiedDealInfo", "A verified deal that was activated.", [
    field("Client", u64, "actor id"),
    field("AllocationId", u64),
    field("Data", cid, "CommP"),
    field("Size", u64, "bytes with padding"),
  ]),
  tuple("ActivateDealsResult", "What the deals of a sector are.", [
    field("NonVerifiedDealSpace", big, "bytes"),
    field("VerifiedInfos", list(ref("VerifiedDealInfo"))),
  ]),
  tuple("BatchActivateDealsParams", "Sectors that are proven.", [
    field("Sectors", list(ref("SectorDeals"))),
    field("ComputeCid", bool, "Whether the sectors' CommD are wanted."),
  ]),
  tuple("ActivatedDeal", "A deal that was activated.", [
    field("Client", u64, "actor id"),
    field("AllocationId", u64, "0 for a deal that is not verified."),
    field("Data", cid, "CommP"),
    field("Size", u64, "bytes with padding"),
  ]),
  tuple("SectorDealActivation", "What became of the deals of a sector.", [
    field("NonVerifiedDealSpace", big, "bytes", until(12)),
    field("VerifiedInfos", list(ref("VerifiedDealInfo")), undefined, until(12)),
    field("Activated", list(ref("ActivatedDeal")), undefined, since(13)),
    field("UnsealedCID", optional(cid), "CommD, if it was wanted and there are deals."),
  ]),
  tuple("BatchActivateDealsResult", "What became of the sectors.", [
    field("ActivationResults", ref("BatchReturn")),
    field("Activations", list(ref("SectorDealActivation")), "Of the sectors that succeeded."),
  ]),
  tuple("OnMinerSectorsTerminateParams", "Sectors that ended early.", [
    field("Epoch", i64),
    field("DealIDs", list(u64), undefined, until(12)),
    field("Sectors", bitfield, undefined, since(13)),
  ]),
  tuple("SectorDataSpec", "Deals whose pieces fill a sector.", [
    field("DealIDs", list(u64)),
    field("SectorType", i64, "Registered seal proof."),
  ]),
  tuple("ComputeDataCommitmentParams", "Sectors.", [field("Inputs", list(ref("SectorDataSpec")))]),
  tuple("ComputeDataCommitmentReturn", "Of each sector.", [field("CommDs", list(cid))]),
];

const params = [
  tuple("WithdrawBalanceParams", "Whose funds to withdraw, and how much at most.", [
    field("ProviderOrClientAddress", address),
    field("Amount", big, "attoFIL"),
  ]),
  tuple("PublishStorageDealsParams", "Deals of one provider.", [field("Deals", list(ref("ClientDealProposal")))]),
  tuple("PublishStorageDealsReturn", "What was published.", [
    field("IDs", list(u64), "Of the valid deals, in order."),
    field("ValidDeals", bitfield, "Their places in the list that was given."),
  ]),
  tuple("GetBalanceReturn", "Funds of a party.", [
    field("Balance", big, "attoFIL"),
    field("Locked", big, "attoFIL of it"),
  ]),
  tuple("GetDealDataCommitmentReturn", "The piece of a deal.", [
    field("Data", cid, "CommP"),
    field("Size", u64, "bytes with padding"),
  ]),
  tuple("GetDealTermReturn", "When a deal is.", [field("Start", i64, "epoch"), field("Duration", i64, "epochs")]),
  tuple("GetDealActivationReturn", "What became of a deal; -1 for epochs that have not come.", [
    field("Activated", i64, "epoch"),
    field("Terminated", i64, "epoch"),
  ]),
  tuple("DealSettlementSummary", "What a settled deal paid.", [
    field("Payment", big, "attoFIL"),
    field("Completed", bool, "Whether it was the last payment."),
  ]),
  tuple("SettleDealPaymentsReturn", "What became of the deals.", [
    field("Results", ref("BatchReturn")),
    field("Settlements", list(ref("DealSettlementSummary")), "Of those that succeeded."),
  ]),
];

const module: SchemaModule = {
  path: "published/market",
  doc: "State and parameters of the published storage market actor.",
  uses: [publishedTypes],
  types: [...state, ...activation, ...params],
};

const withdraw = { params: ref("WithdrawBalanceParams"), returns: big };
const publish = { params: ref("PublishStorageDealsParams"), returns: ref("PublishStorageDealsReturn") };

export const publishedMarket: ActorDescription = {
  name: "storagemarket",
  state: "MarketState",
  module,
  methods: [
    { number: 1, name: "Constructor" },
    { number: 2, name: "AddBalance", params: address },
    { number: 3, name: "WithdrawBalance", ...withdraw },
    { number: 4, name: "PublishStorageDeals", ...publish },
    {
      number: 5,
      name: "VerifyDealsForActivation",
      params: ref("VerifyDealsForActivationParams"),
      returns: ref("VerifyDealsForActivationReturn"),
    },
    { number: 6, name: "ActivateDeals", params: ref("ActivateDealsParams"), until: 8 },
    {
      number: 6,
      name: "ActivateDeals",
      params: ref("ActivateDealsParams"),
      returns: ref("ActivateDealsResult"),
      since: 9,
      until: 11,
    },
    {
      number: 6,
      name: "BatchActivateDeals",
      params: ref("BatchActivateDealsParams"),
      returns: ref("BatchActivateDealsResult"),
      since: 12,
    },
    { number: 7, name: "OnMinerSectorsTerminate", params: ref("OnMinerSectorsTerminateParams") },
    {
      number: 8,
      name: "ComputeDataCommitment",
      params: ref("ComputeDataCommitmentParams"),
      returns: ref("ComputeDataCommitmentReturn"),
      until: 11,
    },
    { number: 9, name: "CronTick" },
    exported("AddBalance", { params: address }),
    exported("WithdrawBalance", withdraw),
    exported("PublishStorageDeals", publish),
    exported("GetBalance", { params: address, returns: ref("GetBalanceReturn") }),
    exported("GetDealDataCommitment", { params: u64, returns: ref("GetDealDataCommitmentReturn") }),
    exported("GetDealClient", { params: u64, returns: u64 }),
    exported("GetDealProvider", { params: u64, returns: u64 }),
    exported("GetDealLabel", { params: u64, returns: label }),
    exported("GetDealTerm", { params: u64, returns: ref("GetDealTermReturn") }),
    exported("GetDealTotalPrice", { params: u64, returns: big }),
    exported("GetDealClientCollateral", { params: u64, returns: big }),
    exported("GetDealProviderCollateral", { params: u64, returns: big }),
    exported("GetDealVerified", { params: u64, returns: bool }),
    exported("GetDealActivation", { params: u64, returns: ref("GetDealActivationReturn") }),
    exported("GetDealSector", { params: u64, returns: u64 }, 13),
    exported("SettleDealPayments", { params: bitfield, returns: ref("SettleDealPaymentsReturn") }, 13),
    {
      ...exported(
        "SectorContentChanged",
        { params: ref("SectorContentChangedParams"), returns: ref("SectorContentChangedReturn") },
        13,
      ),
      name: "SectorContentChanged",
    },
  ],
};
