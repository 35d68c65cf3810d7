/** Peers that are connected, what gossip thinks of them, and a map of the connections. */
import type { JSX } from "preact";
import { short } from "../format.ts";
import { useLive } from "../live.ts";
import { ask } from "../node.ts";
import { Card, Shown, Table, WITHOUT_PEERS } from "../parts.tsx";

type Info = { readonly ID: string; readonly Addrs: readonly string[] };
type Score = { readonly ID: string; readonly Score: { readonly Score: number } };
type Row = { readonly id: string; readonly address: string; readonly score: number | null; readonly agent: string };
type Net = { readonly id: string; readonly peers: readonly Row[] };

const MOST = 100;

async function peers(): Promise<Net> {
  const [own, list, scores] = await Promise.all([
    ask<Info>("Filecoin.NetAddrsListen"),
    ask<readonly Info[]>("Filecoin.NetPeers"),
    ask<readonly Score[] | null>("Filecoin.NetPubsubScores").catch(() => null),
  ]);
  const byPeer = new Map((scores ?? []).map(({ ID, Score }) => [ID, Score.Score]));
  const rows = list.slice(0, MOST).map(async ({ ID, Addrs }) => ({
    id: ID,
    address: Addrs[0] ?? "",
    score: byPeer.get(ID) ?? null,
    agent: await ask<string>("Filecoin.NetAgentVersion", ID).catch(() => "not known"),
  }));
  return { id: own.ID, peers: await Promise.all(rows) };
}

export function PeersView(): JSX.Element {
  const live = useLive("peers", peers);
  return (
    <Card title="Peers" wide>
      <Shown live={live} calm={WITHOUT_PEERS}>
        {({ id, peers: rows }) => (
          <>
            <Star id={id} rows={rows} />
            <Table<Row>
              caption="Peers"
              rows={rows}
              keyOf={(row) => row.id}
              empty="no peer is connected"
              columns={[
                { title: "Peer", cell: (row) => <span class="mono">{short(row.id)}</span> },
                { title: "Address", cell: ({ address }) => <span class="mono text">{address}</span> },
                { title: "Score", cell: ({ score }) => (score === null ? "–" : score.toFixed(2)), isNumber: true },
                { title: "Says that it is", cell: ({ agent }) => agent },
              ]}
            />
          </>
        )}
      </Shown>
    </Card>
  );
}

const SIZE = 320;

/** This node in the middle, whom it is connected to around it. Who else is connected to whom, no node can know. */
function Star({ id, rows }: { id: string; rows: readonly Row[] }): JSX.Element {
  const at = (i: number): readonly [number, number] => {
    const angle = (2 * Math.PI * i) / Math.max(1, rows.length) - Math.PI / 2;
    return [SIZE / 2 + (SIZE / 2 - 50) * Math.cos(angle), SIZE / 2 + (SIZE / 2 - 40) * Math.sin(angle)];
  };
  return (
    <svg class="map" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={`This node and its ${rows.length} peers`}>
      {rows.map((row, i) => (
        <line
          key={row.id}
          x1={SIZE / 2}
          y1={SIZE / 2}
          x2={at(i)[0]}
          y2={at(i)[1]}
          class={row.score !== null && row.score < 0 ? "weak" : undefined}
        />
      ))}
      {rows.map((row, i) => (
        <g key={row.id}>
          <circle cx={at(i)[0]} cy={at(i)[1]} r={9} class="m2" />
          <text x={at(i)[0]} y={at(i)[1] + 22} text-anchor="middle">
            {row.id.slice(-6)}
          </text>
        </g>
      ))}
      <circle cx={SIZE / 2} cy={SIZE / 2} r={12} class="m0" />
      <text x={SIZE / 2} y={SIZE / 2 + 26} text-anchor="middle">
        {id.slice(-6)} (this node)
      </text>
    </svg>
  );
}
