/**
 * Every method of the RPC interface, called as it should be: none is left out. Each answer fits the schema that the interface
 * publishes and, where the reference has the method, the shape of its published example.
 */
import { afterAll, expect, test } from "vitest";
import { REGISTRY } from "../../src/rpc/api.ts";
import { PERMISSIONS } from "../../src/rpc/auth.ts";
import { Session } from "../../src/rpc/session.ts";
import type { ApiVersion } from "../../src/rpc/versions.ts";
import { differences, referenceOf } from "../support/reference-shapes.ts";
import { callsOf } from "../support/rpc-calls.ts";
import { openRpcNetwork, type RpcNetwork } from "../support/rpc-network.ts";

const on: RpcNetwork = await openRpcNetwork();
const calls = callsOf(on);
afterAll(() => on.net.close());

/** Objects whose field names are data. */
const NAMED = [
  "ChainBlockstoreInfo",
  "StateReadState.State",
  "StateMarketDeals",
  "StateMarketParticipants",
  "StateChangedActors",
  "StateActorCodeCIDs",
];
/** Where ours is meant to be otherwise; docs/deviations.md says why. */
const MEANT: readonly RegExp[] = [
  /^ChainPutObj/,
  /^StateGetNetworkParams\.(?:ForkUpgradeParams|SupportedProofTypes)/,
  /^MpoolCheck\w+\[0\]\[0\]\.Hint/,
  // The reference's document and decoded states have no fixed shape.
  /^Discover/,
  /^StateDecodeParams/,
  /^StateReadState\.State/,
  /^\w+\.ReturnDec/,
  /^ChainGetNode\.Obj/,
  /^(?:\w+\.)+(?:Logs|IpldOps|InvokedActor)/,
];

function whole(version: ApiVersion, name: string): string {
  return REGISTRY.methods(version).has(name) ? name : `Filecoin.${name}`;
}

async function call(version: ApiVersion, name: string, params: readonly unknown[]): Promise<Record<string, unknown>> {
  const session = new Session({ permissions: PERMISSIONS, version, push: () => undefined });
  const text = JSON.stringify({ jsonrpc: "2.0", id: 1, method: whole(version, name), params });
  const reply = JSON.parse((await on.net.dispatcher.handle(text, session)) as string) as Record<string, unknown>;
  session.close();
  return reply;
}

for (const version of ["v1", "v0"] as const) {
  const table = calls[version];

  test(`${version}: the table of calls leaves no method out`, () => {
    const aliases = [...REGISTRY.methods(version).values()].flatMap(({ aliases: names = [] }) => names);
    const names = on.net.dispatcher.names(version).filter((name) => !aliases.includes(name));
    expect(
      Object.keys(table)
        .map((name) => whole(version, name))
        .sort(),
    ).toEqual(names);
  });

  for (const [name, { give: params, error }] of Object.entries(table))
    test(`${version}: ${name}`, async () => {
      const reply = await call(version, name, await params());
      if (error !== undefined) {
        expect((reply["error"] as { message: string } | undefined)?.message).toMatch(error);
        return;
      }
      expect((reply["error"] as { message: string } | undefined)?.message).toBeUndefined();
      const method = REGISTRY.methods(version).get(whole(version, name));
      const known = referenceOf(version, name);
      if (known === undefined) return;
      if (known.permission !== null) expect(method?.permission).toBe(known.permission);
      if (known.result === undefined || method?.subscription === true) return;
      const found = differences(known.result, reply["result"], name, NAMED);
      expect(found.filter((one) => !MEANT.some((pattern) => pattern.test(one)))).toEqual([]);
    });
}
