/**
 * Who may speak to the server at all, before any token: checks of the Host and Origin headers.
 *
 * A page on the web can make a browser send requests to this machine. The Host check stops DNS rebinding; the Origin
 * check stops pages (a request without Origin comes from no page). Nothing is ever reflected.
 */

export type GuardOptions = {
  /** Host names that clients may use beside the loopback ones. */
  readonly allowHosts: readonly string[];
  /** Origins ("https://app.example") of pages that may call beside loopback ones. */
  readonly allowOrigins: readonly string[];
  /** Whether pages served from loopback addresses may call. */
  readonly loopbackOrigins: boolean;
};

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Host name without port, lower case; null if it is malformed. */
function hostName(host: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host);
  return match?.[1]?.toLowerCase() ?? null;
}

export function hostAllowed(host: string | undefined, options: GuardOptions): boolean {
  const name = host === undefined ? null : hostName(host);
  return name !== null && (LOOPBACK.includes(name) || options.allowHosts.includes(name));
}

export function originAllowed(origin: string | undefined, options: GuardOptions): boolean {
  if (origin === undefined) return true;
  if (options.allowOrigins.includes(origin)) return true;
  const match = /^https?:\/\/(.+)$/.exec(origin);
  const name = match?.[1] === undefined ? null : hostName(match[1]);
  return options.loopbackOrigins && name !== null && LOOPBACK.includes(name);
}
