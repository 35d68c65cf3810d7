/** What the guide of the command line says of JSON is what commands print. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { OF_THE_NETWORK, ownJson } from "../../src/cli/json.ts";

const guide = readFileSync(new URL("../../docs/guide-command-line.md", import.meta.url), "utf8");

test("the guide names everything that is printed in the network's spelling", () => {
  const [told = ""] = /what the network spells itself.*?\n\n/s.exec(guide) ?? [];
  const named = [...told.matchAll(/`(\w+)` of/g)].map(([, name]) => name);
  expect(named.sort()).toEqual([...OF_THE_NETWORK].sort());
  for (const name of OF_THE_NETWORK) expect(ownJson({ [name]: { Nonce: 1 } })).toEqual({ [name]: { Nonce: 1 } });
  expect(ownJson({ Nonce: 1 })).toEqual({ nonce: 1 });
});
