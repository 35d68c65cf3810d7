/** What the page and the worker of its network say to each other. A connection speaks the JSON-RPC, as a WebSocket does. */
import type { TabOptions } from "./options.ts";

/** A network of the tab's own, or one that runs elsewhere, by the JSON-RPC address of one of its nodes. */
export type Beginning =
  | { readonly kind: "begin"; readonly options: TabOptions }
  | { readonly kind: "join"; readonly url: string; readonly token: string | null };

export type ToEngine =
  | Beginning
  | { readonly kind: "text"; readonly connection: number; readonly text: string }
  | { readonly kind: "close"; readonly connection: number };

export type FromEngine =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly text: string }
  /** What went wrong since it runs, and no call was told of. */
  | { readonly kind: "trouble"; readonly text: string }
  | { readonly kind: "text"; readonly connection: number; readonly text: string };
