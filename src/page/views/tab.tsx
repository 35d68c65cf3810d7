/** A node in the tab: a network without a server, or one that joins a running network; what their links say, and the forms that make them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Card } from "../parts.tsx";
import { linkOf, readJoin, readLink, type TabOptions } from "../tab/options.ts";

const START: TabOptions = { seed: "my network", miners: 1, sectors: 1, accounts: 10, blockTime: 1 };

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export function TabView(): JSX.Element {
  return (
    <>
      <OwnNetwork />
      <Join />
    </>
  );
}

/** A running network that the tab joins as a node. */
function Join(): JSX.Element {
  const joined = orNull(() => readJoin(location.search, location.href));
  const [wanted, setWanted] = useState(joined ?? "");
  const link = new URL(`?${new URLSearchParams({ join: wanted })}#/chain`, location.href).href;
  return (
    <Card title="Join a running network" wide>
      <p>
        {joined === null
          ? "This tab as a node of a local network that runs: "
          : `This tab is a node of the network of ${joined}: `}
        description and genesis come from the JSON-RPC of one of its nodes, everything else from peers by WebSocket, and
        every block is validated here. The network must listen for pages:{" "}
        <code>filigree devnet --nodes 2 --listen /ip4/127.0.0.1/tcp/0/ws</code>; where the page is of another host, with{" "}
        <code>--cors {location.origin}</code>.
      </p>
      <label class="block">
        JSON-RPC of a node (empty: the one that serves this page)
        <input
          type="text"
          maxLength={300}
          placeholder="ws://127.0.0.1:1234/rpc/v1"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </label>
      <p>
        <a class="text" href={link} rel="external">
          {link}
        </a>
      </p>
    </Card>
  );
}

function OwnNetwork(): JSX.Element {
  const own = orNull(() => readLink(location.search));
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
        options; whoever opens it has the same chain, CID by CID, as <code>filigree devnet</code> with the same seed and
        options. Its keys are public.
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
