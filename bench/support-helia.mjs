/**
 * Fetches a file from a gateway with helia and @helia/verified-fetch, some times; prints the seconds of each, by the clock and of CPU time. Deno:
 * `support-helia.mjs <folder of their packages> <gateway> <root> <runs> <bytes>`.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [folder, gateway, root, runs, bytes] = process.argv.slice(2);
const require = createRequire(`${folder}/fetch.mjs`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { withHTTP } = await load("@helia/http");
const { createVerifiedFetchWithHelia } = await load("@helia/verified-fetch");
const { createHeliaLight } = await load("helia");

const times = [];
for (let i = 0; i < Number(runs); i++) {
  const places = { delegatedRouters: [gateway], recursiveGateways: [gateway] };
  const helia = withHTTP(createHeliaLight(), { ...places, allowLocal: true, allowInsecure: true });
  const fetch = await createVerifiedFetchWithHelia(helia);
  const [start, before] = [performance.now(), process.cpuUsage()];
  const response = await fetch(`ipfs://${root}`, { signal: AbortSignal.timeout(120_000) });
  const got = (await response.arrayBuffer()).byteLength;
  if (got < Number(bytes)) throw new Error(`${got} bytes of ${bytes}`);
  const { user, system } = process.cpuUsage(before);
  times.push({ wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 });
  await helia.stop();
}
console.log(JSON.stringify(times));
process.exit(0);
