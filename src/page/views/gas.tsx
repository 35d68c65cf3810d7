/** The base fee as a curve, and the gas that tipsets used. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { head, known, revision, withParents } from "../chain.ts";
import { count, gasPrice } from "../format.ts";
import type { ReceiptJson } from "../json.ts";
import { useLive } from "../live.ts";
import { ask } from "../node.ts";
import { Card, Epoch, Shown, Table } from "../parts.tsx";

/** Epochs of the curve; tipsets whose gas is listed. */
const EPOCHS = 600;
const LISTED = 20;

export function GasView(): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    // Looked up at each drawing: the colour scheme may change while the page is open.
    const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: colour("--text"), grid: { stroke: "rgba(128,128,128,0.25)" } };
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height: 260,
        scales: { x: { time: false } },
        legend: { live: true },
        series: [{ label: "epoch" }, { label: "base fee, attoFIL a unit of gas", stroke: colour("--link"), width: 2 }],
        axes: [axis, { ...axis, size: 90 }],
      },
      [[], []],
      box,
    );
    const draw = revision.subscribe(() => {
      const top = head.peek()?.epoch ?? 0;
      const shown = known(Math.max(0, top - EPOCHS), top);
      plot.setData([shown.map(({ epoch }) => epoch), shown.map(({ baseFee }) => Number(baseFee))]);
    });
    const adapt = (): void => plot.setSize({ width: box.clientWidth, height: 260 });
    addEventListener("resize", adapt);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = (): void => plot.redraw();
    scheme.addEventListener("change", redraw);
    return () => {
      draw();
      removeEventListener("resize", adapt);
      scheme.removeEventListener("change", redraw);
      plot.destroy();
    };
  }, []);
  return (
    <>
      <Card title="Base fee" wide>
        <p>{head.value === null ? "" : `${gasPrice(head.value.baseFee)} at epoch ${head.value.epoch}`}</p>
        <div ref={place} />
      </Card>
      <Gas />
    </>
  );
}

type Used = { readonly epoch: number; readonly messages: number; readonly used: number; readonly failed: number };

function Gas(): JSX.Element {
  const live = useLive("gas", async () => {
    const top = head.peek()?.epoch ?? 0;
    const children = withParents(known(Math.max(0, top - 3 * LISTED), top)).slice(0, LISTED);
    return Promise.all(
      children.map(async ({ child, epoch }): Promise<Used> => {
        const receipts =
          (await ask<readonly ReceiptJson[] | null>("Filecoin.ChainGetParentReceipts", { "/": child.key[0] })) ?? [];
        return {
          epoch,
          messages: receipts.length,
          used: receipts.reduce((sum, { GasUsed }) => sum + GasUsed, 0),
          failed: receipts.filter(({ ExitCode }) => ExitCode !== 0).length,
        };
      }),
    );
  });
  return (
    <Card title="Gas used" wide>
      <Shown live={live}>
        {(rows) => (
          <Table<Used>
            caption="Gas of the newest tipsets"
            rows={rows}
            keyOf={({ epoch }) => epoch}
            empty="no tipset yet"
            columns={[
              { title: "Epoch", cell: ({ epoch }) => <Epoch of={epoch} />, isNumber: true },
              { title: "Messages", cell: ({ messages }) => messages, isNumber: true },
              { title: "Failed", cell: ({ failed }) => failed, isNumber: true },
              { title: "Gas used", cell: ({ used }) => count(used), isNumber: true },
            ]}
          />
        )}
      </Shown>
    </Card>
  );
}
