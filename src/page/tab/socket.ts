/** Connections to the network of the tab, in the form of WebSockets: the page's client does not know the difference. */
import { connect, type NodeClient, type SocketLike } from "../../client.ts";
import type { Beginning, FromEngine, ToEngine } from "./messages.ts";

type Listener = (event: { readonly data: unknown }) => void;

/**
 * Starts the network, or the node in it, in a worker; the function that it gives opens connections. Rejects with what the worker says;
 * what goes wrong once it runs is told to `trouble`.
 */
export async function startTab(beginning: Beginning, trouble: (text: string) => void): Promise<() => NodeClient> {
  const worker = new Worker(new URL("./engine.ts", import.meta.url), { type: "module", name: "network" });
  const sockets = new Map<number, Listener>();
  let connections = 0;
  const post = (message: ToEngine): void => worker.postMessage(message);
  await new Promise<void>((resolve, reject) => {
    let fail = (text: string): void => reject(new Error(text));
    // A file of it that cannot be loaded is an event without words.
    worker.addEventListener("error", ({ message }) => fail(message || "the worker of this tab cannot be loaded"));
    worker.addEventListener("messageerror", () => fail("the worker of this tab sends what cannot be read"));
    worker.addEventListener("message", ({ data }: MessageEvent<FromEngine>) => {
      if (data.kind === "ready") {
        fail = trouble;
        resolve();
      } else if (data.kind === "trouble") fail(data.text);
      else if (data.kind === "failed") reject(new Error(data.text));
      else sockets.get(data.connection)?.({ data: data.text });
    });
    post(beginning);
  });
  class TabSocket implements SocketLike {
    private readonly connection = ++connections;
    private readonly closed: (() => void)[] = [];

    send(text: string): void {
      post({ kind: "text", connection: this.connection, text });
    }

    close(): void {
      sockets.delete(this.connection);
      post({ kind: "close", connection: this.connection });
      for (const tell of this.closed.splice(0)) tell();
    }

    addEventListener(type: "open" | "close" | "error" | "message", listener: (event: never) => void): void {
      if (type === "open") queueMicrotask(listener as () => void);
      if (type === "close") this.closed.push(listener as () => void);
      if (type === "message") sockets.set(this.connection, listener as Listener);
    }
  }
  return () => connect("ws://this-tab/rpc/v1", { WebSocket: TabSocket });
}
