/** The commands of the guide "Pay for a retrieval", as they stand, on the built package. */
import { expect, test } from "vitest";
import { filText } from "../../src/types/amount.ts";
import { openGuide } from "../support/guide.ts";

const { blocks, start, run } = openGuide("guide-pay-for-a-retrieval.md");

/** The addresses of the guide's nodes, once their miner mines. */
const urlsOnceMining = (said: string): string[] | null =>
  /node 0 {2}epoch \d+/.test(said)
    ? [...new Set([...said.matchAll(/http:\/\/127\.0\.0\.1:\d+\/rpc\/v1/g)].map(String))]
    : null;

test.skipIf("Deno" in globalThis)(
  "a file comes for payment, every byte and every attoFIL, as the guide says",
  async () => {
    const [first = "", second = ""] = blocks;
    expect(first).toMatch(/^npx filigree devnet .*--port 1234/);
    const urls = await start(first.replace("--port 1234", "").trim().split(/ +/).slice(2), urlsOnceMining);
    expect(urls).toHaveLength(2);
    const [one, other] = urls as [string, string];
    const script = second.replace("http://127.0.0.1:1234/rpc/v1", one).replace("http://127.0.0.1:1235/rpc/v1", other);
    const stdout = await run(script, {}, 200_000);
    const [, bytes = "", paid = ""] = /^(\d+) bytes .* from 12D3\S+, (\S+) FIL paid$/m.exec(stdout) ?? [];
    // 0.001 FIL a GiB is rounded up to attoFIL a byte; unsealing costs 1 nanoFIL.
    const price = (10n ** 15n / 2n ** 30n + 1n) * BigInt(bytes) + 10n ** 9n;
    expect(Number(bytes)).toBeGreaterThan(3_000_000);
    expect(paid).toBe(filText(price).replace(" FIL", ""));
    expect(stdout).toMatch(/completed/);
    expect(stdout).toMatch(new RegExp(`^in vouchers +${paid} FIL`, "m"));
  },
  240_000,
);
