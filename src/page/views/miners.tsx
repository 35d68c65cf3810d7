/** All miners of the network, by their power. */
import type { JSX } from "preact";
import { bytes, fil } from "../format.ts";
import { useLive } from "../live.ts";
import { ask, devnet } from "../node.ts";
import { Card, Miner, Shown, Table } from "../parts.tsx";

type Row = {
  readonly miner: string;
  readonly raw: string;
  readonly power: string;
  readonly total: string;
  readonly counts: { readonly Live: number; readonly Active: number; readonly Faulty: number } | null;
  readonly available: string | null;
};
type Power = { readonly MinerPower: Claim; readonly TotalPower: Claim };
type Claim = { readonly RawBytePower: string; readonly QualityAdjPower: string };

const MOST = 200;

async function miners(): Promise<readonly Row[]> {
  const list = (await ask<readonly string[] | null>("Filecoin.StateListMiners", null)) ?? [];
  const rows = await Promise.all(
    list.slice(0, MOST).map(async (miner) => {
      const [{ MinerPower, TotalPower }, counts, available] = await Promise.all([
        ask<Power>("Filecoin.StateMinerPower", miner, null),
        ask<Row["counts"]>("Filecoin.StateMinerSectorCount", miner, null).catch(() => null),
        ask<string>("Filecoin.StateMinerAvailableBalance", miner, null).catch(() => null),
      ]);
      return {
        miner,
        raw: MinerPower.RawBytePower,
        power: MinerPower.QualityAdjPower,
        total: TotalPower.QualityAdjPower,
        counts,
        available,
      };
    }),
  );
  const byPower = (one: Row, other: Row): number => Number(BigInt(other.power) - BigInt(one.power));
  return rows.sort((one, other) => byPower(one, other) || one.miner.localeCompare(other.miner));
}

function share({ power, total }: Row): string {
  return BigInt(total) === 0n ? "–" : `${Number((BigInt(power) * 1000n) / BigInt(total)) / 10} %`;
}

export function MinersView(): JSX.Element {
  const live = useLive("miners", miners);
  const proofs = devnet.value?.proofs;
  return (
    <Card title="Miners" wide>
      {proofs === "attested" ? (
        <p class="note">
          Proofs of this network are <strong>attested</strong>: the vanilla proof is made and checked, and a signature
          by a public key stands in place of the SNARK.
        </p>
      ) : null}
      <Shown live={live}>
        {(rows) => (
          <Table<Row>
            caption="Miners"
            rows={rows}
            keyOf={({ miner }) => miner}
            empty="There are no miners with sectors: one producer makes all blocks."
            columns={[
              { title: "Miner", cell: ({ miner }) => <Miner of={miner} /> },
              { title: "Raw power", cell: ({ raw }) => bytes(raw), isNumber: true },
              { title: "Quality-adjusted", cell: ({ power }) => bytes(power), isNumber: true },
              { title: "Share", cell: share, isNumber: true },
              { title: "Live", cell: ({ counts }) => counts?.Live ?? "–", isNumber: true },
              { title: "Active", cell: ({ counts }) => counts?.Active ?? "–", isNumber: true },
              { title: "Faulty", cell: ({ counts }) => counts?.Faulty ?? "–", isNumber: true },
              { title: "Available", cell: ({ available }) => fil(available), isNumber: true },
            ]}
          />
        )}
      </Shown>
    </Card>
  );
}
