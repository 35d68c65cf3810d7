/**
 * The node that the page shows: one WebSocket, its token, and what may be done. Nothing else of the page knows where the
 * node is.
 *
 * Without a token the page only reads. A token comes in the fragment of the address (#token=…), which no server and no log
 * sees, or is typed; it stays in this tab until the tab is closed. Of a development network on loopback, which asks nobody for a token,
 * the controls are opened by hand all the same.
 */
import { computed, signal } from "@preact/signals";
import { connect, type NodeClient, type Subscription } from "../client.ts";
import type { DevnetInfo } from "./json.ts";

/** "failed": there is nothing to connect to, and nothing is tried again. */
export type Connection = "connecting" | "open" | "lost" | "failed";

export const connection = signal<Connection>("connecting");
/** What the last attempt to connect failed by. */
export const trouble = signal("");
/** What went wrong last in the node of this tab, if there is one, since it runs. */
export const tabTrouble = signal("");
/** Whether the controls may be used. */
export const unlocked = signal(false);
/** What a local network is made of; null on any other. */
export const devnet = signal<DevnetInfo | null>(null);
/** Whether its time, its snapshots and its miners' faults are this node's to play with: only a local network of one node has a miner that it tells here. */
export const isPlayable = computed(() => devnet.value?.miner !== undefined);
export const networkName = signal("");
export const version = signal("");

const TOKEN = "filigree token";
const RETRY_MS = 2_000;
/** Milliseconds that a look-up may take; what waits for the chain has no limit. */
const LOOKUP_MS = 30_000;

export type Open = () => NodeClient;
type Begin = (client: NodeClient) => Promise<unknown>;

let client: NodeClient | null = null;
let open: Open = overSocket;
/** What is subscribed to whenever there is a new connection. */
const beginnings: Begin[] = [];

export function readToken(): string | null {
  return sessionStorage.getItem(TOKEN);
}

/** Takes the token out of the fragment, so that it is not copied along with the address; whether one was there. */
export function takeTokenOfAddress(): boolean {
  const { hash, pathname, search } = location;
  const fields = new URLSearchParams(hash.slice(1));
  const token = fields.get("token");
  if (token === null) return false;
  if (token !== "") sessionStorage.setItem(TOKEN, token);
  fields.delete("token");
  const rest = [...fields.keys()][0] ?? "";
  history.replaceState(null, "", `${pathname}${search}#${rest.startsWith("/") ? rest : ""}`);
  return true;
}

/** Forgets a token that the node refuses: a WebSocket does not say why it was not opened, and none would ever be. */
export async function dropRefusedToken(): Promise<void> {
  const token = readToken();
  if (token === null) return;
  const { status } = await fetch(new URL("health", location.href), { headers: { authorization: `Bearer ${token}` } });
  if (status !== 401 || readToken() !== token) return;
  sessionStorage.removeItem(TOKEN);
  unlocked.value = false;
}

function overSocket(): NodeClient {
  const url = new URL("rpc/v1", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.hash = url.search = "";
  const token = readToken();
  return connect(url.href, token === null ? {} : { token });
}

/** Keeps a connection for as long as the page lives; `how` is another one than the WebSocket of this address. */
export async function keepConnected(how: Open = overSocket): Promise<void> {
  open = how;
  for (;;) {
    try {
      await session();
    } catch (error) {
      trouble.value = errorText(error);
      if (open === overSocket) await dropRefusedToken().catch(() => undefined);
    }
    client?.close();
    client = null;
    connection.value = "lost";
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** One connection, from its opening to its end. */
async function session(): Promise<void> {
  const own = open();
  client = own;
  const about = (await own.request("Filecoin.Version")) as { Version: string };
  version.value = about.Version;
  networkName.value = (await own.request("Filecoin.StateNetworkName")) as string;
  devnet.value = (await own.request("Devnet.info").catch(() => null)) as DevnetInfo | null;
  if (readToken() !== null) unlocked.value = await mayControl(own);
  const closing = (await own.request("Filecoin.Closing", () => undefined)) as Subscription;
  connection.value = "open";
  trouble.value = "";
  for (const begin of beginnings) begin(own).catch(report);
  await closing.ended;
}

/** Has `begin` done on each new connection, and now if there is one. */
export function onConnected(begin: Begin): void {
  beginnings.push(begin);
  if (connection.value === "open" && client !== null) begin(client).catch(report);
}

function report(error: unknown): void {
  trouble.value = errorText(error);
}

async function mayControl(own: NodeClient): Promise<boolean> {
  return own.request("Filecoin.LogAlerts").then(
    () => true,
    () => false,
  );
}

/** Opens the controls, with a token if one is given; throws with what the node said. */
export async function unlock(token: string): Promise<void> {
  if (token !== "" && token !== readToken()) {
    sessionStorage.setItem(TOKEN, token);
    unlocked.value = false;
    // The next connection carries it.
    client?.close();
    return;
  }
  await call("Filecoin.LogAlerts");
  unlocked.value = true;
}

export function lock(): void {
  sessionStorage.removeItem(TOKEN);
  unlocked.value = false;
  client?.close();
}

/** A call of a method by its whole name; throws `Error` with the node's words. */
export async function call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
  if (client === null) throw new Error("there is no connection to the node");
  return (await client.request(method, ...params)) as T;
}

/** A look-up: as `call`, ended after half a minute. */
export function ask<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${method} took too long`)), LOOKUP_MS);
    call<T>(method, ...params)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
