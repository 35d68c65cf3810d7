/** What a scenario is: a local network, and steps that do something to it or say what must be so then. */
import { FilError } from "../base/errors.ts";

export type ScenarioErrorData =
  /** The file is none, at this place of it. */
  | { readonly code: "BAD_SCENARIO"; readonly place: string }
  /** A step could not be done. */
  | { readonly code: "STEP_FAILED"; readonly step: number; readonly verb: string }
  /** What a step says is not so. */
  | {
      readonly code: "EXPECTATION_FAILED";
      readonly step: number;
      readonly verb: string;
      readonly expected: string;
      readonly found: string;
    };
export class ScenarioError extends FilError<ScenarioErrorData> {}

/** An account's name ("alice", "alice-bls"), "miner" or "miner/1" (from 0), or an address. */
type Party = string;
/** With its unit: "1.5 FIL", "7 attoFIL". */
type Amount = string;
/** A number, or the name that `pledge` gave it. */
type Sector = number | string;
/** Default of `miner`: the first. */
type OfMiner = { readonly miner?: Party };
/** Also where nobody could make blocks after it, which is refused otherwise. */
type Anyway = { readonly anyway?: boolean };
type Bounds<T> = { readonly is?: T; readonly atLeast?: T; readonly atMost?: T };

/** The steps by their verbs, and what each is given. */
export type StepValues = {
  /** Makes so many tipsets. */
  readonly mine: number;
  /** Makes tipsets up to an epoch. */
  readonly mineTo: number;
  /** Passes time: "90s", "15m", "2h", "1d". */
  readonly pass: string;
  /** Passes null rounds, then makes a tipset. */
  readonly skipRounds: number;
  /** Makes tipsets until a deadline opens; default: the next with sectors. With `skip` null rounds pass on the way. */
  readonly toDeadline: OfMiner & { readonly deadline?: number; readonly skip?: boolean };
  /** Makes tipsets until a sector is in a state. */
  readonly toSector: OfMiner & { readonly sector: Sector; readonly state: string; readonly epochs?: number };
  /** Sends, and makes tipsets until the message was executed; with `exit` something else than 0 is expected of it. */
  readonly send: {
    readonly from: Party;
    readonly to: Party;
    readonly value: Amount;
    readonly exit?: number;
    /** Sends and makes no tipset. */
    readonly wait?: boolean;
  };
  /** Begins a new sector, which later steps know by the name. */
  readonly pledge: OfMiner & { readonly as: string };
  /** Plays the loss or the change of a sector's files, or ends it. */
  readonly setSector: OfMiner & { readonly sector: Sector; readonly fault: "none" | "lost" | "changed" };
  /** Leaves proofs of some deadlines out from now on; of none: makes all again; default: leaves all out. */
  readonly skipProofs: OfMiner & { readonly deadlines?: readonly number[] } & Anyway;
  /** Stops a miner, or starts it again. */
  readonly setMiner: OfMiner & { readonly on: boolean };
  /** Has a miner sign two blocks of one epoch, and reports them. */
  readonly equivocate: OfMiner & Anyway;
  readonly terminate: OfMiner & { readonly sectors: readonly Sector[] } & Anyway;
  /** Takes a snapshot under a name; `revert` goes back to it, as often as it is wanted. */
  readonly snapshot: string;
  readonly revert: string;
  /** Opens a payment channel, or adds to it. */
  readonly channel: { readonly from: Party; readonly to: Party; readonly amount: Amount; readonly as: string };
  /** Makes a voucher for all that the lane has paid so far, and hands it in. */
  readonly pay: { readonly channel: string; readonly total: Amount; readonly lane?: number };
  readonly settle: { readonly channel: string };
  readonly collect: { readonly channel: string };
  /**
   * Offers a deal about data of so many bytes (default 900), which follow from the name, and makes tipsets until the provider has taken it.
   * Prices are of an epoch; default: what the ask comes to. Epochs: how long it lasts (default 180 days), and until it begins (default 700).
   */
  readonly deal: OfMiner & {
    readonly client: Party;
    readonly as: string;
    readonly bytes?: number;
    readonly price?: Amount;
    readonly maxPrice?: Amount;
    readonly duration?: number;
    readonly start?: number;
  };
  /** Makes tipsets until the client sees its deal in a state. */
  readonly toDeal: { readonly deal: string; readonly state: string; readonly epochs?: number };
  /** Calls any method of the JSON-RPC. */
  readonly call: { readonly method: string; readonly params?: readonly unknown[] };

  /** `gained`: since the scenario began. */
  readonly expectBalance: Bounds<Amount> & { readonly of: Party; readonly gained?: Amount };
  /** `as`: the head that `snapshot` of this name has seen. */
  readonly expectHead: Bounds<number> & { readonly as?: string };
  /** Numbers of all sectors that are so. */
  readonly expectSectors: OfMiner & {
    readonly [Kind in "live" | "active" | "faulty" | "recovering" | "unproven" | "terminated"]?: readonly Sector[];
  };
  readonly expectSector: OfMiner & { readonly sector: Sector; readonly state: string };
  /** As the client sees it, or the provider. */
  readonly expectDeal: { readonly deal: string; readonly state: string; readonly side?: "client" | "provider" };
  /** Raw bytes. */
  readonly expectPower: OfMiner & Bounds<number>;
  /** An answer of the JSON-RPC: has at least these fields. */
  readonly expectCall: { readonly method: string; readonly params?: readonly unknown[]; readonly has: unknown };
};
export type Verb = keyof StepValues;
/** One verb with its value. */
export type LabStep = { readonly [V in Verb]: { readonly [K in V]: StepValues[V] } }[Verb];

type OneNode = {
  /** What `Devnet.open` is given; the rest is its default. */
  readonly network?: {
    readonly seed?: string;
    readonly accounts?: number;
    readonly miners?: number;
    readonly sectors?: number;
  };
  readonly steps: readonly LabStep[];
};

/** By its index, from 0. Default: the first. */
type OfNode = { readonly node?: number };
type Nodes = readonly number[];

/** The steps of a network of several nodes. An epoch is 30 s of its own clock; it may have no block, or several. */
export type NodesStepValues = {
  /** Lets so many epochs pass. */
  readonly mine: number;
  /** Lets epochs pass up to one. */
  readonly mineTo: number;
  /** Lets time pass, in whole epochs: "90s" are three. */
  readonly pass: string;
  /** Gives a message to a node, and lets epochs pass until it was executed on that node's chain. */
  readonly send: StepValues["send"] & OfNode;
  /** Parts the network: from now on only nodes of one group reach each other. A node that is in none reaches nobody. */
  readonly part: readonly Nodes[];
  /** Ends that. */
  readonly heal: Readonly<Record<string, never>>;
  /** Stops a node as when the power goes (what is not synced to its disk may be lost), or starts it again from its disk. */
  readonly setNode: { readonly node: number; readonly on: boolean };
  /**
   * Changes the links of all nodes, or the one between two: the milliseconds that bytes take at least, and the share of gossip that is lost
   * (of what goes over a stream: that is sent again, and comes later).
   */
  readonly setLinks: {
    readonly between?: readonly [number, number];
    readonly latency?: number;
    readonly loss?: number;
  };

  /** Where a node's chain ends. */
  readonly expectHead: Bounds<number> & OfNode;
  /** As a node's chain has it. */
  readonly expectBalance: StepValues["expectBalance"] & OfNode;
  /**
   * How many chains the nodes are on (default: those that are up), compared at the lowest of their heads, or so many epochs below it
   * (`within`, default 0): a node that is only behind is on the chain of the others.
   */
  readonly expectChains: { readonly is: number; readonly nodes?: Nodes; readonly within?: number };
  /** The nodes that a node is connected with. */
  readonly expectPeers: OfNode & { readonly are: Nodes };
  /** Tipsets that a node has reverted at once, at most, since the scenario began. */
  readonly expectReorg: Bounds<number> & OfNode;
};
export type NodesVerb = keyof NodesStepValues;
/** One verb with its value. */
export type NodesStep = { readonly [V in NodesVerb]: { readonly [K in V]: NodesStepValues[V] } }[NodesVerb];

type SeveralNodes = {
  readonly network: {
    readonly seed?: string;
    readonly accounts?: number;
    /** From 2 on: a simulated network of so many nodes, each with a miner. */
    readonly nodes: number;
  };
  readonly steps: readonly NodesStep[];
};

export type LabScenario = { readonly name: string } & (OneNode | SeveralNodes);

export function isOfNodes(scenario: LabScenario): scenario is { readonly name: string } & SeveralNodes {
  return scenario.network !== undefined && "nodes" in scenario.network;
}

/** A scenario, with its types checked as it is written. */
export function defineScenario(scenario: LabScenario): LabScenario {
  return scenario;
}
