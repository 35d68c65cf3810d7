/** Sealing and proving as they happen: each sector's step, who works on it, and for how long. */
import type { JSX } from "preact";
import { duration } from "../format.ts";
import type { SectorStepJson } from "../json.ts";
import { useLive } from "../live.ts";
import { ask, devnet, isPlayable } from "../node.ts";
import { Card, Miner, Shown, Table } from "../parts.tsx";
import { news, noSectors, type SectorWay, ways } from "../sectors.ts";

/** The way of a sector that fails nowhere, in the names of the reference's miner. */
const WAY = [
  "Packing",
  "GetTicket",
  "PreCommit1",
  "PreCommit2",
  "PreCommitting",
  "PreCommitWait",
  "WaitSeed",
  "Committing",
  "SubmitCommit",
  "CommitWait",
  "FinalizeSector",
  "Proving",
];

/** The way of one that takes data as it is. */
const UPDATE_WAY = [
  "Available",
  "SnapDealsWaitDeals",
  "SnapDealsPacking",
  "UpdateReplica",
  "ProveReplicaUpdate",
  "SubmitReplicaUpdate",
  "ReplicaUpdateWait",
  "UpdateActivating",
  "FinalizeReplicaUpdate",
  "Proving",
];

type Log = { readonly Log: readonly { readonly Kind: string; readonly Timestamp: number; readonly Message: string }[] };

export function SealingView(): JSX.Element {
  const all = [...ways.value.values()].reverse();
  return (
    <>
      <Card title="Sealing" wide>
        {devnet.value?.seals === "attested" ? (
          <p class="note">
            Labels, trees, replica and the vanilla proof of replication are computed; what goes on chain is{" "}
            <strong>attested</strong>: a signature stands in place of the SNARK.
          </p>
        ) : null}
        {noSectors.value === "" ? null : <p class="error">{noSectors.value}</p>}
        {all.length === 0 && noSectors.value === "" ? (
          <p>
            No sector was begun on this node.{" "}
            {isPlayable.value ? (
              "Controls has “Pledge a sector”, which begins one."
            ) : (
              <>
                <code>filigree miner sectors pledge</code> begins one, at a node that has a miner.
              </>
            )}
          </p>
        ) : null}
        <ul class="ways" aria-label="Sectors on their way">
          {all.slice(0, 40).map((way) => (
            <Way key={`${way.step.Miner}/${way.step.Number}`} way={way} />
          ))}
        </ul>
        {all.length > 40 ? <p class="faint">and {all.length - 40} more</p> : null}
      </Card>
      <Proving />
      <Card title="Steps" wide>
        <Table<SectorStepJson>
          caption="Steps since this page was opened, the newest first"
          rows={news.value}
          keyOf={({ Miner: miner, Number: number, Steps: steps }) => `${miner}/${number}/${steps}`}
          empty="none since this page was opened"
          columns={[
            { title: "Time", cell: ({ Since: since }) => new Date(since).toISOString().slice(11, 23) },
            { title: "Miner", cell: ({ Miner: miner }) => <Miner of={miner} /> },
            { title: "Sector", cell: ({ Number: number }) => number, isNumber: true },
            { title: "State", cell: ({ State: state }) => state },
            { title: "What happens", cell: ({ About: about }) => about },
          ]}
        />
      </Card>
    </>
  );
}

function who(kind: string): string {
  if (kind === "work") return "computed by this node";
  if (kind === "message" || kind === "wait") return "the chain";
  // What is told of one that is held says it already.
  return kind === "held" ? "" : kind === "failed" ? "tried again after a pause" : kind;
}

/** How long a sector was in a state, as its log has it: to the second. */
function timeInLog(log: Log["Log"], state: string): string {
  const i = log.findLastIndex(({ Message: message }) => message.split(":")[0] === state);
  const [from, to] = [log[i], log[i + 1]];
  if (from === undefined || to === undefined) return "";
  const seconds = to.Timestamp - from.Timestamp;
  return seconds < 1 ? "< 1 s" : seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

function Way({ way: { step, steps } }: { way: SectorWay }): JSX.Element {
  const live = useLive(
    `log ${step.Miner}/${step.Number}/${step.Steps}`,
    () => ask<Log>("Filecoin.SectorsStatus", step.Number, false, step.Miner),
    true,
  );
  const shown = !WAY.includes(step.State) && UPDATE_WAY.includes(step.State) ? UPDATE_WAY : WAY;
  const at = shown.indexOf(step.State);
  const timeOf = (state: string): string => {
    const i = steps.findIndex((one) => one.state === state);
    const next = steps[i + 1];
    return i < 0 || next === undefined
      ? timeInLog(live.value?.Log ?? [], state)
      : duration(next.since - (steps[i]?.since ?? 0));
  };
  return (
    <li class="way">
      <p class="row">
        <strong>
          <Miner of={step.Miner} /> sector {step.Number}
        </strong>
        <span class={`tag ${step.Kind}`}>{step.State}</span>
        <span>{who(step.Kind)}</span>
        <span class="faint">{step.About}</span>
      </p>
      <ol class="steps" aria-label={`Steps of sector ${step.Number}`}>
        {shown.map((state, i) => (
          <li key={state} class={i < at ? "done" : i === at ? "here" : ""} aria-current={i === at ? "step" : undefined}>
            <span>{state}</span>
            <small>{timeOf(state)}</small>
          </li>
        ))}
      </ol>
      {step.Error === "" ? null : <p class="error">{step.Error}</p>}
      <details>
        <summary>Its log</summary>
        <Shown live={live}>
          {({ Log: log }) => (
            <ol class="log">
              {log.slice(-60).map(({ Kind: kind, Timestamp: when, Message: message }, i) => (
                <li key={i} class="mono">
                  {new Date(when * 1000).toISOString().slice(11, 19)} {kind.replace("event;", "")}: {message}
                </li>
              ))}
            </ol>
          )}
        </Shown>
      </details>
    </li>
  );
}

type Deadline = {
  readonly miner: string;
  readonly index: number;
  readonly left: number;
  readonly ahead: readonly number[];
};

/** Whose deadline is open, and how long. */
function Proving(): JSX.Element {
  const live = useLive("proving", async () => {
    const miners = ((await ask<readonly string[] | null>("Filecoin.StateListMiners", null)) ?? []).slice(0, 50);
    return Promise.all(
      miners.sort().map(async (miner): Promise<Deadline> => {
        const now = await ask<{ Index: number; Close: number; CurrentEpoch: number }>(
          "Filecoin.StateMinerProvingDeadline",
          miner,
          null,
        );
        const partitions =
          (await ask<readonly unknown[] | null>("Filecoin.StateMinerPartitions", miner, now.Index, null)) ?? [];
        return { miner, index: now.Index, left: now.Close - now.CurrentEpoch, ahead: partitions.map((_, i) => i) };
      }),
    );
  });
  return (
    <Card title="Window PoSt" wide>
      <Shown live={live}>
        {(rows) => (
          <Table<Deadline>
            caption="Deadlines that are open"
            rows={rows}
            keyOf={({ miner }) => miner}
            empty="no miner has sectors"
            columns={[
              { title: "Miner", cell: ({ miner }) => <Miner of={miner} /> },
              { title: "Open deadline", cell: ({ index }) => index, isNumber: true },
              { title: "Epochs left", cell: ({ left }) => left, isNumber: true },
              { title: "Partitions to prove", cell: ({ ahead }) => ahead.length, isNumber: true },
            ]}
          />
        )}
      </Shown>
    </Card>
  );
}
