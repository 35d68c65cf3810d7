/** Storage deals and retrievals with their progress, and the market's state on chain. */
import type { JSX } from "preact";
import { bytes, count, fil, short } from "../format.ts";
import { useLive } from "../live.ts";
import { ask } from "../node.ts";
import { Address, Card, CidLink, Epoch, Miner, Shown, Table, WITHOUT_PEERS } from "../parts.tsx";

type Cid = { readonly "/": string };
type Proposal = {
  readonly PieceCID: Cid;
  readonly PieceSize: number;
  readonly Client: string;
  readonly Provider: string;
  readonly StartEpoch: number;
  readonly EndEpoch: number;
  readonly StoragePricePerEpoch: string;
};
type View = {
  readonly ProposalCid: Cid;
  readonly State: string;
  readonly About: string;
  readonly Error: string;
  readonly Proposal: Proposal;
  readonly Bytes: number;
  readonly Received: number;
  readonly DealId: number | null;
  readonly Sector: number | null;
  readonly SealingState: string;
  readonly way?: string;
};
type OnChain = {
  readonly id: string;
  readonly Proposal: Proposal;
  readonly State: { readonly SectorStartEpoch: number; readonly LastUpdatedEpoch: number; readonly SlashEpoch: number };
};
type Transfers = { readonly Given: readonly Given[]; readonly Taken: readonly Taken[] };
type Transfer = { readonly Peer: string; readonly ID: string; readonly State: string; readonly Message: string };
type Given = Transfer & { readonly Root: Cid; readonly Sent: number; readonly Received: string };
type Taken = Transfer & { readonly Root: string; readonly Bytes: number; readonly Paid: string };
type Row = Transfer & { readonly way: string; readonly root: string; readonly size: number; readonly paid: string };

const MOST = 1000;

async function own(): Promise<readonly View[]> {
  const ask1 = async (method: string, way: string): Promise<readonly View[]> =>
    ((await ask<readonly View[] | null>(method)) ?? []).map((one) => ({ ...one, way }));
  const [taken, made] = await Promise.allSettled([
    ask1("Filigree.ProviderDeals", "as provider"),
    ask1("Filigree.ClientDeals", "as client"),
  ]);
  if (taken.status === "rejected" && made.status === "rejected") throw taken.reason;
  return [...(made.status === "fulfilled" ? made.value : []), ...(taken.status === "fulfilled" ? taken.value : [])]
    .slice(-MOST)
    .reverse();
}

async function onChain(): Promise<readonly OnChain[]> {
  const found =
    (await ask<Readonly<Record<string, Omit<OnChain, "id">>> | null>("Filecoin.StateMarketDeals", null)) ?? {};
  return Object.entries(found)
    .slice(-MOST)
    .map(([id, deal]) => ({ id, ...deal }))
    .reverse();
}

function Progress({ deal: { Bytes: all, Received: come, way } }: { deal: View }): JSX.Element {
  if (all === 0) return <>–</>;
  // The client's side does not hear how much of it the provider has.
  if (way === "as client" && come === 0) return <>{bytes(all)}</>;
  return (
    <progress
      max={all}
      value={come}
      aria-label={`${bytes(come)} of ${bytes(all)}`}
      title={`${bytes(come)} of ${bytes(all)}`}
    />
  );
}

export function DealsView(): JSX.Element {
  const deals = useLive("own deals", own);
  const market = useLive("market deals", onChain);
  const transfers = useLive("retrievals", () => ask<Transfers>("Filigree.RetrievalDeals"));
  return (
    <>
      <Card title="Deals of this node" wide>
        <Shown live={deals}>
          {(rows) => (
            <Table<View>
              caption="Deals of this node"
              rows={rows}
              keyOf={({ ProposalCid: cid, way }) => `${way}${cid["/"]}`}
              empty="none yet: `filigree client deal` offers a file to a miner"
              columns={[
                { title: "Proposal", cell: ({ ProposalCid: cid }) => <span class="mono">{short(cid["/"])}</span> },
                { title: "Role", cell: ({ way }) => way },
                { title: "Provider", cell: ({ Proposal: one }) => <Miner of={one.Provider} /> },
                {
                  title: "State",
                  cell: ({ State: state, About: about, Error: error }) => (
                    <span title={about}>{error === "" ? state : `${state}: ${error}`}</span>
                  ),
                },
                { title: "Data", cell: (deal) => <Progress deal={deal} /> },
                {
                  title: "Sector",
                  cell: ({ Sector: sector, SealingState: state }) => (sector === null ? "–" : `${sector} ${state}`),
                },
                { title: "Deal", cell: ({ DealId: id }) => id ?? "–", isNumber: true },
                { title: "Piece", cell: ({ Proposal: one }) => <CidLink of={one.PieceCID["/"]} /> },
                { title: "Size", cell: ({ Proposal: one }) => bytes(one.PieceSize), isNumber: true },
              ]}
            />
          )}
        </Shown>
      </Card>
      <Card title="Deals on chain" wide>
        <Shown live={market}>
          {(rows) => (
            <Table<OnChain>
              caption="Deals on chain"
              rows={rows}
              keyOf={({ id }) => id}
              empty="none was published"
              columns={[
                { title: "Deal", cell: ({ id }) => id, isNumber: true },
                { title: "Client", cell: ({ Proposal: one }) => <Address of={one.Client} /> },
                { title: "Provider", cell: ({ Proposal: one }) => <Miner of={one.Provider} /> },
                { title: "Piece", cell: ({ Proposal: one }) => <CidLink of={one.PieceCID["/"]} /> },
                { title: "Size", cell: ({ Proposal: one }) => bytes(one.PieceSize), isNumber: true },
                { title: "Epochs", cell: ({ Proposal: one }) => `${count(one.StartEpoch)} to ${count(one.EndEpoch)}` },
                { title: "Price an epoch", cell: ({ Proposal: one }) => fil(one.StoragePricePerEpoch), isNumber: true },
                {
                  title: "State",
                  cell: ({ State: state }) =>
                    state.SlashEpoch >= 0 ? (
                      "slashed"
                    ) : state.SectorStartEpoch >= 0 ? (
                      <>
                        active since <Epoch of={state.SectorStartEpoch} />
                      </>
                    ) : (
                      "published"
                    ),
                },
              ]}
            />
          )}
        </Shown>
      </Card>
      <Card title="Retrievals" wide>
        <Shown live={transfers} calm={WITHOUT_PEERS}>
          {({ Given, Taken }) => (
            <Table<Row>
              caption="Retrievals"
              rows={[
                ...Given.map((one) => ({
                  ...one,
                  way: "served",
                  root: one.Root["/"],
                  size: one.Sent,
                  paid: one.Received,
                })),
                ...Taken.map((one) => ({ ...one, way: "fetched", root: one.Root, size: one.Bytes, paid: one.Paid })),
              ].slice(-MOST)}
              keyOf={({ way, Peer, ID }) => way + Peer + ID}
              empty="none yet"
              columns={[
                { title: "Way", cell: ({ way }) => way },
                { title: "Data", cell: ({ root }) => <span class="mono">{short(root)}</span> },
                { title: "Peer", cell: ({ Peer }) => <span class="mono">{short(Peer)}</span> },
                { title: "Bytes", cell: ({ size }) => bytes(size), isNumber: true },
                { title: "Paid", cell: ({ paid }) => fil(paid), isNumber: true },
                { title: "State", cell: ({ State: state, Message: message }) => `${state} ${message}` },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}
