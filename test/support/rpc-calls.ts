/** A call of every method of the RPC interface as it should be made, on the network of `rpc-network.ts`. Above 500 lines: one row a method. */
import type { ApiVersion } from "../../src/rpc/versions.ts";
import { cidOfBlock, cidOfText } from "../../src/types/cid.ts";
import { type RpcNetwork, signedJson, signedVoucher } from "./rpc-network.ts";

export type Given = readonly unknown[] | Promise<readonly unknown[]>;
/** Parameters of a call, and what it ends with if that is no answer. */
export type Case = { readonly give: () => Given; readonly error?: RegExp };
const PEER = "12D3KooWGUxcnsNH1QaqqQJmTJNcvy8RjAU9RR13RWFjVtskWDnn";

/** Methods of providers, of which that network has none, and what they are called with. */
const PROVIDER_CALLS: readonly (readonly [string, readonly unknown[]])[] = [
  ["MarketGetAsk", []],
  ["MarketSetAsk", ["1", "1", 1000, 128, 2048]],
  ["MarketListIncompleteDeals", []],
  ["MarketPendingDeals", []],
  ["MarketPublishPendingDeals", []],
  ...["Online", "Offline", "Verified", "Unverified"].flatMap((kind): [string, unknown[]][] => [
    [`DealsConsider${kind}StorageDeals`, []],
    [`DealsSetConsider${kind}StorageDeals`, [true]],
  ]),
  ["Filigree.ProviderDeals", []],
  ["Filigree.ProviderRules", []],
  ["Filigree.ProviderSetRules", [rulesJson()]],
];

function rulesJson(): unknown {
  const yes = { Online: true, Offline: true, Verified: true, Unverified: true, RemoteSources: true, SealAtOnce: true };
  const epochs = { MinDuration: 518_400, MaxDuration: 600_000, MinStartDelay: 1, MaxStartDelay: 1000 };
  const lists = { AllowedClients: [], DeniedClients: [], DeniedPieces: [] };
  const counts = { MaxCollateralFactor: 2, MaxDeals: 1, PublishDelayMs: 0, MaxDealsPerMessage: 1 };
  return { ...yes, ...epochs, ...lists, ...counts, HookUrl: null };
}

/** The head's first block as a client would submit it. */
async function blockOf(on: RpcNetwork): Promise<unknown> {
  const head = (await on.net.request("ChainHead")) as { Blocks: readonly unknown[] };
  return { Header: head.Blocks[0], BlsMessages: [], SecpkMessages: [] };
}

/** Calls by name, without the prefix of the network's family, for each version of the interface. */
export function callsOf(on: RpcNetwork): Readonly<Record<ApiVersion, Readonly<Record<string, Case>>>> {
  const give = (params: () => Given): Case => ({ give: params });
  const fails = (error: RegExp, params: () => Given): Case => ({ give: params, error });
  const none = give(() => []);
  /** What a node without peers says. */
  const alone = (...params: readonly unknown[]): Case => fails(/has no peers/, () => params);
  const account = (): readonly unknown[] => [on.alice, []];
  const ofMiner = give(() => [on.miner, []]);
  const noSector = /not due at any deadline|not found/;

  const zero = "0";
  const code = (name: string) => ({ "/": `${cidOfText(`fil/2/${name}`)}` });
  const message = () => ({ From: on.alice, To: on.bob, Value: "1", Method: 0, Params: null });
  const sector = () => ({ SealProof: 0, SectorNumber: 1, DealIDs: [], Expiration: 600_000 });
  const wantedDeal = () => ({ Root: on.sent.CID, Wallet: on.alice, Miner: on.miner, Duration: 518_400 });
  const deal = () => ({
    ...{ Data: { Root: on.sent.CID }, Wallet: on.alice, Miner: on.miner, EpochPrice: "1", MinBlocksDuration: 518_400 },
    ...{ DealStartEpoch: -1, FastRetrieval: true, VerifiedDeal: false },
  });
  let vouchers = 0;
  const voucher = () =>
    signedVoucher(on.net, 0, { ChannelAddr: on.channel, Lane: 1, Nonce: ++vouchers, Amount: `${500 + vouchers}` });
  const root = async (): Promise<unknown> =>
    ((await on.net.request("ChainHead")) as { Blocks: Record<string, unknown>[] }).Blocks[0]?.["ParentStateRoot"];
  const genesisRoot = async (): Promise<unknown> =>
    ((await on.net.request("ChainGetGenesis")) as { Blocks: Record<string, unknown>[] }).Blocks[0]?.["ParentStateRoot"];
  const signature = async (): Promise<unknown> => on.net.request("WalletSign", on.alice, "aGVsbG8=");
  const newKey = async (): Promise<string> => (await on.net.request("WalletNew", "secp256k1")) as string;
  const exported = async (): Promise<unknown> => on.net.request("WalletExport", await newKey());
  /** A signed message of the second account with its next nonce. */
  const next = async (): Promise<unknown> =>
    signedJson(on.net, 1, { To: on.carol, Value: "1" }, (await on.net.request("MpoolGetNonce", on.bob)) as number);
  const token = async (): Promise<string> => atob((await on.net.request("AuthNew", ["read"])) as string);

  const BOTH: Record<string, Case> = {
    Version: none,
    Discover: none,
    Session: none,
    StartTime: none,
    NodeStatus: give(() => [true]),
    Shutdown: none,
    Closing: none,
    AuthNew: give(() => [["read", "write"]]),
    AuthVerify: give(async () => [await token()]),
    ChainHead: none,
    ChainNotify: none,
    ChainGetGenesis: none,
    ChainGetTipSet: give(() => [on.head]),
    ChainGetTipSetByHeight: give(() => [2, null]),
    ChainGetTipSetAfterHeight: give(() => [2, null]),
    ChainGetBlock: give(() => [on.block]),
    ChainGetBlockMessages: give(() => [on.block]),
    ChainGetMessagesInTipset: give(() => [on.carrier]),
    ChainGetParentMessages: give(() => [on.head[0]]),
    ChainGetParentReceipts: give(() => [on.head[0]]),
    ChainGetMessage: give(() => [on.sent.CID]),
    ChainReadObj: give(() => [on.block]),
    ChainHasObj: give(() => [on.block]),
    ChainTipSetWeight: give(() => [on.head]),
    ChainStatObj: give(() => [on.block, null]),
    ChainGetNode: give(() => [`/ipfs/${on.block["/"]}/10`]),
    ChainPutObj: give(() => ["gwECAw=="]),
    ChainGetEvents: fails(/no events at/, () => [on.block]),
    ChainGetPath: give(async () => [((await on.net.request("ChainGetGenesis")) as { Cids: unknown }).Cids, on.head]),
    ChainGetFinalizedTipSet: none,
    ChainSetHead: give(() => [[]]),
    ChainExport: give(() => [1, false, []]),
    ChainPrune: give(() => [{ MovingGC: false, RetainState: 0 }]),
    ChainHotGC: give(() => [{ Threshold: 0.5, Periodic: false, Moving: false }]),
    ChainExportRangeInternal: fails(/keeps everything in memory/, () => [
      [],
      on.carrier,
      {
        WriteBufferSize: 1 << 20,
        NumWorkers: 2,
        IncludeMessages: true,
        IncludeReceipts: true,
        IncludeStateRoots: true,
      },
    ]),
    ChainValidateIndex: give(() => [3, false]),
    MinerCreateBlock: fails(/without elections/, () => [
      {
        Miner: on.miner,
        Parents: on.head,
        Ticket: { VRFProof: "AQ==" },
        Eproof: { WinCount: 1, VRFProof: "AQ==" },
        BeaconValues: [],
        Messages: [],
        Epoch: 1000,
        Timestamp: 1,
        WinningPoStProof: [],
      },
    ]),
    StateNetworkName: none,
    StateNetworkVersion: give(() => [[]]),
    StateGetNetworkParams: none,
    StateGetActor: give(account),
    StateReadState: give(account),
    StateDecodeParams: give(() => [on.wallet, 4, "ggBA", []]),
    StateEncodeParams: give(() => [code("multisig"), 4, { ID: 0, ProposalHash: null }]),
    StateLookupID: give(account),
    StateAccountKey: give(account),
    StateLookupRobustAddress: give(() => [on.wallet, []]),
    StateListActors: give(() => [[]]),
    StateCirculatingSupply: give(() => [[]]),
    StateVMCirculatingSupplyInternal: give(() => [[]]),
    StateActorCodeCIDs: give(() => [16]),
    StateActorManifestCID: give(() => [16]),
    StateChangedActors: give(async () => [await genesisRoot(), await root()]),
    StateGetRandomnessFromTickets: give(() => [2, 3, "AQI=", []]),
    StateGetRandomnessFromBeacon: give(() => [2, 3, "AQI=", []]),
    StateGetRandomnessDigestFromTickets: give(() => [3, []]),
    StateGetRandomnessDigestFromBeacon: give(() => [3, []]),
    StateCall: give(() => [message(), []]),
    StateReplay: give(() => [[], on.sent.CID]),
    StateCompute: give(async () => [
      ((await on.net.request("ChainHead")) as { Height: number }).Height,
      [{ ...message(), GasLimit: 5_000_000 }],
      [],
    ]),
    StateListMessages: give(() => [{ From: on.alice }, [], 0]),
    StateWaitMsg: give(() => [on.sent.CID, 0, -1, true]),
    StateGetReceipt: give(() => [on.sent.CID, []]),
    StateListMiners: give(() => [[]]),
    StateMinerInfo: ofMiner,
    StateMinerPower: ofMiner,
    StateMinerProvingDeadline: ofMiner,
    StateMinerSectors: give(() => [on.miner, null, []]),
    StateSectorGetInfo: give(() => [on.miner, 0, []]),
    StateMinerDeadlines: ofMiner,
    StateMinerPartitions: give(() => [on.miner, 0, []]),
    StateMinerFaults: ofMiner,
    StateMinerRecoveries: ofMiner,
    StateAllMinerFaults: fails(/does not tell when faults began/, () => [10, []]),
    StateMinerSectorCount: ofMiner,
    StateMinerActiveSectors: ofMiner,
    StateMinerAllocated: ofMiner,
    StateMinerSectorAllocated: give(() => [on.miner, 0, []]),
    StateSectorPreCommitInfo: give(() => [on.miner, 0, []]),
    StateSectorExpiration: fails(noSector, () => [on.miner, 0, []]),
    StateSectorPartition: fails(noSector, () => [on.miner, 0, []]),
    StateMinerAvailableBalance: ofMiner,
    StateMinerPreCommitDepositForPower: give(() => [on.miner, sector(), []]),
    StateMinerInitialPledgeCollateral: give(() => [on.miner, sector(), []]),
    StateMinerInitialPledgeForSector: give(() => [500_000, 2048, 1024, []]),
    StateDealProviderCollateralBounds: give(() => [2048, true, []]),
    StateMarketBalance: give(account),
    StateMarketParticipants: give(() => [[]]),
    StateMarketStorageDeal: fails(/deal 0 not found/, () => [0, []]),
    StateMarketDeals: give(() => [[]]),
    StateVerifiedRegistryRootKey: give(() => [[]]),
    StateVerifierStatus: give(account),
    StateVerifiedClientStatus: give(account),
    StateGetAllocationIdForPendingDeal: give(() => [0, []]),
    MsigGetAvailableBalance: give(() => [on.wallet, []]),
    MsigGetVestingSchedule: give(() => [on.wallet, []]),
    MsigGetVested: give(() => [on.wallet, on.carrier, on.head]),
    MsigGetPending: give(() => [on.wallet, []]),
    MsigCreate: give(() => [1, [on.alice, on.bob], 10, "5", on.alice, zero]),
    MsigPropose: give(() => [on.wallet, on.carol, "7", on.alice, 0, null]),
    MsigApprove: give(() => [on.wallet, 0, on.bob]),
    MsigApproveTxnHash: give(() => [on.wallet, 0, on.alice, on.carol, "1000", on.bob, 0, null]),
    MsigAddPropose: give(() => [on.wallet, on.alice, on.carol, true]),
    MsigAddApprove: give(() => [on.wallet, on.bob, 1, on.alice, on.carol, true]),
    MsigAddCancel: give(() => [on.wallet, on.alice, 1, on.carol, true]),
    MsigSwapPropose: give(() => [on.wallet, on.alice, on.bob, on.carol]),
    MsigSwapApprove: give(() => [on.wallet, on.bob, 1, on.alice, on.bob, on.carol]),
    MsigSwapCancel: give(() => [on.wallet, on.alice, 1, on.bob, on.carol]),
    MsigRemoveSigner: give(() => [on.wallet, on.alice, on.bob, true]),
    MarketAddBalance: give(() => [on.alice, on.bob, "1000"]),
    MarketWithdraw: give(() => [on.alice, on.alice, "0"]),
    MarketReserveFunds: give(() => [on.alice, on.alice, "1000"]),
    MarketReleaseFunds: give(() => [on.alice, "400"]),
    MarketGetReserved: give(() => [on.alice]),
    PledgeSector: fails(/no miners with sectors/, () => [null]),
    SectorsList: fails(/no miners with sectors/, () => []),
    SectorsListInStates: fails(/no miners with sectors/, () => [["Proving"]]),
    SectorsSummary: fails(/no miners with sectors/, () => []),
    SectorsStatus: fails(/no miners with sectors/, () => [1, true]),
    SectorRemove: fails(/no miners with sectors/, () => [1]),
    CheckProvable: fails(/no miners with sectors/, () => [0, [{ ID: { Miner: 100, Number: 1 } }], false]),
    StorageList: fails(/no miners with sectors/, () => []),
    StorageLocal: fails(/no miners with sectors/, () => []),
    StorageInfo: fails(/no miners with sectors/, () => ["memory"]),
    StorageStat: fails(/no miners with sectors/, () => ["memory"]),
    StorageAddLocal: fails(/no miners with sectors/, () => ["/somewhere"]),
    MinerGetBaseInfo: give(async () => [
      on.miner,
      ((await on.net.request("ChainHead")) as { Height: number }).Height + 1,
      [],
    ]),
    SyncCheckpoint: give(() => [on.carrier]),
    SyncMarkBad: give(() => [on.sent.CID]),
    SyncCheckBad: give(() => [on.sent.CID]),
    SyncUnmarkBad: give(() => [on.sent.CID]),
    SyncUnmarkAllBad: none,
    SyncState: none,
    SyncIncomingBlocks: fails(/has no peers/, () => []),
    SyncSubmitBlock: fails(/has no peers/, async () => [await blockOf(on)]),
    ID: alone(),
    NetAddrsListen: alone(),
    NetPeers: alone(),
    NetConnectedness: alone(PEER),
    NetConnect: alone({ ID: PEER, Addrs: ["/ip4/127.0.0.1/tcp/4001"] }),
    NetDisconnect: alone(PEER),
    NetFindPeer: alone(PEER),
    NetPing: alone(PEER),
    NetAgentVersion: alone(PEER),
    NetPeerInfo: alone(PEER),
    NetPubsubScores: alone(),
    NetAutoNatStatus: alone(),
    NetBlockAdd: alone({ Peers: [PEER], IPAddrs: ["192.0.2.1"], IPSubnets: [] }),
    NetBlockRemove: alone({ Peers: [PEER], IPAddrs: [], IPSubnets: [] }),
    NetBlockList: alone(),
    NetBandwidthStats: alone(),
    NetBandwidthStatsByPeer: alone(),
    NetBandwidthStatsByProtocol: alone(),
    NetStat: alone("all"),
    NetLimit: alone("system"),
    NetSetLimit: alone("system", {
      ...{ Streams: 1, StreamsInbound: 1, StreamsOutbound: 1, Conns: 1, ConnsInbound: 1, ConnsOutbound: 1, FD: 1 },
    }),
    NetProtectAdd: alone([PEER]),
    NetProtectRemove: alone([PEER]),
    NetProtectList: alone(),
    SyncValidateTipset: fails(/without elections/, () => [on.head]),
    ChainBlockstoreInfo: none,
    ChainCheckBlockstore: none,
    ChainDeleteObj: give(async () => {
      await on.net.request("ChainPutObj", "gwECBA==");
      return [{ "/": `${cidOfBlock(Uint8Array.of(0x83, 1, 2, 4))}` }];
    }),
    LogAlerts: none,
    LogList: none,
    LogSetLevel: give(() => ["mpool", "error"]),
    // Files are for test/e2e/client-data.node.test.ts: pages have none.
    "Filigree.ClientImportDagJson": fails(/there is no file|has no files/, () => ["/no/such/file"]),
    ClientImport: fails(/there is nothing at|has no files/, () => [{ Path: "/no/such/file", IsCAR: false }]),
    ClientListImports: none,
    ClientRemoveImport: fails(/there is no import 7/, () => [7]),
    ClientHasLocal: give(() => [code("nothing")]),
    ClientCalcCommP: fails(/there is no file|has no files/, () => ["/no/such/file"]),
    ClientGenCar: fails(/there is no file|has no files/, () => [{ Path: "/no/such/file", IsCAR: true }, "/no/such"]),
    ClientDealSize: fails(/is not here/, () => [on.sent.CID]),
    ClientDealPieceCID: fails(/is not here/, () => [on.sent.CID]),
    ClientQueryAsk: fails(/is no provider of this node/, () => ["", on.miner]),
    ClientStartDeal: fails(/is not here/, () => [deal()]),
    ClientGetDealInfo: fails(/there is no deal/, () => [on.sent.CID]),
    ClientListDeals: none,
    ClientGetDealStatus: give(() => [7]),
    "Filigree.ClientRawPieceCID": fails(/is not here/, () => [on.sent.CID]),
    "Filigree.ClientDeal": fails(/is not here/, () => [wantedDeal()]),
    "Filigree.ClientDeals": none,
    "Filigree.ClientDealLog": fails(/there is no deal/, () => [on.sent.CID]),
    "Filigree.ClientVerifyDeal": fails(/there is no deal/, () => [on.sent.CID]),
    "Filigree.ClientRenewDeal": fails(/there is no deal/, () => [on.sent.CID]),
    ...Object.fromEntries(
      PROVIDER_CALLS.map(([name, params]) => [name, fails(/no miners with sectors/, () => params)]),
    ),
    DealsPieceCidBlocklist: fails(/no miners with sectors/, () => []),
    DealsSetPieceCidBlocklist: fails(/no miners with sectors/, () => [[on.sent.CID]]),
    MarketImportDealData: fails(/no miners with sectors|no file|has no files/, () => [on.sent.CID, "/no/such/file"]),
    DealsImportData: fails(/no miners with sectors|no file|has no files/, () => [on.sent.CID, "/no/such/file"]),
    "Filigree.SectorAddPiece": fails(/no such file|ENOENT|no miners/, () => ["/nowhere/piece", null]),
    "Filigree.SectorsOverview": fails(/no miners with sectors/, () => []),
    "Filigree.SectorsSub": fails(/miners/, () => []),
    "Filigree.ProviderDealLog": fails(/no miners with sectors/, () => [on.sent.CID]),
    ClientExport: fails(/is not here|has no files/, () => [
      { Root: on.sent.CID },
      { Path: `/no/such-${crypto.randomUUID()}` },
    ]),
    ClientMinerQueryOffer: alone(on.miner, { "/": `${cidOfText("data")}` }),
    ClientRetrieveWait: alone(1),
    ClientListRetrievals: alone(),
    ClientCancelRetrievalDeal: alone(1),
    ClientFindData: alone({ "/": `${cidOfText("data")}` }),
    MarketGetRetrievalAsk: alone(),
    MarketSetRetrievalAsk: alone({
      ...{ PricePerByte: zero, UnsealPrice: zero, PaymentInterval: 1, PaymentIntervalIncrease: 0 },
    }),
    "Filigree.RetrievalProviders": give(() => [{ "/": `${cidOfText("data")}` }]),
    "Filigree.RetrievalStream": alone(PEER, { "/": `${cidOfText("data")}` }),
    "Filigree.RetrievalFreeStream": alone(),
    "Filigree.RetrievalSetFreeStream": alone(true),
    "Filigree.RetrievalQuery": alone(PEER, { "/": `${cidOfText("data")}` }),
    "Filigree.RetrievalTransports": alone(PEER),
    "Filigree.RetrievalGet": alone({ Root: { "/": `${cidOfText("data")}` } }),
    "Filigree.RetrievalDeals": alone(),
    PaychFund: give(async () => [on.alice, await newKey(), "7"]),
    PaychGetWaitReady: give(() => [on.madeBy]),
    PaychAvailableFunds: give(() => [on.paying]),
    PaychAvailableFundsByFromTo: give(() => [on.alice, on.carol]),
    PaychAllocateLane: give(() => [on.paying]),
    PaychNewPayment: give(() => [on.alice, on.carol, [{ Amount: "5", MinSettle: 9, Extra: null }, { Amount: "10" }]]),
    PaychVoucherCreate: give(() => [on.paying, "5", 900 + ++vouchers]),
    PaychVoucherAdd: give(async () => [on.channel, await voucher(), "", "1"]),
    PaychVoucherList: give(() => [on.paying]),
    "Filigree.PaychVoucherCreate": give(() => [
      on.paying,
      { Amount: "5", Lane: 900 + ++vouchers, TimeLockMax: 99999, SecretHash: "aGVsbG8=" },
    ]),
    "Filigree.PaychVoucherSchedule": give(() => [on.paying, { Amount: "4", Count: 2, StartEpoch: 5, EndEpoch: 9 }]),
    "Filigree.PaychVoucherAdd": give(async () => [on.channel, await voucher(), ""]),
    "Filigree.PaychBestSpendable": give(() => [on.paying]),
    "Filigree.PaychReconcile": alone(on.paying, "12D3KooWAbsent"),
    "Filigree.PaychReconcilePolicy": alone(),
    "Filigree.PaychSetReconcilePolicy": alone({ Accept: true, MinDifference: "0" }),
    PaychList: none,
    PaychStatus: give(() => [on.channel]),
    PaychVoucherCheckValid: give(async () => [on.channel, await voucher()]),
    PaychVoucherCheckSpendable: give(async () => [on.channel, await voucher(), "", ""]),
    PaychVoucherSubmit: give(async () => [on.channel, await voucher(), "", ""]),
    PaychSettle: give(() => [on.channel]),
    PaychCollect: fails(/message execution failed/, () => [on.channel]),
    MpoolPush: give(async () => [await next()]),
    MpoolPushUntrusted: give(async () => [await next()]),
    MpoolBatchPush: give(async () => [[await next()]]),
    MpoolBatchPushUntrusted: give(async () => [[await next()]]),
    MpoolPushMessage: give(() => [message(), null]),
    MpoolBatchPushMessage: give(() => [[message()], null]),
    MpoolGetNonce: give(() => [on.alice]),
    MpoolPending: give(() => [[]]),
    MpoolSelect: give(() => [[], 0.5]),
    MpoolSub: none,
    MpoolCheckMessages: give(() => [
      [{ Message: { ...message(), GasLimit: 1_000_000, GasFeeCap: "200000000" }, ValidNonce: false }],
    ]),
    MpoolCheckPendingMessages: give(() => [on.alice]),
    MpoolCheckReplaceMessages: give(() => [[message()]]),
    MpoolGetConfig: none,
    MpoolSetConfig: give(async () => [await on.net.request("MpoolGetConfig")]),
    MpoolClear: give(() => [true]),
    GasEstimateMessageGas: give(() => [message(), null, []]),
    GasEstimateGasLimit: give(() => [message(), []]),
    GasEstimateFeeCap: give(() => [message(), 20, []]),
    GasEstimateGasPremium: give(() => [2, on.alice, 0, []]),
    WalletNew: give(() => ["bls"]),
    WalletList: none,
    WalletHas: give(() => [on.alice]),
    WalletBalance: give(() => [on.alice]),
    WalletDefaultAddress: none,
    WalletSetDefault: give(() => [on.alice]),
    WalletSign: give(() => [on.alice, "aGVsbG8="]),
    WalletSignMessage: give(() => [on.alice, message()]),
    WalletVerify: give(async () => [on.alice, "aGVsbG8=", await signature()]),
    WalletValidateAddress: give(() => [on.alice]),
    WalletImport: give(async () => [await exported()]),
    WalletExport: give(() => [on.bob]),
    WalletDelete: give(async () => [await newKey()]),
    FilecoinAddressToEthAddress: give(() => [on.alice, null]),
    EthAddressToFilecoinAddress: give(() => ["0xff00000000000000000000000000000000000064"]),
  };
  const ONLY: Readonly<Record<ApiVersion, Record<string, Case>>> = {
    v0: {
      StateSearchMsg: give(() => [on.sent.CID]),
      PaychGet: give(() => [on.alice, on.carol, "3"]),
      ClientRetrieve: alone({ Root: { "/": `${cidOfText("data")}` }, Total: "0" }, null),
      BeaconGetEntry: give(() => [2]),
      ChainGetRandomnessFromTickets: give(() => [[], 2, 3, "AQI="]),
      ChainGetRandomnessFromBeacon: give(() => [[], 2, 3, "AQI="]),
      MsigCancel: give(() => [on.wallet, 0, on.carol, "1000", on.alice, 0, null]),
    },
    v1: {
      StateSearchMsg: give(() => [[], on.sent.CID, -1, true]),
      PaychGet: give(() => [on.alice, on.carol, "3", { OffChain: true }]),
      ClientRetrieve: alone({ Root: { "/": `${cidOfText("data")}` }, Total: "0" }),
      StateGetBeaconEntry: give(() => [2]),
      MsigCancel: give(() => [on.wallet, 0, on.alice]),
      MsigCancelTxnHash: give(() => [on.wallet, 0, on.carol, "1000", on.alice, 0, null]),
    },
  };
  /** The older interface sends at once: what cannot succeed ends when its gas is estimated. */
  const unsendable = fails(/message execution failed/, () => []);
  for (const name of ["MsigApproveTxnHash", "MsigAddApprove", "MsigAddCancel", "MsigSwapApprove", "MsigSwapCancel"])
    ONLY.v0[name] = { ...unsendable, give: (BOTH[name] as Case).give };
  const LOCAL: Record<string, Case> = {
    "Devnet.info": none,
    "Devnet.setBlockTime": give(() => [3600]),
    "Devnet.setAutomine": give(() => [false]),
    "Ganache.EnableMiner": none,
    "Ganache.DisableMiner": none,
    "Devnet.mine": give(() => [1]),
    "Devnet.mineTo": give(() => [1]),
    "Devnet.minerReport": fails(/no miners with sectors/, () => [null]),
    "Devnet.setSectorFault": fails(/no miners with sectors/, () => [on.miner, 0, "lost"]),
    "Devnet.skipProofs": fails(/no miners with sectors/, () => [on.miner, null]),
    "Devnet.setMiner": fails(/no miners with sectors/, () => [on.miner, false]),
    "Devnet.equivocate": fails(/no miners with sectors/, () => [on.miner]),
    "Devnet.terminateSectors": fails(/no miners with sectors/, () => [on.miner, [0]]),
    "Devnet.skipRounds": give(() => [1]),
    "Devnet.passTime": give(() => [1]),
    "Devnet.fastForward": fails(/no miners with sectors/, () => [1]),
    "Devnet.mineToDeadline": fails(/no miners with sectors/, () => [on.miner, null]),
    "Devnet.mineToSector": fails(/no miners with sectors/, () => [on.miner, 0, "Proving"]),
    "Devnet.dump": none,
    "Devnet.snapshot": none,
    "Devnet.snapshots": none,
    "Devnet.revert": fails(/no snapshot 9007199254740991/, () => [Number.MAX_SAFE_INTEGER]),
    evm_snapshot: none,
    evm_setAutomine: give(() => [false]),
    evm_setIntervalMining: give(() => [3_600_000]),
    anvil_setIntervalMining: give(() => [3600]),
    anvil_mine: give(() => ["0x1"]),
    // The actors of this network version know nothing of contracts.
    ...Object.fromEntries(
      [
        ["evm_increaseTime", 1],
        ["evm_setNextBlockTimestamp", 1],
        ["anvil_getAutomine"],
        ["anvil_autoImpersonateAccount", true],
        ["anvil_impersonateAccount", `0x${"11".repeat(20)}`],
        ["anvil_stopImpersonatingAccount", `0x${"11".repeat(20)}`],
        ["anvil_setBalance", `0x${"11".repeat(20)}`, "0x1"],
        ["anvil_setNonce", `0x${"11".repeat(20)}`, "0x1"],
        ["anvil_setCode", `0x${"11".repeat(20)}`, "0x00"],
        ["anvil_setStorageAt", `0x${"11".repeat(20)}`, "0x0", `0x${"11".repeat(32)}`],
        ["eth_sendTransaction", { from: `0x${"11".repeat(20)}` }],
        ["personal_sign", "0x00", `0x${"11".repeat(20)}`],
        ["eth_sign", `0x${"11".repeat(20)}`, "0x00"],
      ].map(([name, ...params]) => [name, fails(/this network has no contracts/, () => params)]),
    ),
    anvil_nodeInfo: none,
    evm_revert: give(() => ["0x7fffffff"]),
  };
  const block = async (): Promise<Record<string, string>> =>
    (await on.net.request("eth_getBlockByNumber", "earliest", false)) as Record<string, string>;
  const owner = "0xff00000000000000000000000000000000000064";
  const ETHEREUM: Record<string, Case> = {
    web3_clientVersion: none,
    net_version: none,
    net_listening: none,
    eth_chainId: none,
    eth_protocolVersion: none,
    eth_syncing: none,
    eth_accounts: none,
    eth_blockNumber: none,
    eth_gasPrice: none,
    eth_maxPriorityFeePerGas: none,
    eth_getBlockByNumber: give(() => ["latest", true]),
    eth_getBlockByHash: give(async () => [(await block())["hash"], false]),
    eth_getBlockTransactionCountByNumber: give(() => ["latest"]),
    eth_getBlockTransactionCountByHash: give(async () => [(await block())["hash"]]),
    eth_getBlockReceipts: give(() => ["latest"]),
    eth_getTransactionByHash: give(async () => [(await block())["hash"]]),
    eth_getTransactionByBlockNumberAndIndex: give(() => ["latest", "0x0"]),
    eth_getTransactionByBlockHashAndIndex: give(async () => [(await block())["hash"], "0x0"]),
    eth_getTransactionReceipt: give(async () => [(await block())["hash"]]),
    eth_getTransactionCount: give(() => [owner, "pending"]),
    eth_getBalance: give(() => [owner, "latest"]),
    eth_getCode: give(() => [owner, "latest"]),
    eth_getStorageAt: give(() => [owner, "0x0", "latest"]),
    // The actors of this network version know nothing of contracts.
    eth_call: fails(/no list of actors/, () => [{ from: owner, to: owner }, "latest", null]),
    eth_estimateGas: fails(/no list of actors/, () => [{ from: owner, to: owner }, "latest"]),
    eth_sendRawTransaction: fails(/bad transaction/, () => ["0x01"]),
    eth_feeHistory: give(() => ["0x2", "latest", [50]]),
    eth_getLogs: give(() => [{ fromBlock: "earliest", toBlock: "latest" }]),
    eth_newFilter: give(() => [{ fromBlock: "earliest", toBlock: "latest" }]),
    trace_block: give(() => ["latest"]),
    trace_replayBlockTransactions: give(() => ["latest", ["trace"]]),
    trace_transaction: fails(/transaction not found/, () => [`0x${"11".repeat(32)}`]),
    trace_filter: give(() => [{ fromBlock: "latest", toBlock: "latest" }]),
    eth_newBlockFilter: none,
    eth_newPendingTransactionFilter: none,
    eth_getFilterChanges: give(async () => [await on.net.request("eth_newBlockFilter")]),
    eth_getFilterLogs: give(async () => [await on.net.request("eth_newFilter", {})]),
    eth_uninstallFilter: give(() => ["0x1"]),
    eth_subscribe: give(() => ["newHeads"]),
    eth_unsubscribe: give(() => ["0x1"]),
  };
  const v0: Record<string, Case> = { ...BOTH, ...ONLY.v0, ...LOCAL, ...ETHEREUM };
  delete v0["MsigCancelTxnHash"];
  return { v0, v1: { ...BOTH, ...ONLY.v1, ...LOCAL, ...ETHEREUM } };
}
