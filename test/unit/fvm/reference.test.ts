/**
 * Messages to small actors of random syscalls, with what the reference's crate makes of each: exit code, gas, return value, events and
 * state. How they were made: `test/fixtures/fvm/README.md`.
 */
import { expect, test } from "vitest";
import { fromBase64, fromHex, toHex } from "../../../src/base/bytes.ts";
import { type DeclaredMessage, MessageRun } from "../../../src/conformance/fvm-messages.ts";
import { cidKey } from "../../../src/types/cid.ts";
import proofs from "../../fixtures/fvm/proofs.json" with { type: "json" };
import syscalls from "../../fixtures/fvm/syscalls.json" with { type: "json" };

test.each([...syscalls, ...proofs])(
  "network version $networkVersion: every message as in the reference",
  async (fixture) => {
    const { networkVersion, epoch, chainId, baseFee, root } = fixture;
    expect(fixture.messages.length).toBeGreaterThan(1);
    const run = new MessageRun(
      new Map(fixture.blocks.map(([cid, bytes]) => [cidKey(fromHex(cid as string)), fromBase64(bytes as string)])),
    );
    await run.apply({ networkVersion, epoch, chainId, baseFee, circulatingSupply: "123", root });
    for (const [i, { message, ok, fault, ...expected }] of fixture.messages.entries()) {
      const bytes = fromBase64(message);
      const declared = { proofs: ok, fault: fault as DeclaredMessage["fault"] };
      const outcome = await run.apply({ message: toHex(bytes), length: bytes.length, ...declared });
      expect({ i, ...outcome }).toMatchObject({ i, ...expected });
    }
  },
);
