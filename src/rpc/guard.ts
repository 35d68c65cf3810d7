/**
 * Who may speak to the server at all, before any token: checks of the Host and Origin headers.
 *
 * A page on the web can make a browser send requests to this machine. The Host check stops DNS rebinding; the Origin
 * check stops pages (a request without Origin comes from no page). Nothing is ever reflected.
 */

import { describeValue } from "../base/errors.ts";
import { OptionError } from "../base/options.ts";

export type GuardOptions = {
  /** Host names that clients may use beside the loopback ones. */
  readonly allowHosts: readonly string[];
  /** Origins ("https://app.example") of pages that may call beside loopback ones. */
  readonly allowOrigins: readonly string[];
  /** Whether pages served from loopback addresses may call. */
  readonly loopbackOrigins: boolean;
};

/**
 * The options as headers spell them: names in lower case and without a port, origins without a path and their default port.
 * Throws `OptionError` for what no header can match.
 */
export function readGuard<T extends Pick<GuardOptions, "allowHosts" | "allowOrigins">>(options: T): T {
  return {
    ...options,
    allowHosts: options.allowHosts.map(headerHost),
    allowOrigins: options.allowOrigins.map(headerOrigin),
  };
}

function headerHost(text: string): string {
  const name = hostName(text) ?? hostName(`[${text}]`);
  if (name !== null) return name;
  throw new OptionError("allowHost", `a host name such as "node.example" expected, got ${describeValue(text)}`);
}

function headerOrigin(text: string): string {
  const wanted = (why: string): OptionError =>
    new OptionError("cors", `an origin such as "https://app.example" expected, got ${describeValue(text)}${why}`);
  if (text === "*") throw wanted("; name the pages that may call one by one");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wanted("");
  }
  if (
    url.host === "" ||
    !["", "/"].includes(url.pathname) ||
    url.search + url.hash + url.username + url.password !== ""
  )
    throw wanted("; nothing may stand behind the host");
  // Of schemes that are not the web's ("chrome-extension:") the URL knows no origin.
  return url.origin === "null" ? `${url.protocol}//${url.host}`.toLowerCase() : url.origin;
}

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
