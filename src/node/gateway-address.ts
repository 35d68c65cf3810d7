/** Where the gateway of a URL's server is, as a multiaddr. */
export function gatewayAddress(url: string): string {
  const { hostname, port } = new URL(url);
  const host = hostname.startsWith("[")
    ? `/ip6/${hostname.slice(1, -1)}`
    : `/${/^[\d.]+$/.test(hostname) ? "ip4" : "dns"}/${hostname}`;
  return `${host}/tcp/${port}/http`;
}
