/** Where the page begins: at the node that serves it, or, if its address says so, at a network of this tab. */
import { render } from "preact";
import { App } from "./app.tsx";
import { followChain } from "./chain.ts";
import { errorText, keepConnected, takeTokenOfAddress, trouble, unlocked } from "./node.ts";
import { followSectors } from "./sectors.ts";
import { readLink } from "./tab/options.ts";
import { followPool } from "./views/pool.tsx";

async function begin(): Promise<void> {
  const options = readLink(location.search);
  if (options === null) return keepConnected();
  const { startTab } = await import("./tab/socket.ts");
  const open = await startTab(options);
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
});
