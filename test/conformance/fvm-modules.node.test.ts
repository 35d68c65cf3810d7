/**
 * Every module of every published bundle becomes a guest by the rules of its network versions: it validates before and after it is
 * instrumented. Of the main network; FILIGREE_MODULES_OF=mainnet,calibrationnet,devnet names others. What is not at hand is skipped by name.
 */

import { expect, test } from "vitest";
import { INSTRUMENT_WASM } from "../../src/core/assets/fvm.ts";
import type { Generation } from "../../src/core/fvm-abi.ts";
import { GuestModules } from "../../src/core/guest-modules.ts";
import { compileModule } from "../../src/core/load.ts";
import type { BundleName } from "../../src/params/actor-codes.ts";
import { isFvm, NETWORK_VERSIONS } from "../../src/schema/versions/rows.ts";
import { cidKey } from "../../src/types/cid.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

const networks = (process.env["FILIGREE_MODULES_OF"] ?? "mainnet").split(",") as BundleName[];
const versions = [...new Set(NETWORK_VERSIONS.filter(({ number }) => isFvm(number)).map(({ actors }) => actors))];
const bundles = givenBundles();
const modules = new GuestModules(await compileModule(INSTRUMENT_WASM));
/** Rules of guests: the second generation's until actors v9, the third's until v11, the fourth's since. */
const generation = (actors: number): Generation => (actors < 10 ? 2 : actors < 12 ? 3 : 4);

for (const network of networks)
  for (const actors of versions) {
    const bundle = await bundles.find(network, actors);
    const lacking = bundle === undefined ? ` (${HOW})` : "";
    test.skipIf(bundle === undefined)(`actors v${actors} of ${network}${lacking}`, () => {
      const codes = [...(bundle?.codes ?? [])];
      // Those before v10 have no contracts; the data cap came with v9.
      expect(codes.length).toBe(actors < 9 ? 11 : actors < 10 ? 12 : 16);
      const refused = codes.flatMap(([name, cid]) => {
        const code = bundle?.blocks.get(cidKey(cid.bytes));
        if (code === undefined) return [`${name}: its code is not in the bundle`];
        const found = modules.get(cidKey(cid.bytes), generation(actors), () => code);
        return "refused" in found ? [`${name}: ${found.refused}`] : [];
      });
      expect(refused).toEqual([]);
    });
  }
