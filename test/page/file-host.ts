/** A host that knows nothing but files. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".jpg": "image/jpeg",
  ".wasm": "application/wasm",
};

export type FileHost = { /** Ends in "/". */ readonly url: string; close(): void };

/** Serves a folder's files on loopback, below a path that ends in "/". */
export async function serveFiles(folder: string, below = "/"): Promise<FileHost> {
  const host = createServer(({ url: wanted = "/" }, response) => {
    const name = wanted.replace(/[?#].*/, "").replace(/\/$/, "/index.html");
    const file = path.join(folder, name.slice(below.length - 1));
    const isThere =
      name.startsWith(below) && file.startsWith(folder) && statSync(file, { throwIfNoEntry: false })?.isFile();
    if (!isThere) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "text/plain" });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(host.address() as AddressInfo).port}${below}`, close: () => host.close() };
}
