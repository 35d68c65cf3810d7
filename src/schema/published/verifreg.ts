/**
 * The verified registry as published, v8 to v18: from v9 on it keeps allocations and claims, and the data cap actor the
 * clients' balances. Sources: go-state-types 8b01cf99da27 builtin/v8 to builtin/v18 verifreg; results of claims as in
 * builtin-actors v9.0.3 and v12.0.0 actors/verifreg/src/types.rs.
 */
import {
  type ActorDescription,
  address,
  big,
  bool,
  bytes,
  cid,
  type FieldType,
  field,
  i64,
  list,
  mapOf,
  ref,
  type SchemaModule,
  signature,
  since,
  tuple,
  u64,
  until,
} from "../kit.ts";
import { exported } from "./exported.ts";
import { publishedTypes } from "./shared.ts";

/** A map from actor id to a map from number. */
function byActor(of: FieldType): FieldType {
  return mapOf("uvarint", mapOf("uvarint", of));
}

const term = [field("TermMin", i64, "epochs, at least"), field("TermMax", i64, "epochs, at most")];
const piece = [field("Data", cid, "CommP"), field("Size", u64, "bytes with padding")];

const state = [
  tuple("VerifregState", "State of the verified registry.", [
    field("RootKey", address, "Who may appoint verifiers (ID address)."),
    field("Verifiers", mapOf("address", big), "Data cap in bytes that each verifier may still grant."),
    field("VerifiedClients", mapOf("address", big), "Data cap in bytes that each client may still use.", until(8)),
    field(
      "RemoveDataCapProposalIDs",
      mapOf("bytes", u64),
      "Next number of a proposal to remove data cap, from the addresses of verifier and client together.",
      until(8),
    ),
    field("RemoveDataCapProposalIDs", mapOf("bytes", ref("RmDcProposalID")), "The same, in a list of one.", since(9)),
    field("Allocations", byActor(ref("Allocation")), "From the client's actor id and the allocation's.", since(9)),
    field("NextAllocationId", u64, "From 1 on.", since(9)),
    field("Claims", byActor(ref("Claim")), "From the provider's actor id and the claim's.", since(9)),
  ]),
  tuple("RmDcProposalID", "Number of a proposal.", [field("ProposalID", u64)]),
  tuple("Allocation", "Data cap that a client set aside for a piece at a provider.", [
    field("Client", u64, "actor id"),
    field("Provider", u64, "actor id"),
    ...piece,
    ...term,
    field("Expiration", i64, "Epoch until which it can be claimed."),
  ]),
  tuple("Claim", "A verified piece that a provider has in a sector.", [
    field("Provider", u64, "actor id"),
    field("Client", u64, "actor id"),
    ...piece,
    ...term,
    field("TermStart", i64, "epoch"),
    field("Sector", u64),
  ]),
];

const claims = [
  tuple("SectorAllocationClaim", "An allocation that a sector claims (until v11).", [
    field("Client", u64, "actor id"),
    field("AllocationId", u64),
    ...piece,
    field("Sector", u64),
    field("SectorExpiry", i64, "epoch"),
  ]),
  tuple("AllocationClaim", "An allocation that a sector claims.", [
    field("Client", u64, "actor id"),
    field("AllocationId", u64),
    ...piece,
  ]),
  tuple("SectorAllocationClaims", "What a sector claims.", [
    field("Sector", u64),
    field("SectorExpiry", i64, "epoch"),
    field("Claims", list(ref("AllocationClaim"))),
  ]),
  tuple("ClaimAllocationsParams", "What sectors claim.", [
    field("Sectors", list(ref("SectorAllocationClaim")), undefined, until(11)),
    field("Sectors", list(ref("SectorAllocationClaims")), undefined, since(12)),
    field("AllOrNothing", bool, "Whether one failure fails all."),
  ]),
  tuple("SectorClaimSummary", "What a sector claimed.", [field("ClaimedSpace", big, "bytes")]),
  tuple("ClaimAllocationsReturn", "What became of the claims.", [
    field("BatchInfo", ref("BatchReturn")),
    field("ClaimedSpace", big, "bytes", until(11)),
    field("SectorClaims", list(ref("SectorClaimSummary")), "Of the sectors that succeeded.", since(12)),
  ]),
  tuple("GetClaimsParams", "Claims of a provider.", [field("Provider", u64, "actor id"), field("ClaimIds", list(u64))]),
  tuple("GetClaimsReturn", "The claims that there are.", [
    field("BatchInfo", ref("BatchReturn")),
    field("Claims", list(ref("Claim"))),
  ]),
  tuple("ClaimTerm", "A longer term.", [
    field("Provider", u64, "actor id"),
    field("ClaimId", u64),
    field("TermMax", i64, "epochs"),
  ]),
  tuple("ExtendClaimTermsParams", "Longer terms.", [field("Terms", list(ref("ClaimTerm")))]),
  tuple("RemoveExpiredClaimsParams", "Claims of a provider to drop; all that expired if none is named.", [
    field("Provider", u64, "actor id"),
    field("ClaimIds", list(u64)),
  ]),
  tuple("RemoveExpiredClaimsReturn", "What became of the claims.", [
    field("Considered", list(u64)),
    field("Results", ref("BatchReturn")),
  ]),
];

const params = [
  tuple("AddVerifierParams", "A verifier and its data cap.", [
    field("Address", address),
    field("Allowance", big, "bytes"),
  ]),
  tuple("AddVerifiedClientParams", "A client and its data cap.", [
    field("Address", address),
    field("Allowance", big, "bytes"),
  ]),
  tuple("VerifiedBytesParams", "A client's data cap, used or restored.", [
    field("Address", address),
    field("DealSize", big, "bytes"),
  ]),
  tuple("RemoveDataCapRequest", "A verifier's consent.", [
    field("Verifier", address),
    field("VerifierSignature", signature, "Over the proposal."),
  ]),
  tuple("RemoveDataCapParams", "Data cap to take from a client, with the consent of two verifiers.", [
    field("VerifiedClientToRemove", address),
    field("DataCapAmountToRemove", big, "bytes"),
    field("VerifierRequest1", ref("RemoveDataCapRequest")),
    field("VerifierRequest2", ref("RemoveDataCapRequest")),
  ]),
  tuple("RemoveDataCapReturn", "What was taken.", [
    field("VerifiedClient", address),
    field("DataCapRemoved", big, "bytes"),
  ]),
  tuple("RemoveExpiredAllocationsParams", "Allocations of a client to drop; all that expired if none is named.", [
    field("Client", u64, "actor id"),
    field("AllocationIds", list(u64)),
  ]),
  tuple("RemoveExpiredAllocationsReturn", "What became of the allocations.", [
    field("Considered", list(u64)),
    field("Results", ref("BatchReturn")),
    field("DataCapRecovered", big, "bytes"),
  ]),
  tuple("UniversalReceiverParams", "What a token's actor tells a receiver of tokens.", [
    field("Type_", u64, "Kind of token, by the number of its name."),
    field("Payload", bytes),
  ]),
  tuple("AllocationsResponse", "What became of the requests that came with data cap.", [
    field("AllocationResults", ref("BatchReturn")),
    field("ExtensionResults", ref("BatchReturn")),
    field("NewAllocations", list(u64)),
  ]),
];

const module: SchemaModule = {
  path: "published/verifreg",
  doc: "State and parameters of the published verified registry actor.",
  uses: [publishedTypes],
  types: [...state, ...claims, ...params],
};

const expired = { params: ref("RemoveExpiredAllocationsParams"), returns: ref("RemoveExpiredAllocationsReturn") };
const getClaims = { params: ref("GetClaimsParams"), returns: ref("GetClaimsReturn") };
const extend = { params: ref("ExtendClaimTermsParams"), returns: ref("BatchReturn") };
const drop = { params: ref("RemoveExpiredClaimsParams"), returns: ref("RemoveExpiredClaimsReturn") };

export const publishedVerifreg: ActorDescription = {
  name: "verifiedregistry",
  state: "VerifregState",
  module,
  methods: [
    { number: 1, name: "Constructor", params: address },
    { number: 2, name: "AddVerifier", params: ref("AddVerifierParams") },
    { number: 3, name: "RemoveVerifier", params: address },
    { number: 4, name: "AddVerifiedClient", params: ref("AddVerifiedClientParams") },
    { number: 5, name: "UseBytes", params: ref("VerifiedBytesParams"), until: 8 },
    { number: 6, name: "RestoreBytes", params: ref("VerifiedBytesParams"), until: 8 },
    {
      number: 7,
      name: "RemoveVerifiedClientDataCap",
      params: ref("RemoveDataCapParams"),
      returns: ref("RemoveDataCapReturn"),
    },
    { number: 8, name: "RemoveExpiredAllocations", ...expired, since: 9 },
    {
      number: 9,
      name: "ClaimAllocations",
      params: ref("ClaimAllocationsParams"),
      returns: ref("ClaimAllocationsReturn"),
      since: 9,
    },
    { number: 10, name: "GetClaims", ...getClaims, since: 9 },
    { number: 11, name: "ExtendClaimTerms", ...extend, since: 9 },
    { number: 12, name: "RemoveExpiredClaims", ...drop, since: 9 },
    {
      ...exported("Receive", { params: ref("UniversalReceiverParams"), returns: ref("AllocationsResponse") }, 9),
      name: "UniversalReceiverHook",
    },
    exported("AddVerifiedClient", { params: ref("AddVerifiedClientParams") }),
    exported("RemoveExpiredAllocations", expired),
    exported("GetClaims", getClaims),
    exported("ExtendClaimTerms", extend),
    exported("RemoveExpiredClaims", drop),
  ],
};
