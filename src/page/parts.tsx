/** Small parts that all views are made of. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { minerColour, short } from "./format.ts";
import type { Live } from "./live.ts";
import { labelOf } from "./names.ts";
import { linkTo } from "./route.ts";

export function Address({ of, full = false }: { of: string; full?: boolean }): JSX.Element {
  const label = labelOf(of);
  return (
    <a class="mono" href={linkTo("actor", of)} title={of}>
      {full ? of : short(of)}
      {label === undefined ? null : <span class="label"> {label}</span>}
    </a>
  );
}

export function CidLink({
  of,
  view = "object",
  full = false,
}: {
  of: string;
  view?: string;
  full?: boolean;
}): JSX.Element {
  return (
    <a class="mono" href={linkTo(view, of)} title={of}>
      {full ? of : short(of)}
    </a>
  );
}

export function Epoch({ of }: { of: number }): JSX.Element {
  return <a href={linkTo("tipset", of)}>{of}</a>;
}

/** Which state is shown: methods of the network tell of the one that the tipset builds on, without its own messages. */
export function BuiltOn({ epoch }: { epoch: number }): JSX.Element {
  return (
    <>
      In the state that epoch <Epoch of={epoch} /> builds on.
    </>
  );
}

export function Miner({ of }: { of: string }): JSX.Element {
  return (
    <a href={linkTo("miner", of)}>
      <span class={`dot ${minerColour(of)}`} aria-hidden="true" />
      {of}
    </a>
  );
}

/** A text in which commands and names stand between backticks. */
export function Words({ of }: { of: string }): JSX.Element {
  return <>{of.split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>;
}

/** A value, or that it is on its way, or why it does not come. `calm`: a reason that is nothing wrong. */
export function Shown<T>({
  live,
  children,
  calm,
}: {
  live: Live<T>;
  children: (value: T) => ComponentChildren;
  calm?: RegExp;
}): JSX.Element {
  if (live.value !== null) return <>{children(live.value)}</>;
  if (live.error === "") return <p class="faint">loading …</p>;
  return (
    <p class={calm?.test(live.error) === true ? "faint" : "error"}>
      <Words of={live.error} />
    </p>
  );
}

/** That a node has no peers is how it was started. */
export const WITHOUT_PEERS = /^this node has no peers/;

export type Column<T> = {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  readonly isNumber?: boolean;
};

/** Rows that one page of a table shows. */
const PAGE = 50;

/** A table in pages: however many rows there are, fifty are in the document. */
export function Table<T>({
  caption,
  columns,
  rows,
  keyOf,
  empty,
}: {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string | number;
  empty: string;
}): JSX.Element {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  const at = Math.min(page, pages - 1);
  if (rows.length === 0)
    return (
      <p class="faint">
        <Words of={empty} />
      </p>
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls in a frame of its own, which the keyboard has to reach
    <section class="table" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" class={isNumber ? "number" : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(at * PAGE, (at + 1) * PAGE).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, isNumber }) => (
                <td key={title} class={isNumber ? "number" : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {pages > 1 ? (
        <p class="row">
          <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
            Earlier rows
          </button>
          <span>
            {at + 1} of {pages}
          </span>
          <button type="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            Further rows
          </button>
        </p>
      ) : null}
    </section>
  );
}

export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Card({
  title,
  children,
  wide = false,
}: {
  title: string;
  children: ComponentChildren;
  wide?: boolean;
}): JSX.Element {
  return (
    <section class={wide ? "card wide" : "card"}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export type Part = { readonly name: string; readonly value: bigint; readonly text: string };

/** Shares of a whole as one bar, and in words beside it. */
export function Shares({ title, parts }: { title: string; parts: readonly Part[] }): JSX.Element {
  const positive = parts.filter(({ value }) => value > 0n);
  const total = positive.reduce((sum, { value }) => sum + value, 0n);
  let at = 0;
  return (
    <div>
      <svg class="shares" viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label={title}>
        {positive.map(({ name, value }) => {
          const width = Number((value * 1000n) / (total === 0n ? 1n : total));
          const x = at;
          at += width;
          return (
            <rect
              key={name}
              x={x}
              y={0}
              width={Math.max(width, 2)}
              height={20}
              class={`m${parts.findIndex((one) => one.name === name) % 8}`}
            />
          );
        })}
      </svg>
      <dl class="facts">
        {parts.map(({ name, text }, i) => (
          <div key={name}>
            <dt>
              <span class={`dot m${i % 8}`} aria-hidden="true" />
              {name}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
