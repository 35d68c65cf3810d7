/** An actor: what it is, its state decoded, and the messages of and to it. */
import type { JSX } from "preact";
import { head } from "../chain.ts";
import { fil } from "../format.ts";
import type { ActorJson, Cid } from "../json.ts";
import { JsonTree } from "../json-tree.tsx";
import { useLive } from "../live.ts";
import { kindOfCode } from "../names.ts";
import { ask, devnet } from "../node.ts";
import { Address, Card, CidLink, Facts, Shown, Table } from "../parts.tsx";
import { linkTo } from "../route.ts";

/** Epochs that are looked through for messages. */
const HISTORY = 900;

type Whole = {
  readonly actor: ActorJson;
  readonly id: string;
  readonly robust: string | null;
  readonly state: unknown;
};

async function whole(address: string): Promise<Whole> {
  const [actor, id] = await Promise.all([
    ask<ActorJson>("Filecoin.StateGetActor", address, null),
    ask<string>("Filecoin.StateLookupID", address, null),
  ]);
  const robust = await ask<string>("Filecoin.StateAccountKey", address, null)
    .catch(() => ask<string>("Filecoin.StateLookupRobustAddress", id, null))
    .catch(() => null);
  const state = await ask<{ State: unknown }>("Filecoin.StateReadState", address, null).then(
    ({ State }) => State,
    (error: unknown) => `not decoded: ${(error as Error).message}`,
  );
  return { actor, id, robust, state };
}

async function history(address: string): Promise<readonly { readonly cid: string; readonly way: string }[]> {
  const from = Math.max(0, (head.peek()?.epoch ?? 0) - HISTORY);
  const of = async (match: object, way: string) =>
    ((await ask<readonly Cid[] | null>("Filecoin.StateListMessages", match, null, from)) ?? []).map((cid) => ({
      cid: cid["/"],
      way,
    }));
  return [...(await of({ From: address }, "sent")), ...(await of({ To: address }, "received"))].slice(0, 500);
}

export function ActorPage({ address }: { address: string }): JSX.Element {
  const live = useLive(`actor ${address}`, () => whole(address));
  const messages = useLive(`history ${address}`, () => history(address), true);
  return (
    <>
      <Card title="Actor" wide>
        <Shown live={live}>
          {({ actor, id, robust, state }) => (
            <>
              <Facts
                rows={[
                  [
                    "Address",
                    <span key="address" class="mono text">
                      {address}
                    </span>,
                  ],
                  ["ID address", <Address key="id" of={id} />],
                  ["Key or robust address", robust === null ? "none" : <Address key="robust" of={robust} full />],
                  ["Code", kindOfCode(actor.Code["/"])],
                  ["Balance", fil(actor.Balance)],
                  ["Nonce", actor.Nonce],
                  ["State", <CidLink key="head" of={actor.Head["/"]} full />],
                ]}
              />
              {kindOfCode(actor.Code["/"]).endsWith("storageminer") ? (
                <p>
                  <a href={linkTo("miner", id)}>Power, deadlines and sectors of this miner</a>
                </p>
              ) : null}
              <h3>State</h3>
              <JsonTree value={state} />
            </>
          )}
        </Shown>
        {devnet.value === null ? null : <p class="faint">Keys of this network's accounts are public.</p>}
      </Card>
      <Card title="Messages" wide>
        <p class="faint">Of the last {HISTORY} epochs, as of when this was opened.</p>
        <Shown live={messages}>
          {(rows) => (
            <Table
              caption="Messages of and to this actor"
              rows={rows}
              keyOf={({ cid, way }) => way + cid}
              empty="none"
              columns={[
                { title: "Message", cell: ({ cid }) => <CidLink of={cid} view="message" full /> },
                { title: "", cell: ({ way }) => way },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}
