/** Messages that wait, as they come and go. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import type { Subscription } from "../../client.ts";
import { count, fil } from "../format.ts";
import type { SignedMessageJson } from "../json.ts";
import { useLive } from "../live.ts";
import { methodName } from "../names.ts";
import { ask, onConnected } from "../node.ts";
import { Address, Card, CidLink, Table } from "../parts.tsx";

type Update = { readonly Type: 0 | 1; readonly Message: SignedMessageJson };

/** Messages that are kept; of more, the number. */
const MOST = 2000;
const waiting = signal<ReadonlyMap<string, SignedMessageJson>>(new Map());
const more = signal(0);
const keyOf = ({ Message: { From, Nonce } }: SignedMessageJson): string => `${From}/${Nonce}`;

export const poolSize = (): number => waiting.value.size + more.value;

/** Follows the pool: what waits now, then every change. */
export function followPool(): void {
  onConnected(async (client) => {
    const changes: Update[] = [];
    let isKnown = false;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const draw = (): void => {
      timer = null;
      const next = new Map(waiting.value);
      for (const { Type: type, Message: message } of changes.splice(0)) {
        if (type === 1) {
          if (!next.delete(keyOf(message)) && more.value > 0) more.value--;
        } else if (next.size < MOST) next.set(keyOf(message), message);
        else more.value++;
      }
      waiting.value = next;
    };
    const subscription = (await client.request("Filecoin.MpoolSub", (update: Update) => {
      changes.push(update);
      if (isKnown && timer === null) timer = setTimeout(draw, 100);
    })) as Subscription;
    const all = (await ask<readonly SignedMessageJson[] | null>("Filecoin.MpoolPending", null)) ?? [];
    waiting.value = new Map(all.slice(0, MOST).map((one) => [keyOf(one), one]));
    more.value = Math.max(0, all.length - MOST);
    isKnown = true;
    draw();
    await subscription.ended;
  });
}

function Method({ message }: { message: SignedMessageJson }): JSX.Element {
  const { To, Method: method } = message.Message;
  const live = useLive(`method ${To} ${method}`, () => methodName(To, method), true);
  return <>{live.value ?? "…"}</>;
}

export function PoolView(): JSX.Element {
  const rows = [...waiting.value.values()];
  return (
    <Card title="Message pool" wide>
      <p>{poolSize() === 1 ? "1 message waits" : `${poolSize()} messages wait`}.</p>
      <Table<SignedMessageJson>
        caption="Messages that wait"
        rows={rows}
        keyOf={keyOf}
        empty="What is sent waits here until a block takes it."
        columns={[
          {
            title: "Message",
            cell: ({ CID, Message }) => <CidLink of={(CID ?? Message.CID)?.["/"] ?? ""} view="message" />,
          },
          { title: "Method", cell: (message) => <Method message={message} /> },
          { title: "From", cell: ({ Message }) => <Address of={Message.From} /> },
          { title: "Nonce", cell: ({ Message }) => Message.Nonce, isNumber: true },
          { title: "To", cell: ({ Message }) => <Address of={Message.To} /> },
          { title: "Value", cell: ({ Message }) => fil(Message.Value), isNumber: true },
          { title: "Fee cap, attoFIL", cell: ({ Message }) => count(Message.GasFeeCap), isNumber: true },
        ]}
      />
    </Card>
  );
}
