/** A server of texts over HTTP POST and WebSocket, as a platform offers it. Meaning is the caller's. */

/** What a request or an upgrade says of itself. */
export type RequestHead = {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Bearer token of the Authorization header or, for an upgrade, `token` of the query. */
  readonly token: string | undefined;
};

export type Refusal = { readonly status: number; readonly text: string };

export type Socket = {
  /** Sends a text; closes the connection when more than `backlogBytes` wait. */
  send(text: string): void;
  close(): void;
};

export type SocketHandler = { onText(text: string): void; onClose(): void };

export type ServeOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  readonly backlogBytes: number;
  /** Looks at a head before anything is read; null lets it pass. */
  admit(head: RequestHead): Refusal | null;
  /** Answers a POST; null: no content. */
  onRequest(head: RequestHead, body: string, signal: AbortSignal): Promise<string | null>;
  /** Answers a GET with a content type and a text; null: not found. */
  onGet(head: RequestHead): { readonly type: string; readonly text: string } | null;
  onSocket(head: RequestHead, socket: Socket): SocketHandler;
};

export type Server = { readonly port: number; close(): Promise<void> };
export type Serve = (options: ServeOptions) => Promise<Server>;
