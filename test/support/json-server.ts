/** HTTP servers of JSON for tests, on loopback. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const servers: Server[] = [];

/** A server of answers by path; null is a 404. */
export async function serveJson(answer: (path: string) => unknown): Promise<string> {
  const server = createServer((request, response) => {
    void Promise.resolve(answer(request.url ?? "")).then((json) => {
      response.writeHead(json === null ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(json));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Ends all of them. */
export function closeJsonServers(): void {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
}
