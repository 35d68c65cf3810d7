/** Where the network's FIL is. */
import type { JSX } from "preact";
import { fil } from "../format.ts";
import { useLive } from "../live.ts";
import { ask } from "../node.ts";
import { Card, Shares, Shown } from "../parts.tsx";

const PARTS = [
  ["FilCirculating", "Circulating"],
  ["FilLocked", "Locked"],
  ["FilMined", "Mined"],
  ["FilVested", "Vested"],
  ["FilBurnt", "Burnt"],
  ["FilReserveDisbursed", "Reserve disbursed"],
] as const;

export function SupplyView(): JSX.Element {
  const live = useLive("supply", () =>
    ask<Readonly<Record<string, string>>>("Filecoin.StateVMCirculatingSupplyInternal", null),
  );
  return (
    <Card title="Supply" wide>
      <Shown live={live}>
        {(supply) => (
          <Shares
            title="Circulating supply and its parts"
            parts={PARTS.map(([key, name]) => ({ name, value: BigInt(supply[key] ?? 0), text: fil(supply[key]) }))}
          />
        )}
      </Shown>
      <p class="faint">Circulating = vested + mined + reserve disbursed − burnt − locked.</p>
    </Card>
  );
}
