/** The frame of the page: its name, search, the list of views, and the view that the address names. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { head } from "./chain.ts";
import { count } from "./format.ts";
import {
  type Connection,
  connection,
  devnet,
  errorText,
  isPlayable,
  networkName,
  tabTrouble,
  trouble,
  unlocked,
  version,
} from "./node.ts";
import { linkTo, route } from "./route.ts";
import { search } from "./search.ts";
import { ActorPage } from "./views/actor.tsx";
import { ChainView } from "./views/chain.tsx";
import { ControlsView } from "./views/controls.tsx";
import { DealsView } from "./views/deals.tsx";
import { GasView } from "./views/gas.tsx";
import { MessagePage, ObjectPage } from "./views/message.tsx";
import { MessagesView } from "./views/messages.tsx";
import { MinerPage } from "./views/miner.tsx";
import { MinersView } from "./views/miners.tsx";
import { PeersView } from "./views/peers.tsx";
import { PoolView, poolSize } from "./views/pool.tsx";
import { SealingView } from "./views/sealing.tsx";
import { SupplyView } from "./views/supply.tsx";
import { TabView } from "./views/tab.tsx";
import { TipsetPage } from "./views/tipset.tsx";
import { ToolsView } from "./views/tools.tsx";

const VIEWS: readonly (readonly [string, string])[] = [
  ["chain", "Chain"],
  ["messages", "Messages"],
  ["miners", "Miners"],
  ["sealing", "Sealing"],
  ["deals", "Deals"],
  ["gas", "Gas"],
  ["pool", "Pool"],
  ["peers", "Peers"],
  ["supply", "Supply"],
  ["controls", "Controls"],
  ["tools", "Tools"],
  ["tab", "In this tab"],
];
/** Which entry of the list a page belongs to. */
const BELONGS: Readonly<Record<string, string>> = {
  tipset: "chain",
  message: "messages",
  actor: "messages",
  miner: "miners",
  object: "chain",
};

function View(): JSX.Element {
  const { view, rest } = route.value;
  const [what = ""] = rest;
  switch (view) {
    case "chain":
      return <ChainView />;
    case "tipset":
      if (!/^\d{1,12}$/.test(what)) return <p class="error">{what === "" ? "Nothing" : what} is no epoch.</p>;
      return <TipsetPage epoch={Number(what)} />;
    case "messages":
      return <MessagesView />;
    case "message":
      return <MessagePage key={what} cid={what} />;
    case "object":
      return <ObjectPage key={what} cid={what} />;
    case "actor":
      return <ActorPage key={what} address={what} />;
    case "miners":
      return <MinersView />;
    case "miner":
      return <MinerPage key={what} miner={what} />;
    case "sealing":
      return <SealingView />;
    case "deals":
      return <DealsView />;
    case "gas":
      return <GasView />;
    case "pool":
      return <PoolView />;
    case "peers":
      return <PeersView />;
    case "supply":
      return <SupplyView />;
    case "tools":
      return <ToolsView />;
    case "tab":
      return <TabView />;
    case "controls":
      return <ControlsView />;
    default:
      return <p class="error">There is no view by the name {view}.</p>;
  }
}

const found = signal("");

function Search(): JSX.Element {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // "/" goes to the search, as in many places.
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
        return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <search>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          found.value = "";
          search(text).catch((error: unknown) => {
            found.value = errorText(error);
          });
        }}
      >
        <input
          ref={input}
          type="search"
          aria-label="Search: epoch, address, CID, 0x…"
          placeholder="epoch, address, CID, 0x…  ( / )"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
      <p class="error" role="status">
        {found.value}
      </p>
    </search>
  );
}

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: "connecting …",
  open: "live",
  lost: "not connected; trying again",
  failed: "not connected",
};

function Status(): JSX.Element {
  return (
    <p class="status">
      <span class={`dot ${connection.value}`} aria-hidden="true" />
      <span role="status">{CONNECTIONS[connection.value]}</span>
      <span>
        {networkName.value} epoch <strong class="epoch">{head.value === null ? "–" : count(head.value.epoch)}</strong>
      </span>
      <a href={linkTo("pool")}>{poolSize()} waiting</a>
      <a href={linkTo("controls")}>{isPlayable.value && unlocked.value ? "controls open" : "read-only"}</a>
    </p>
  );
}

/** What a local network is made of, as far as this node tells it. */
function localText(): string {
  if (devnet.value === null) return "";
  const { seed, producer, fork } = devnet.value;
  return [
    "; local network",
    ...(seed === undefined || seed === "" ? [] : [`, seed ${seed}`]),
    ...(producer === undefined ? [] : [`; ${producer}`]),
    ...(fork === undefined ? [] : [`; a fork of ${fork.url} at epoch ${fork.epoch}`]),
  ].join("");
}

export function App(): JSX.Element {
  const { view } = route.value;
  const current = BELONGS[view] ?? view;
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${VIEWS.find(([name]) => name === current)?.[1] ?? "Filigree"} – Filigree`;
    scrollTo(0, 0);
  }, [view, route.value.rest.join("/")]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header>
        <h1>
          <a href={linkTo("chain")}>Filigree</a>
        </h1>
        <Status />
        <Search />
      </header>
      <nav aria-label="Views">
        <ul>
          {VIEWS.map(([name, title]) => (
            <li key={name}>
              <a href={linkTo(name)} aria-current={name === current ? "page" : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main ref={main} tabIndex={-1}>
        {trouble.value === "" ? null : <p class="error">{trouble.value}</p>}
        {tabTrouble.value === "" ? null : (
          <p class="error" role="status">
            In the worker of this tab: {tabTrouble.value}. If the network stands still, load the page anew.
          </p>
        )}
        <View />
      </main>
      <footer>
        {version.value}
        {localText()}
      </footer>
    </>
  );
}
