/** A network without a server: what a link of it says, and the form that makes one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Card } from "../parts.tsx";
import { linkOf, readLink, type TabOptions } from "../tab/options.ts";

const START: TabOptions = { seed: "my network", miners: 1, sectors: 1, accounts: 10, blockTime: 1 };

function current(): TabOptions | null {
  try {
    return readLink(location.search);
  } catch {
    return null;
  }
}

export function TabView(): JSX.Element {
  const own = current();
  const [wanted, setWanted] = useState<TabOptions>(own ?? START);
  const link = new URL(`?${linkOf(wanted)}#/chain`, location.href).href;
  const number = (name: "miners" | "sectors" | "blockTime", title: string): JSX.Element => (
    <label>
      {title}
      <input
        type="number"
        min={0}
        step="any"
        value={wanted[name]}
        onInput={(event) => setWanted({ ...wanted, [name]: Number(event.currentTarget.value) })}
      />
    </label>
  );
  return (
    <Card title="A network in this tab" wide>
      <p>
        {own === null ? "The same network without any server: " : "This network runs in this tab: "}
        the engine in a worker, data in the browser's storage, where it is after a reload. The link carries seed and
        options; whoever opens it has the same chain, CID by CID, as `filigree devnet` with the same seed and options.
        Its keys are public.
      </p>
      <div class="field">
        <label>
          Seed
          <input
            type="text"
            maxLength={100}
            value={wanted.seed}
            onInput={(event) => setWanted({ ...wanted, seed: event.currentTarget.value })}
          />
        </label>
        {number("miners", "Miners")}
        {number("sectors", "Sectors of each")}
        {number("blockTime", "Seconds between tipsets")}
      </div>
      <p>
        <a class="text" href={link} rel="external">
          {link}
        </a>
      </p>
    </Card>
  );
}
