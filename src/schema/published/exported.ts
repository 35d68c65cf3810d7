/**
 * Numbers of the storage actors' exported methods, which their names give (FRC-0042); a test computes each anew
 * (`src/types/method-number.ts` lies above this floor). The actors export methods from v10 on, a few from later versions.
 * Source: builtin-actors v10.0.0 to v18.0.0, enum Method of each actor.
 */
import type { FieldType, MethodDescription } from "../kit.ts";
import type { ActorsVersion } from "../versions/rows.ts";

export const EXPORTED = {
  AddBalance: 822473126,
  WithdrawBalance: 2280458852,
  PublishStorageDeals: 2236929350,
  GetBalance: 726108461,
  GetDealDataCommitment: 1157985802,
  GetDealClient: 128053329,
  GetDealProvider: 935081690,
  GetDealLabel: 46363526,
  GetDealTerm: 163777312,
  GetDealTotalPrice: 4287162428,
  GetDealClientCollateral: 200567895,
  GetDealProviderCollateral: 2986712137,
  GetDealVerified: 2627389465,
  GetDealActivation: 2567238399,
  GetDealSector: 2611213344,
  SettleDealPayments: 1900091594,
  SectorContentChanged: 2034386435,
  AddVerifiedClient: 3916220144,
  RemoveExpiredAllocations: 2421068268,
  GetClaims: 2199871187,
  ExtendClaimTerms: 1752273514,
  RemoveExpiredClaims: 2873373899,
  Receive: 3726118371,
  Mint: 116935346,
  Destroy: 2624896501,
  Name: 48890204,
  Symbol: 2061153854,
  TotalSupply: 114981429,
  Balance: 3261979605,
  Transfer: 80475954,
  TransferFrom: 3621052141,
  IncreaseAllowance: 1777121560,
  DecreaseAllowance: 1529376545,
  RevokeAllowance: 2765635761,
  Burn: 1434719642,
  BurnFrom: 2979674018,
  Allowance: 4205072950,
  Granularity: 3936767397,
  CreateMiner: 1173380165,
  NetworkRawPower: 931722534,
  MinerRawPower: 3753401894,
  MinerCount: 1987646258,
  MinerConsensusCount: 196739875,
  MinerPower: 36284446,
  ChangeWorkerAddress: 3302309124,
  ChangePeerID: 1236548004,
  ChangeMultiaddrs: 1063480576,
  ConfirmChangeWorkerAddress: 2354970453,
  RepayDebt: 3665352697,
  ChangeOwnerAddress: 1010589339,
  ChangeBeneficiary: 1570634796,
  GetBeneficiary: 4158972569,
  GetOwner: 3275365574,
  IsControllingAddress: 348244887,
  GetSectorSize: 3858292296,
  GetAvailableBalance: 4026106874,
  GetVestingFunds: 1726876304,
  GetPeerID: 2812875329,
  GetMultiaddrs: 1332909407,
  MaxTerminationFee: 4127382196,
  InitialPledge: 3180523767,
  GenerateSectorLocation: 1321604665,
  ValidateSectorStatus: 3092458564,
  GetNominalSectorExpiration: 3010055991,
} as const satisfies Readonly<Record<string, number>>;

export type MethodData = { readonly params?: FieldType; readonly returns?: FieldType };

/** First version of the actors with exported methods. */
const FIRST_EXPORTING = 10;

/** A method that anybody may call by the number of its name. The network's list of methods calls it "…Exported". */
export function exported(
  name: keyof typeof EXPORTED,
  data: MethodData = {},
  since: ActorsVersion = FIRST_EXPORTING,
): MethodDescription {
  return { number: EXPORTED[name], name: `${name}Exported`, ...data, since };
}
