/** One epoch: its blocks, and the messages that it executed with what became of them. */
import type { JSX } from "preact";
import { type BlockView, head, type TipsetView, tipsetView } from "../chain.ts";
import { count, gasPrice, time } from "../format.ts";
import type { TipsetJson } from "../json.ts";
import { useLive } from "../live.ts";
import { ask } from "../node.ts";
import { Card, CidLink, Epoch, Facts, Miner, Shown, Table } from "../parts.tsx";
import { go } from "../route.ts";
import { executedIn, MessageTable } from "./messages.tsx";

export function TipsetPage({ epoch }: { epoch: number }): JSX.Element {
  const live = useLive(`tipset ${epoch}`, async () =>
    tipsetView(await ask<TipsetJson>("Filecoin.ChainGetTipSetByHeight", epoch, null)),
  );
  const top = head.value?.epoch;
  if (top !== undefined && epoch > top)
    return (
      <p>
        Epoch {epoch} is not there yet: the head is at <Epoch of={top} />. It is shown here when it comes.
      </p>
    );
  return <Shown live={live}>{(tipset) => <One tipset={tipset} wanted={epoch} />}</Shown>;
}

function One({ tipset, wanted }: { tipset: TipsetView; wanted: number }): JSX.Element {
  const { epoch, blocks } = tipset;
  const messages = useLive(`messages ${tipset.key.join()}`, async () => {
    const child = tipsetView(await ask<TipsetJson>("Filecoin.ChainGetTipSetAfterHeight", epoch + 1, null));
    return executedIn(child, epoch);
  });
  return (
    <>
      <Card title={`Tipset at epoch ${epoch}`} wide>
        {wanted === epoch ? null : <p>Epoch {wanted} is a null round; this is the tipset before it.</p>}
        <p class="row">
          <button type="button" disabled={epoch === 0} onClick={() => go("tipset", Math.max(0, epoch - 1))}>
            ← Earlier
          </button>
          <button type="button" onClick={() => go("tipset", wanted + 1)}>
            Later →
          </button>
        </p>
        <Facts
          rows={[
            ["Time (UTC)", time(tipset.timestamp)],
            ["Base fee", gasPrice(tipset.baseFee)],
            ["Weight of its parents", count(tipset.weight)],
            ["State before it", <CidLink key="root" of={tipset.stateRoot} full />],
          ]}
        />
        <Table<BlockView>
          caption={`Blocks of epoch ${epoch}`}
          rows={blocks}
          keyOf={({ cid }) => cid}
          empty="no blocks"
          columns={[
            { title: "Block", cell: ({ cid }) => <CidLink of={cid} /> },
            { title: "Producer", cell: ({ miner }) => <Miner of={miner} /> },
            { title: "Wins", cell: ({ winCount }) => winCount, isNumber: true },
            { title: "Parents", cell: ({ parents }) => parents.map((cid) => <CidLink key={cid} of={cid} />) },
          ]}
        />
      </Card>
      <Card title="Messages" wide>
        {messages.error !== "" ? (
          <p class="faint">Its messages are executed with the next tipset, which is not there yet.</p>
        ) : (
          <Shown live={messages}>
            {(rows) => <MessageTable rows={rows} empty={`No message was sent at epoch ${epoch}.`} />}
          </Shown>
        )}
      </Card>
    </>
  );
}
