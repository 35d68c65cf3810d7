/** A miner: power, the 48 deadlines of its proving period with their partitions, its sectors by state, where its money is. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { bitfield, bytes, fil } from "../format.ts";
import type { MinerReportJson } from "../json.ts";
import { useLive } from "../live.ts";
import { ask, devnet } from "../node.ts";
import { Card, CidLink, Epoch, Facts, Shares, Shown, Table } from "../parts.tsx";
import { linkTo } from "../route.ts";

type Deadline = { readonly PostSubmissions: readonly number[] };
type Partition = {
  readonly [name in
    | "AllSectors"
    | "FaultySectors"
    | "RecoveringSectors"
    | "LiveSectors"
    | "ActiveSectors"]: readonly number[];
};
type Now = {
  readonly Index: number;
  readonly Open: number;
  readonly Close: number;
  readonly CurrentEpoch: number;
  readonly PeriodStart: number;
};
type Sector = {
  readonly SectorNumber: number;
  readonly SealedCID: { readonly "/": string };
  readonly Activation: number;
  readonly Expiration: number;
  readonly InitialPledge: string;
  readonly DealIDs: readonly number[] | null;
};
type Whole = {
  readonly power: {
    readonly MinerPower: { readonly RawBytePower: string; readonly QualityAdjPower: string };
    readonly TotalPower: { readonly QualityAdjPower: string };
  };
  readonly info: {
    readonly Owner: string;
    readonly Worker: string;
    readonly PeerId: string | null;
    readonly SectorSize: number;
  };
  readonly now: Now;
  readonly deadlines: readonly Deadline[];
  readonly partitions: readonly (readonly Partition[])[];
  readonly sectors: readonly Sector[];
  readonly report: MinerReportJson | null;
  readonly available: string;
};

async function whole(miner: string): Promise<Whole> {
  const [power, info, now, deadlines, sectors, available, reports] = await Promise.all([
    ask<Whole["power"]>("Filecoin.StateMinerPower", miner, null),
    ask<Whole["info"]>("Filecoin.StateMinerInfo", miner, null),
    ask<Now>("Filecoin.StateMinerProvingDeadline", miner, null),
    ask<readonly Deadline[]>("Filecoin.StateMinerDeadlines", miner, null),
    ask<readonly Sector[] | null>("Filecoin.StateMinerSectors", miner, null, null),
    ask<string>("Filecoin.StateMinerAvailableBalance", miner, null),
    ask<readonly MinerReportJson[]>("Devnet.minerReport", miner).catch(() => []),
  ]);
  const partitions = await Promise.all(
    deadlines.map((_, i) =>
      ask<readonly Partition[] | null>("Filecoin.StateMinerPartitions", miner, i, null).then((found) => found ?? []),
    ),
  );
  return { power, info, now, deadlines, partitions, sectors: sectors ?? [], report: reports[0] ?? null, available };
}

const chosen = signal<number | null>(null);

export function MinerPage({ miner }: { miner: string }): JSX.Element {
  const live = useLive(`miner ${miner}`, () => whole(miner));
  return (
    <Shown live={live}>
      {(all) => (
        <>
          <Head miner={miner} all={all} />
          <div class="stack">
            <Deadlines all={all} />
            <Money all={all} />
          </div>
          <Sectors all={all} />
        </>
      )}
    </Shown>
  );
}

function Head({ miner, all }: { miner: string; all: Whole }): JSX.Element {
  const { power, info, report, now } = all;
  const total = BigInt(power.TotalPower.QualityAdjPower);
  const own = BigInt(power.MinerPower.QualityAdjPower);
  return (
    <Card title={`Miner ${miner}`}>
      <Facts
        rows={[
          ["Raw power", bytes(power.MinerPower.RawBytePower)],
          ["Quality-adjusted power", bytes(power.MinerPower.QualityAdjPower)],
          ["Share of the network", total === 0n ? "–" : `${Number((own * 1000n) / total) / 10} %`],
          ["Sector size", bytes(info.SectorSize)],
          [
            "Owner",
            <a key="owner" href={linkTo("actor", info.Owner)}>
              {info.Owner}
            </a>,
          ],
          [
            "Worker",
            <a key="worker" href={linkTo("actor", info.Worker)}>
              {info.Worker}
            </a>,
          ],
          ["Peer", info.PeerId ?? "none"],
          [
            "Deadline now",
            `${now.Index}, epochs ${now.Open} to ${now.Close - 1}; ${now.Close - now.CurrentEpoch} left`,
          ],
          ...(report === null
            ? []
            : ([
                ["State", report.On ? "on" : "stopped"],
                ["Makes blocks", report.NotEligible ?? "yes"],
                ["Fee for faults a day", fil(report.FaultFee)],
                ["Burnt so far", fil(report.Burnt)],
                [
                  "Faults played",
                  report.FileFaults.map(({ Sector, Fault }) => `sector ${Sector} ${Fault}`).join(", ") || "none",
                ],
                [
                  "Proofs left out",
                  report.SkippedDeadlines === null ? "all" : report.SkippedDeadlines.join(", ") || "none",
                ],
              ] as const)),
          ["Proofs", devnet.value?.proofs ?? "as the chain takes them"],
        ]}
      />
      <p>
        <a href={linkTo("actor", miner)}>Its actor and decoded state</a>
      </p>
    </Card>
  );
}

/** How a deadline stands: worst first. */
function stateOf(
  partitions: readonly Partition[],
  { PostSubmissions }: Deadline,
  isNow: boolean,
): readonly [string, string] {
  const has = (name: keyof Partition): boolean => partitions.some((one) => bitfield(one[name], 1).length > 0);
  if (!has("LiveSectors")) return ["none", "no sectors"];
  if (has("RecoveringSectors")) return ["recovering", "recovering sectors"];
  if (has("FaultySectors")) return ["faulty", "faulty sectors"];
  if (isNow && bitfield(PostSubmissions, 1).length > 0) return ["proven", "proven in this period"];
  return ["active", "sectors"];
}

function Deadlines({ all }: { all: Whole }): JSX.Element {
  const { deadlines, partitions, now } = all;
  const withSectors = partitions.findIndex((of) => of.some((one) => bitfield(one.LiveSectors, 1).length > 0));
  const at = chosen.value ?? (withSectors < 0 ? now.Index : withSectors);
  const rows = (partitions[at] ?? []).map((partition, index) => ({ partition, index }));
  const numbers =
    (name: keyof Partition) =>
    ({ partition }: { partition: Partition }) => {
      const found = bitfield(partition[name], 1000);
      return found.length > 12 ? `${found.length}: ${found.slice(0, 12).join(", ")} …` : found.join(", ") || "–";
    };
  return (
    <Card title="Deadlines">
      <div class="deadlines">
        {deadlines.map((deadline, i) => {
          const [state, words] = stateOf(partitions[i] ?? [], deadline, i === now.Index);
          return (
            <button
              key={i}
              type="button"
              class={`deadline ${state}${i === now.Index ? " now" : ""}`}
              aria-pressed={i === at}
              aria-label={`deadline ${i}: ${words}${i === now.Index ? ", open now" : ""}`}
              onClick={() => {
                chosen.value = i;
              }}
            >
              {i}
            </button>
          );
        })}
      </div>
      <h3>Partitions of deadline {at}</h3>
      <Table
        caption={`Partitions of deadline ${at}`}
        rows={rows}
        keyOf={({ index }) => index}
        empty="none"
        columns={[
          { title: "Partition", cell: ({ index }) => index, isNumber: true },
          { title: "Live", cell: numbers("LiveSectors") },
          { title: "Active", cell: numbers("ActiveSectors") },
          { title: "Faulty", cell: numbers("FaultySectors") },
          { title: "Recovering", cell: numbers("RecoveringSectors") },
        ]}
      />
    </Card>
  );
}

const MONEY = [
  ["Available", "Available"],
  ["Vesting", "Vesting"],
  ["InitialPledge", "Initial pledge"],
  ["PreCommitDeposits", "Pre-commit deposits"],
  ["FeeDebt", "Fee debt"],
] as const;

function Money({ all: { report, available } }: { all: Whole }): JSX.Element {
  const parts =
    report === null
      ? [{ name: "Available", value: BigInt(available), text: fil(available) }]
      : MONEY.map(([key, name]) => ({ name, value: BigInt(report.Money[key] ?? 0), text: fil(report.Money[key]) }));
  return (
    <Card title="Balance">
      {report === null ? null : <p>{fil(report.Money["Balance"])} in all</p>}
      <Shares title="How the balance is split" parts={parts} />
    </Card>
  );
}

function stateOfSector(all: Whole, number: number): string {
  const sectors = all.report?.Sectors;
  if (sectors === undefined) return "live";
  return (
    ["Terminated", "Recovering", "Faulty", "Unproven", "Active"]
      .find((state) => sectors[state]?.includes(number))
      ?.toLowerCase() ?? "live"
  );
}

function Sectors({ all }: { all: Whole }): JSX.Element {
  const counts = new Map<string, number>();
  const rows = all.sectors.map((sector) => ({ sector, state: stateOfSector(all, sector.SectorNumber) }));
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  return (
    <Card title="Sectors" wide>
      <p class="row">
        {[...counts].map(([state, number]) => (
          <span key={state} class={`tag ${state}`}>
            {number} {state}
          </span>
        ))}
      </p>
      <Table
        caption="Sectors"
        rows={rows}
        keyOf={({ sector }) => sector.SectorNumber}
        empty="no proven sector"
        columns={[
          { title: "Sector", cell: ({ sector }) => sector.SectorNumber, isNumber: true },
          { title: "State", cell: ({ state }) => <span class={`tag ${state}`}>{state}</span> },
          { title: "CommR", cell: ({ sector }) => <CidLink of={sector.SealedCID["/"]} /> },
          { title: "Activation", cell: ({ sector }) => <Epoch of={sector.Activation} />, isNumber: true },
          { title: "Expiration", cell: ({ sector }) => sector.Expiration, isNumber: true },
          { title: "Deals", cell: ({ sector }) => sector.DealIDs?.join(", ") || "–" },
          { title: "Initial pledge", cell: ({ sector }) => fil(sector.InitialPledge), isNumber: true },
        ]}
      />
    </Card>
  );
}
