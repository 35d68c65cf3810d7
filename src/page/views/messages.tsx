/** Messages that were executed, the newest first, with method and exit code; and one message with all that it did. */
import type { JSX } from "preact";
import { BoundedMap } from "../../base/bounded-map.ts";
import { head, known, type TipsetView, withParents } from "../chain.ts";
import { count, fil } from "../format.ts";
import type { MessageJson, ReceiptJson } from "../json.ts";
import { useLive } from "../live.ts";
import { exitCodeText, methodName } from "../names.ts";
import { ask } from "../node.ts";
import { Address, Card, CidLink, Epoch, Shown, Table } from "../parts.tsx";

export type Executed = {
  readonly cid: string;
  readonly epoch: number;
  readonly message: MessageJson;
  readonly method: string;
  readonly receipt: ReceiptJson;
};

type Parent = { readonly Cid: { readonly "/": string }; readonly Message: MessageJson };

/** Tipsets below the head whose messages are listed. */
const DEPTH = 120;
const MOST = 300;
/** Questions under way at once. */
const AT_ONCE = 6;
/** Of tipsets that were looked at, by the key of the child. */
const seen = new BoundedMap<string, readonly Executed[]>(400);

/** What the parent tipset of `child` executed. */
export async function executedIn(child: TipsetView, epoch: number): Promise<readonly Executed[]> {
  const [block] = child.key;
  if (block === undefined) return [];
  const kept = seen.get(child.key.join());
  if (kept !== undefined) return kept;
  const messages = (await ask<readonly Parent[] | null>("Filecoin.ChainGetParentMessages", { "/": block })) ?? [];
  const receipts =
    messages.length === 0
      ? []
      : ((await ask<readonly ReceiptJson[] | null>("Filecoin.ChainGetParentReceipts", { "/": block })) ?? []);
  const out = await Promise.all(
    messages.map(async ({ Cid, Message }, i) => ({
      cid: Cid["/"],
      epoch,
      message: Message,
      method: await methodName(Message.To, Message.Method),
      receipt: receipts[i] ?? { ExitCode: 0, Return: null, GasUsed: 0 },
    })),
  );
  seen.set(child.key.join(), out);
  return out;
}

async function latest(): Promise<readonly Executed[]> {
  const top = head.value?.epoch ?? 0;
  const children = withParents(known(Math.max(0, top - DEPTH), top));
  const out: (readonly Executed[])[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < children.length) {
      const at = next++;
      const { child, epoch } = children[at] as (typeof children)[number];
      out[at] = await executedIn(child, epoch);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return out.flat().slice(0, MOST);
}

export function MessagesView(): JSX.Element {
  const live = useLive("messages", latest);
  return (
    <Card title="Messages" wide>
      <p class="faint">Executed in the last {DEPTH} epochs, the newest first.</p>
      <Shown live={live}>
        {(rows) => (
          <MessageTable
            rows={rows}
            empty="No message in these epochs. A transfer from the faucet (Controls) makes one."
          />
        )}
      </Shown>
    </Card>
  );
}

export function MessageTable({ rows, empty }: { rows: readonly Executed[]; empty: string }): JSX.Element {
  return (
    <Table<Executed>
      caption="Messages"
      rows={rows}
      keyOf={({ cid }) => cid}
      empty={empty}
      columns={[
        { title: "Message", cell: ({ cid }) => <CidLink of={cid} view="message" /> },
        { title: "Epoch", cell: ({ epoch }) => <Epoch of={epoch} />, isNumber: true },
        { title: "Method", cell: ({ method }) => method },
        { title: "From", cell: ({ message }) => <Address of={message.From} /> },
        { title: "To", cell: ({ message }) => <Address of={message.To} /> },
        { title: "Value", cell: ({ message }) => fil(message.Value), isNumber: true },
        { title: "Exit code", cell: ({ receipt }) => <Exit code={receipt.ExitCode} /> },
        { title: "Gas used", cell: ({ receipt }) => count(receipt.GasUsed), isNumber: true },
      ]}
    />
  );
}

export function Exit({ code }: { code: number }): JSX.Element {
  return <span class={code === 0 ? "good" : "bad"}>{exitCodeText(code)}</span>;
}
