/** One message: its fields, its parameters decoded, what became of it, and the messages that actors sent on its way. */
import type { JSX } from "preact";
import { count, fil, gasPrice } from "../format.ts";
import type { InvocationJson, LookupJson, MessageJson, TraceJson } from "../json.ts";
import { JsonTree } from "../json-tree.tsx";
import { useLive } from "../live.ts";
import { methodName } from "../names.ts";
import { ask } from "../node.ts";
import { Address, Card, CidLink, Epoch, Facts, Shown } from "../parts.tsx";
import { Exit } from "./messages.tsx";

const MOST_DEPTH = 20;

export function MessagePage({ cid }: { cid: string }): JSX.Element {
  const link = { "/": cid };
  const message = useLive(
    `message ${cid}`,
    async () => {
      const found = await ask<MessageJson>("Filecoin.ChainGetMessage", link);
      return { found, method: await methodName(found.To, found.Method), params: await decoded(found) };
    },
    true,
  );
  const lookup = useLive(`lookup ${cid}`, () =>
    ask<LookupJson | null>("Filecoin.StateSearchMsg", null, link, -1, true).then((found) => ({ found })),
  );
  const isThere = lookup.value?.found != null;
  return (
    <>
      <Card title="Message" wide>
        <p class="mono text">{cid}</p>
        <Shown live={message}>
          {({ found, method, params }) => (
            <>
              <Facts
                rows={[
                  ["Method", method],
                  ["From", <Address key="from" of={found.From} full />],
                  ["To", <Address key="to" of={found.To} full />],
                  ["Value", fil(found.Value)],
                  ["Nonce", found.Nonce],
                  ["Gas limit", count(found.GasLimit)],
                  ["Fee cap", gasPrice(found.GasFeeCap)],
                  ["Premium", gasPrice(found.GasPremium)],
                ]}
              />
              <h3>Parameters</h3>
              {found.Params === null ? <p class="faint">none</p> : <JsonTree value={params} />}
            </>
          )}
        </Shown>
      </Card>
      <Card title="Receipt" wide>
        <Shown live={lookup}>
          {({ found }) =>
            found === null ? (
              <p>It waits in the pool, or was replaced.</p>
            ) : (
              <Facts
                rows={[
                  ["Exit code", <Exit key="exit" code={found.Receipt.ExitCode} />],
                  ["Gas used", count(found.Receipt.GasUsed)],
                  ["Executed before epoch", <Epoch key="epoch" of={found.Height} />],
                  ["Return", found.Receipt.Return ?? "none"],
                ]}
              />
            )
          }
        </Shown>
      </Card>
      {isThere ? <Sends cid={cid} /> : null}
    </>
  );
}

/** The parameters as JSON; their base64 where nobody knows their shape. */
async function decoded({ To, Method, Params }: MessageJson): Promise<unknown> {
  if (Params === null) return null;
  return ask("Filecoin.StateDecodeParams", To, Number(Method), Params, null).catch(() => Params);
}

function Sends({ cid }: { cid: string }): JSX.Element {
  const live = useLive(`trace ${cid}`, () => ask<InvocationJson>("Filecoin.StateReplay", null, { "/": cid }), true);
  return (
    <Card title="Internal sends" wide>
      <p class="faint">The tipset was executed again on this node to see them.</p>
      <Shown live={live}>
        {({ ExecutionTrace: trace, GasCost: cost, Error: error }) => (
          <>
            {cost == null ? null : (
              <p>
                Cost: {fil(cost.TotalCost)}, of which burnt {fil(cost.BaseFeeBurn)}, to the producer{" "}
                {fil(cost.MinerTip)}.
              </p>
            )}
            {error === undefined || error === "" ? null : <p class="error">{error}</p>}
            <ul class="sends">
              <Send trace={trace} depth={0} />
            </ul>
          </>
        )}
      </Shown>
    </Card>
  );
}

function Send({ trace, depth }: { trace: TraceJson; depth: number }): JSX.Element {
  const { Msg: message, MsgRct: receipt, Subcalls: calls } = trace;
  const live = useLive(
    `send ${message.To} ${message.Method} ${message.Params}`,
    async () => ({ method: await methodName(message.To, message.Method), params: await decoded(message) }),
    true,
  );
  return (
    <li>
      <Address of={message.From} /> → <Address of={message.To} /> {live.value?.method ?? `method ${message.Method}`},{" "}
      {fil(message.Value)}, <Exit code={receipt.ExitCode} />
      {live.value === null || live.value.params === null ? null : <JsonTree value={live.value.params} depth={1} />}
      {calls === null || calls.length === 0 || depth >= MOST_DEPTH ? null : (
        <ul>
          {calls.map((call, i) => (
            <Send key={i} trace={call} depth={depth + 1} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Anything of the store, decoded as far as its codec says. */
export function ObjectPage({ cid }: { cid: string }): JSX.Element {
  const live = useLive(`object ${cid}`, () => ask<{ Obj: unknown }>("Filecoin.ChainGetNode", cid), true);
  return (
    <Card title="Object" wide>
      <p class="mono text">{cid}</p>
      <Shown live={live}>{({ Obj: value }) => <JsonTree value={value} />}</Shown>
      <p>
        <CidLink of={cid} view="message" full={false} /> <span class="faint">as a message</span>
      </p>
    </Card>
  );
}
