/** A miner: power, the 48 deadlines of its proving period with their partitions, its sectors by state, where its money is. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { bitfield, bytes, fil } from "../format.ts";
import type { MinerReportJson, TipsetJson } from "../json.ts";
import { useLive } from "../live.ts";
import { ask, devnet } from "../node.ts";
import { BuiltOn, Card, CidLink, Epoch, Facts, Shares, Shown, Table } from "../parts.tsx";
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
/** Fields of an actor's state that are amounts; the second name of the pledge is that of the first versions of actors. */
type Held = {
  readonly [name in
    | "LockedFunds"
    | "InitialPledge"
    | "InitialPledgeRequirement"
    | "PreCommitDeposits"
    | "FeeDebt"]?: string;
};
/** All of one state, that which the tipset of `epoch` builds on; the report alone is of what follows the head. */
type Whole = {
  readonly epoch: number;
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
  readonly actor: { readonly Balance: string; readonly State: Held };
};

async function whole(miner: string): Promise<Whole> {
  const { Cids, Height } = await ask<TipsetJson>("Filecoin.ChainHead");
  const [power, info, now, deadlines, sectors, available, actor, reports] = await Promise.all([
    ask<Whole["power"]>("Filecoin.StateMinerPower", miner, Cids),
    ask<Whole["info"]>("Filecoin.StateMinerInfo", miner, Cids),
    ask<Now>("Filecoin.StateMinerProvingDeadline", miner, Cids),
    ask<readonly Deadline[]>("Filecoin.StateMinerDeadlines", miner, Cids),
    ask<readonly Sector[] | null>("Filecoin.StateMinerSectors", miner, null, Cids),
    ask<string>("Filecoin.StateMinerAvailableBalance", miner, Cids),
    ask<Whole["actor"]>("Filecoin.StateReadState", miner, Cids),
    ask<readonly MinerReportJson[]>("Devnet.minerReport", miner).catch(() => []),
  ]);
  const partitions = await Promise.all(
    deadlines.map((_, i) =>
      ask<readonly Partition[] | null>("Filecoin.StateMinerPartitions", miner, i, Cids).then((found) => found ?? []),
    ),
  );
  const report = reports[0] ?? null;
  return { epoch: Height, power, info, now, deadlines, partitions, sectors: sectors ?? [], report, available, actor };
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
      <p class="faint">
        <BuiltOn epoch={all.epoch} />
      </p>
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

function Money({ all: { available, actor, epoch } }: { all: Whole }): JSX.Element {
  const { LockedFunds, InitialPledge, InitialPledgeRequirement, PreCommitDeposits, FeeDebt } = actor.State;
  const parts = Object.entries({
    Available: available,
    Vesting: LockedFunds,
    "Initial pledge": InitialPledge ?? InitialPledgeRequirement,
    "Pre-commit deposits": PreCommitDeposits,
    "Fee debt": FeeDebt,
  }).map(([name, amount = "0"]) => ({ name, value: BigInt(amount), text: fil(amount) }));
  return (
    <Card title="Balance">
      <p>
        {fil(actor.Balance)} in all. <BuiltOn epoch={epoch} />
      </p>
      <Shares title="How the balance is split" parts={parts} />
    </Card>
  );
}

/** Sectors of all partitions by their state, worst first. */
function sectorStates(partitions: Whole["partitions"]): readonly (readonly [string, ReadonlySet<number>])[] {
  const all = (name: keyof Partition): ReadonlySet<number> =>
    new Set(partitions.flat().flatMap((one) => bitfield(one[name])));
  return [
    ["recovering", all("RecoveringSectors")],
    ["faulty", all("FaultySectors")],
    ["active", all("ActiveSectors")],
    ["unproven", all("LiveSectors")],
  ];
}

function Sectors({ all }: { all: Whole }): JSX.Element {
  const counts = new Map<string, number>();
  const states = sectorStates(all.partitions);
  const stateOf = (sector: number): string => states.find(([, of]) => of.has(sector))?.[0] ?? "terminated";
  const rows = all.sectors.map((sector) => ({ sector, state: stateOf(sector.SectorNumber) }));
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
