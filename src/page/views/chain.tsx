/** The chain: epochs as columns, blocks in them coloured by their producers, lines to the parents, forks below. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { head, known, load, reverted, revision, type TipsetView, tipsetAt } from "../chain.ts";
import { count, minerColour, short, time } from "../format.ts";
import { Card, Epoch, Miner, Table } from "../parts.tsx";
import { linkTo } from "../route.ts";

const COLUMN = 26;
const BLOCK = 18;
const STEP = 24;
const TOP = 8;
/** Blocks of one epoch that have a place; more are a number. Places are left free for at least some. */
const ROWS = 6;
const FEWEST_ROWS = 3;

/** The last epoch that is shown; null: the head's. */
const until = signal<number | null>(null);
const columns = signal(36);

function columnsOf(width: number): number {
  return Math.max(8, Math.min(80, Math.floor(width / COLUMN)));
}

export function ChainView(): JSX.Element {
  revision.value;
  const top = head.value?.epoch ?? 0;
  const last = Math.min(until.value ?? top, top);
  const first = Math.max(0, last - columns.value + 1);
  useEffect(() => {
    const adapt = (): void => {
      columns.value = columnsOf(document.querySelector(".chain")?.clientWidth ?? 900);
    };
    adapt();
    addEventListener("resize", adapt);
    return () => removeEventListener("resize", adapt);
  }, []);
  useEffect(() => {
    if (until.value !== null) load(first, last).catch(() => undefined);
  }, [until.value, columns.value]);
  const shown = known(first, last);
  const miners = [...new Set(shown.flatMap(({ blocks }) => blocks.map(({ miner }) => miner)))].sort();
  return (
    <>
      <Card title="Chain" wide>
        <Moves first={first} last={last} top={top} />
        <div class="chain">
          <Picture first={first} last={last} shown={shown} />
        </div>
        <p class="row legend">
          {miners.map((miner) => (
            <Miner key={miner} of={miner} />
          ))}
          <span class="faint">an empty column is a null round; below the line: blocks that were reverted</span>
        </p>
      </Card>
      <Card title="Tipsets" wide>
        <Table<TipsetView>
          caption="Tipsets, the newest first"
          rows={shown.slice().reverse().slice(0, 25)}
          keyOf={({ epoch }) => epoch}
          empty="no tipset is known yet"
          columns={[
            { title: "Epoch", cell: ({ epoch }) => <Epoch of={epoch} />, isNumber: true },
            { title: "Time (UTC)", cell: ({ timestamp }) => time(timestamp) },
            {
              title: "Blocks of",
              cell: ({ blocks }) => blocks.map(({ miner, cid }) => <Miner key={cid} of={miner} />),
            },
            {
              title: "Wins",
              cell: ({ blocks }) => blocks.reduce((sum, { winCount }) => sum + winCount, 0),
              isNumber: true,
            },
            { title: "Base fee, attoFIL", cell: ({ baseFee }) => count(baseFee), isNumber: true },
            { title: "Weight", cell: ({ weight }) => count(weight), isNumber: true },
          ]}
        />
      </Card>
    </>
  );
}

function Moves({ first, last, top }: { first: number; last: number; top: number }): JSX.Element {
  const to = (epoch: number): void => {
    until.value = epoch >= top ? null : Math.max(columns.value - 1, epoch);
  };
  return (
    <div class="row">
      <button type="button" onClick={() => to(last - columns.value)} disabled={first === 0} aria-label="Earlier epochs">
        ←
      </button>
      <label class="grow">
        <span class="unseen">Last epoch shown</span>
        <input
          type="range"
          min={0}
          max={Math.max(1, top)}
          value={last}
          onInput={(event) => to(Number(event.currentTarget.value))}
        />
      </label>
      <button type="button" onClick={() => to(last + columns.value)} disabled={last >= top} aria-label="Later epochs">
        →
      </button>
      <button type="button" aria-pressed={until.value === null} onClick={() => to(top)}>
        {until.value === null ? "Following the head" : "Follow the head"}
      </button>
    </div>
  );
}

function Picture({ first, last, shown }: { first: number; last: number; shown: readonly TipsetView[] }): JSX.Element {
  const forks = reverted.value.filter(({ epoch }) => epoch >= first && epoch <= last);
  const width = (last - first + 1) * COLUMN;
  const rows = shown.reduce((most, { blocks }) => Math.max(most, Math.min(ROWS, blocks.length)), FEWEST_ROWS);
  const forkTop = TOP + rows * STEP + (shown.some(({ blocks }) => blocks.length > ROWS) ? 16 : 8);
  const height = forkTop + (forks.length > 0 ? 2 * STEP : STEP);
  const x = (epoch: number): number => (epoch - first) * COLUMN + 4;
  const place = (tipset: TipsetView, cid: string): number =>
    Math.min(
      ROWS - 1,
      tipset.blocks.findIndex((block) => block.cid === cid),
    );
  let parent: TipsetView | undefined;
  const lines: JSX.Element[] = [];
  for (const tipset of shown) {
    const below = parent ?? tipsetAt(tipset.epoch - 1);
    if (below !== undefined && parent !== undefined)
      for (const [row, block] of tipset.blocks.slice(0, ROWS).entries())
        for (const cid of block.parents) {
          const from = place(below, cid);
          if (from < 0) continue;
          lines.push(
            <path
              key={`${block.cid}${cid}`}
              d={`M${x(below.epoch) + BLOCK} ${TOP + from * STEP + BLOCK / 2} L${x(tipset.epoch)} ${TOP + row * STEP + BLOCK / 2}`}
            />,
          );
        }
    parent = tipset;
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of links that is drawn
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="group"
      aria-label={`Blocks of the epochs ${first} to ${last}`}
    >
      <g class="lines">{lines}</g>
      {shown.map((tipset) => (
        <g key={tipset.epoch}>
          {tipset.blocks.slice(0, ROWS).map((block, row) => (
            <Block
              key={block.cid}
              x={x(tipset.epoch)}
              y={TOP + row * STEP}
              miner={block.miner}
              wins={block.winCount}
              epoch={tipset.epoch}
              cid={block.cid}
            />
          ))}
          {tipset.blocks.length > ROWS ? (
            <text x={x(tipset.epoch)} y={forkTop - 6}>
              +{tipset.blocks.length - ROWS}
            </text>
          ) : null}
          {tipset.epoch % 5 === 0 ? (
            <text x={x(tipset.epoch) + BLOCK / 2} y={height - 4} text-anchor="middle">
              {tipset.epoch}
            </text>
          ) : null}
        </g>
      ))}
      <line class="divide" x1={0} x2={width} y1={forkTop} y2={forkTop} />
      {forks.map((tipset) => (
        <g key={tipset.key.join()} class="fork">
          {tipset.blocks.slice(0, 1).map((block) => (
            <rect
              key={block.cid}
              class={minerColour(block.miner)}
              x={x(tipset.epoch)}
              y={forkTop + 4}
              width={BLOCK}
              height={BLOCK}
              rx={3}
            >
              <title>
                reverted: epoch {tipset.epoch}, {tipset.blocks.length} {tipset.blocks.length === 1 ? "block" : "blocks"}
                , {tipset.blocks.map(({ miner }) => miner).join(", ")}
              </title>
            </rect>
          ))}
        </g>
      ))}
    </svg>
  );
}

function Block(block: { x: number; y: number; miner: string; wins: number; epoch: number; cid: string }): JSX.Element {
  const { x, y, miner, wins, epoch, cid } = block;
  const text = `epoch ${epoch}, block of ${miner}, ${wins} wins, ${short(cid)}`;
  return (
    <a href={linkTo("tipset", epoch)} aria-label={text}>
      <rect class={minerColour(miner)} x={x} y={y} width={BLOCK} height={BLOCK} rx={3}>
        <title>{text}</title>
      </rect>
    </a>
  );
}
