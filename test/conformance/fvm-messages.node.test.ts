/**
 * Random messages to the published actors, with what the reference's crate makes of each: exit code, gas, return value, events, state and
 * the shares of the gas money. How they were made: `test/fixtures/fvm/README.md`. Where no bundle is at hand this says so and skips.
 */

import { describe, expect, test } from "vitest";
import { fromBase64, fromHex } from "../../src/base/bytes.ts";
import {
  type DeclaredMessage,
  type MessageOutcome,
  MessageRun,
  type Place,
} from "../../src/conformance/fvm-messages.ts";
import { cidKey } from "../../src/types/cid.ts";
import { readFixtureJson } from "../support/files.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

type Fixture = {
  readonly actors: number;
  readonly state: readonly (readonly [cid: string, bytes: string])[];
  readonly lines: readonly (Place | DeclaredMessage)[];
  readonly outcomes: readonly MessageOutcome[];
};

const bundles = givenBundles();

for (const version of [16, 17, 18, 27, 28]) {
  const fixture = await readFixtureJson<Fixture>(`fvm/published-${version}.json.gz`);
  const bundle = await bundles.find("devnet", fixture.actors);
  const count = fixture.outcomes.length;

  describe.skipIf(bundle === undefined)(`network version ${version}${bundle === undefined ? ` (${HOW})` : ""}`, () => {
    test(`${count} messages to published actors, each as in the reference`, { timeout: 120_000 }, async () => {
      const run = new MessageRun(
        new Map([
          ...(bundle?.blocks ?? []),
          ...fixture.state.map(([cid, bytes]) => [cidKey(fromHex(cid)), fromBase64(bytes)] as const),
        ]),
      );
      const outcomes = [];
      for (const line of fixture.lines) {
        const outcome = await run.apply(line);
        if (outcome !== null) outcomes.push(outcome);
      }
      expect(outcomes).toEqual(fixture.outcomes);
    });
  });
}
