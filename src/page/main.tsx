/** Where the page begins. */
import { render } from "preact";
import { App } from "./app.tsx";
import { followChain } from "./chain.ts";
import { keepConnected, takeTokenOfAddress } from "./node.ts";
import { followSectors } from "./sectors.ts";
import { followPool } from "./views/pool.tsx";

takeTokenOfAddress();
render(<App />, document.getElementById("page") as HTMLElement);
followChain();
followPool();
followSectors();
void keepConnected();
