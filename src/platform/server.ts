/** A server of texts over HTTP POST and WebSocket, as a platform offers it. Meaning is the caller's. */

/** What a request or an upgrade says of itself. */
export type RequestHead = {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** What stands behind the "?" of the URL. */
  readonly query: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Bearer token of the Authorization header or, for an upgrade, `token` of the query. */
  readonly token: string | undefined;
  /** A header by its name in lower case. */
  header(name: string): string | undefined;
};

/** An answer of bytes. Its body, null for none, is asked for more as the client reads; one that throws ends the connection. */
export type Download = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | null;
};

export type Refusal = {
  readonly status: number;
  readonly text: string;
  /** Whether a page of another origin may read the refusal. */
  readonly cors?: boolean;
};

/** `share`: what it is of. Each has as many downloads at once: those of one kind keep no others waiting. */
export type DownloadBegin = { readonly share: string; readonly begin: () => Promise<Download> };

/** An answer to a GET. */
export type Page = { readonly status?: number; readonly type: string; readonly text: string };

export type Socket = {
  /** Sends a text; ends the connection when more than `backlogBytes` would wait to be read. */
  send(text: string): void;
  /** Bytes that wait to be read. */
  backlog(): number;
  close(): void;
};

export type SocketHandler = {
  /** Resolves when nothing of the text is needed any more. */
  onText(text: string): Promise<void>;
  onClose(): void;
};

export type ServeOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  readonly backlogBytes: number;
  /** Milliseconds between the questions whether a socket's client is still there; default 30 s. */
  readonly pingMs?: number;
  /** Milliseconds in which a request, or a message of a socket, must have arrived whole; default 30 s. */
  readonly requestMs?: number;
  /** Looks at a head before anything is read; null lets it pass. */
  admit(head: RequestHead): Refusal | null;
  /** Answers a POST; null: no content. */
  onRequest(head: RequestHead, body: string, signal: AbortSignal): Promise<string | null>;
  /** Answers a GET; null: not found. */
  onGet(head: RequestHead): Page | null;
  /** What answers a GET or HEAD with bytes; asked before `onGet`, null: nothing is for this path. */
  readonly onDownload?: (head: RequestHead, signal: AbortSignal) => DownloadBegin | null;
  onSocket(head: RequestHead, socket: Socket): SocketHandler;
};

export type Server = { readonly port: number; close(): Promise<void> };
export type Serve = (options: ServeOptions) => Promise<Server>;
