/** Shapes of the JSON-RPC that the page reads; only the fields that it shows. */

export type Cid = { readonly "/": string };

export type BlockJson = {
  readonly Miner: string;
  readonly ElectionProof: { readonly WinCount: number } | null;
  readonly Parents: readonly Cid[] | null;
  readonly ParentWeight: string;
  readonly Height: number;
  readonly Timestamp: number;
  readonly ParentBaseFee: string;
  readonly ParentStateRoot: Cid;
  readonly Messages: Cid;
};
export type TipsetJson = {
  readonly Cids: readonly Cid[];
  readonly Blocks: readonly BlockJson[];
  readonly Height: number;
};
export type HeadChange = { readonly Type: "current" | "apply" | "revert"; readonly Val: TipsetJson };

export type MessageJson = {
  readonly To: string;
  readonly From: string;
  readonly Nonce: number;
  readonly Value: string;
  readonly GasLimit: number;
  readonly GasFeeCap: string;
  readonly GasPremium: string;
  readonly Method: number | string;
  readonly Params: string | null;
  readonly CID?: Cid;
};
export type ReceiptJson = { readonly ExitCode: number; readonly Return: string | null; readonly GasUsed: number };
export type SignedMessageJson = { readonly Message: MessageJson; readonly CID?: Cid };
export type LookupJson = {
  readonly Message: Cid;
  readonly Receipt: ReceiptJson;
  readonly TipSet: readonly Cid[];
  readonly Height: number;
};
export type TraceJson = {
  readonly Msg: MessageJson;
  readonly MsgRct: ReceiptJson;
  readonly Error?: string;
  readonly Subcalls: readonly TraceJson[] | null;
};
export type InvocationJson = {
  readonly ExecutionTrace: TraceJson;
  readonly GasCost?: { readonly TotalCost: string; readonly BaseFeeBurn: string; readonly MinerTip: string } | null;
  readonly Error?: string;
};
export type ActorJson = { readonly Code: Cid; readonly Head: Cid; readonly Nonce: number; readonly Balance: string };

export type MinerReportJson = {
  readonly Miner: string;
  readonly Epoch: number;
  readonly On: boolean;
  readonly Power: { readonly [name: string]: string } & { readonly HasMinPower: boolean };
  readonly Sectors: { readonly [state: string]: readonly number[] };
  readonly Money: { readonly [part: string]: string };
  readonly FaultFee: string;
  readonly Burnt: string;
  readonly NotEligible: string | null;
  readonly FileFaults: readonly { readonly Sector: number; readonly Fault: string }[];
  readonly SkippedDeadlines: readonly number[] | null;
};
export type SectorStepJson = {
  readonly Miner: string;
  readonly Number: number;
  readonly State: string;
  readonly Kind: string;
  readonly About: string;
  readonly Since: number;
  readonly Steps: number;
  readonly Error: string;
};
export type DevnetInfo = {
  readonly chainId: number;
  readonly networkName: string;
  /** Told to admins alone. */
  readonly seed?: string;
  readonly blockTime?: number;
  /** The network whose state this one goes on from. */
  readonly fork?: { readonly url: string; readonly epoch: number };
  /** Absent of a network of several nodes. */
  readonly miner?: string;
  readonly producer?: string;
  readonly proofs?: string;
  readonly seals?: string;
  /** Base64; of a network with real proofs. */
  readonly verifyingKeys?: Readonly<Record<string, string>>;
  readonly miners?: readonly { readonly address: string; readonly sectors: number }[];
  readonly accounts: readonly {
    readonly name: string;
    readonly id: string;
    readonly secp256k1: string;
    readonly bls: string;
  }[];
};
