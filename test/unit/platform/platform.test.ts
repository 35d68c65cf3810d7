import { describe, expect, test } from "vitest";
import { platform } from "#platform";
import { builtFile } from "../../../src/platform/web.ts";

describe("platform", () => {
  test("names the place it runs in", () => {
    const expected = "Deno" in globalThis ? "deno" : "document" in globalThis ? "browser" : "node";
    expect(platform.environment).toBe(expected);
    expect(Number.isInteger(platform.cores) && platform.cores >= 1).toBe(true);
  });

  test("random bytes come in any length and differ each time", () => {
    expect(platform.randomBytes(0)).toHaveLength(0);
    expect(platform.randomBytes(32)).not.toEqual(platform.randomBytes(32));
    // longer than one request to the system may be; the last part must be filled too
    const long = platform.randomBytes(200_001);
    expect(long).toHaveLength(200_001);
    expect(long.subarray(-64).some((byte) => byte !== 0)).toBe(true);
  });

  test("the clock counts milliseconds since 1970", () => {
    expect(Math.abs(platform.now() - Date.now())).toBeLessThan(60_000);
  });

  test("assets are the built wasm files, and a missing one is a rejection", async () => {
    const bytes = await platform.readAsset(builtFile("wasm/crypto.wasm"));
    expect([...bytes.subarray(0, 4)]).toEqual([0x00, 0x61, 0x73, 0x6d]);
    await expect(platform.readAsset(builtFile("wasm/no-such.wasm"))).rejects.toThrow();
  });
});
