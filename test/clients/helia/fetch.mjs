/** Fetches from a gateway with helia and verified-fetch, which verify every block; prints a line of JSON for each path. Deno. */
import { createHash } from "node:crypto";
import { withHTTP } from "@helia/http";
import { createVerifiedFetchWithHelia } from "@helia/verified-fetch";
import { createHeliaLight } from "helia";

const [gateway, ...paths] = process.argv.slice(2);
// Without any router helia never asks its gateways.
const places = { delegatedRouters: [gateway], recursiveGateways: [gateway] };
const helia = withHTTP(createHeliaLight(), { ...places, allowLocal: true, allowInsecure: true });
const fetch = await createVerifiedFetchWithHelia(helia);
for (const path of paths) {
  const response = await fetch(`ipfs://${path}`, { signal: AbortSignal.timeout(30_000) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  console.log(JSON.stringify({ path, status: response.status, bytes: bytes.length, sha256 }));
}
process.exit(0);
