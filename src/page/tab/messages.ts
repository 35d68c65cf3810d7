/** What the page and the worker of its network say to each other. A connection speaks the JSON-RPC, as a WebSocket does. */
import type { TabOptions } from "./options.ts";

export type ToEngine =
  | { readonly kind: "begin"; readonly options: TabOptions }
  | { readonly kind: "text"; readonly connection: number; readonly text: string }
  | { readonly kind: "close"; readonly connection: number };

export type FromEngine =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "text"; readonly connection: number; readonly text: string };
