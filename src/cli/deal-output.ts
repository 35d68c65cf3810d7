/** Deals as commands show them, a client's and a provider's alike. */
import { filText } from "../types/amount.ts";
import type { Link } from "./remote-call.ts";
import { table } from "./table.ts";
import { sizeText } from "./terminal.ts";

export type DealView = {
  readonly ProposalCid: Link;
  readonly Uuid: string | null;
  readonly State: string;
  readonly About: string;
  readonly Error: string;
  readonly Since: number;
  readonly Deadline: number | null;
  readonly Proposal: {
    readonly PieceCID: Link;
    readonly PieceSize: number;
    readonly VerifiedDeal: boolean;
    readonly Client: string;
    readonly Provider: string;
    readonly StartEpoch: number;
    readonly EndEpoch: number;
    readonly StoragePricePerEpoch: string;
    readonly ProviderCollateral: string;
  };
  readonly Root: Link | null;
  readonly Bytes: number;
  readonly Received: number;
  readonly PublishMessage: Link | null;
  readonly DealId: number | null;
  readonly Sector: number | null;
  readonly SealingState: string;
  readonly Activated: number | null;
  readonly Slashed: number | null;
  readonly Log: readonly { readonly At: number; readonly Event: string; readonly To: string; readonly Text: string }[];
};

/** One line a deal. */
export function dealLines(deals: readonly DealView[], who: "client" | "provider"): readonly string[] {
  if (deals.length === 0) return ["no deals"];
  const rows = deals.map((deal) => [
    deal.ProposalCid["/"],
    deal.State,
    deal.DealId === null ? "-" : `${deal.DealId}`,
    who === "client" ? deal.Proposal.Provider : deal.Proposal.Client,
    sizeText(deal.Proposal.PieceSize),
    `${deal.Proposal.StartEpoch}`,
    deal.Error,
  ]);
  return table(["proposal", "state", "deal", who === "client" ? "provider" : "client", "piece", "start", ""], rows);
}

/** All of one deal. */
export function dealDetails(deal: DealView): readonly string[] {
  const { Proposal: proposal } = deal;
  const line = (name: string, value: string | number | null): string[] =>
    value === null || value === "" ? [] : [`${name.padEnd(14)}${value}`];
  const duration = BigInt(proposal.EndEpoch - proposal.StartEpoch);
  return [
    ...line("proposal", deal.ProposalCid["/"]),
    ...line("uuid", deal.Uuid),
    ...line("state", `${deal.State}: ${deal.About}`),
    ...line("error", deal.Error),
    ...line("due", deal.Deadline === null ? null : `epoch ${deal.Deadline}`),
    ...line("client", proposal.Client),
    ...line("provider", proposal.Provider),
    ...line("root", deal.Root?.["/"] ?? null),
    ...line("piece", `${proposal.PieceCID["/"]}, ${sizeText(proposal.PieceSize)}`),
    ...line("data", `${deal.Bytes} bytes${deal.Received > 0 ? `, ${deal.Received} received` : ""}`),
    ...line("epochs", `${proposal.StartEpoch} to ${proposal.EndEpoch}`),
    ...line(
      "price",
      `${filText(proposal.StoragePricePerEpoch)} an epoch, ${filText(BigInt(proposal.StoragePricePerEpoch) * duration)} in all`,
    ),
    ...line("collateral", `${filText(proposal.ProviderCollateral)} of the provider`),
    ...line("message", deal.PublishMessage?.["/"] ?? null),
    ...line("deal", deal.DealId),
    ...line("sector", deal.Sector),
    ...line("sealing", deal.SealingState),
    ...line("active since", deal.Activated === null ? null : `epoch ${deal.Activated}`),
    ...line("slashed", deal.Slashed === null ? null : `epoch ${deal.Slashed}`),
    ...deal.Log.map(
      ({ At, Event, To, Text }) =>
        `  ${new Date(At).toISOString()}  ${Event} -> ${To}${Text === "" ? "" : `  ${Text}`}`,
    ),
  ];
}
