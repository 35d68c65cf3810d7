/** Where the page begins: at the node that serves it, or, if its address says so, at a node of this tab. */
import { render } from "preact";
import { App } from "./app.tsx";
import { followChain } from "./chain.ts";
import {
  connection,
  errorText,
  keepConnected,
  readToken,
  tabTrouble,
  takeTokenOfAddress,
  trouble,
  unlocked,
} from "./node.ts";
import { followSectors } from "./sectors.ts";
import type { Beginning } from "./tab/messages.ts";
import { readJoin, readLink } from "./tab/options.ts";
import { followPool } from "./views/pool.tsx";

/** The node of this tab that the address asks for; null: it asks for none. Throws `LinkError`. */
function wanted(): Beginning | null {
  const url = readJoin(location.search, location.href);
  // The token is that of the node that serves the page, and no other's.
  if (url !== null) return { kind: "join", url, token: new URL(url).host === location.host ? readToken() : null };
  const options = readLink(location.search);
  return options === null ? null : { kind: "begin", options };
}

async function begin(): Promise<void> {
  const beginning = wanted();
  if (beginning === null) return keepConnected();
  const { startTab } = await import("./tab/socket.ts");
  const open = await startTab(beginning, (text) => {
    tabTrouble.value = text;
  });
  // It is this tab's own: nobody else can reach it.
  unlocked.value = true;
  return keepConnected(open);
}

takeTokenOfAddress();
// Where the page is open already an address with a token does not load it anew.
addEventListener("hashchange", () => {
  if (takeTokenOfAddress()) location.reload();
});
render(<App />, document.getElementById("page") as HTMLElement);
followChain();
followPool();
followSectors();
begin().catch((error: unknown) => {
  trouble.value = errorText(error);
  connection.value = "failed";
});
