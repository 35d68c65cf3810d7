/** Where the network's FIL is. */
import type { JSX } from "preact";
import { fil } from "../format.ts";
import type { TipsetJson } from "../json.ts";
import { useLive } from "../live.ts";
import { ask } from "../node.ts";
import { BuiltOn, Card, Facts, Shares, Shown } from "../parts.tsx";

/** Where it is now: together all that there is. */
const PLACES = [
  ["FilCirculating", "Circulating"],
  ["FilLocked", "Locked"],
  ["FilBurnt", "Burnt"],
] as const;
/** Where it came from: together the same. */
const SOURCES = [
  ["FilVested", "Vested"],
  ["FilMined", "Mined"],
  ["FilReserveDisbursed", "Reserve disbursed"],
] as const;

export function SupplyView(): JSX.Element {
  const live = useLive("supply", async () => {
    const { Cids, Height } = await ask<TipsetJson>("Filecoin.ChainHead");
    const parts = await ask<Readonly<Record<string, string>>>("Filecoin.StateVMCirculatingSupplyInternal", Cids);
    return { epoch: Height, supply: parts };
  });
  return (
    <>
      <Card title="Where the FIL is">
        <Shown live={live}>
          {({ supply, epoch }) => (
            <>
              <p class="faint">
                <BuiltOn epoch={epoch} />
              </p>
              <Shares
                title="All FIL, by where it is"
                parts={PLACES.map(([key, name]) => ({ name, value: BigInt(supply[key] ?? 0), text: fil(supply[key]) }))}
              />
            </>
          )}
        </Shown>
      </Card>
      <Card title="Where it came from">
        <Shown live={live}>
          {({ supply }) => (
            <Facts
              rows={[
                ...SOURCES.map(([key, name]) => [name, fil(supply[key])] as const),
                ["In all", fil(SOURCES.reduce((sum, [key]) => sum + BigInt(supply[key] ?? 0), 0n))],
              ]}
            />
          )}
        </Shown>
        <p class="faint">Circulating = vested + mined + reserve disbursed − burnt − locked.</p>
      </Card>
    </>
  );
}
