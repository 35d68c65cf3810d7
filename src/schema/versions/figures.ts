/**
 * Figures of the actors that changed with a network version: pairs of the first version and the value from there on. The
 * core reads them as members of `NetworkVersion` (`assembly/runtime/versions.gen.ts`).
 *
 * Sources: specs-actors v0.9.12 (network versions 0 to 3) and v2.1.0 (from 4 on), builtin/{miner,power,market} policy.
 */
export type Figure = {
  readonly doc: string;
  /** Ascending; the first is for version 0. */
  readonly values: readonly (readonly [since: number, value: number])[];
};

export const FIGURES = {
  consensusMinMiners: {
    doc: "Miners that must have the minimum power before the minimum is enforced.",
    values: [
      [0, 3],
      [4, 4],
    ],
  },
  addressedPartitionsMax: {
    doc: "Partitions, and from actors v2 on declarations, that one message may name.",
    values: [
      [0, 200],
      [4, 3000],
    ],
  },
  maxProveCommitBytes: {
    doc: "Bytes of a seal proof: network version 4 allowed less than the proofs have.",
    values: [
      [0, 1024],
      [5, 10240],
    ],
  },
  proveCommitEpochs: {
    doc: "Epochs from a pre-commitment to its proof. The challenge delay in the later figure is the main network's everywhere.",
    values: [
      [0, 10000],
      [4, 2880 + 150],
    ],
  },
  faultFeeDays: {
    doc: "Hundredths of days of expected reward that an ongoing fault costs.",
    values: [
      [0, 214],
      [3, 351],
    ],
  },
  undeclaredFeeDays: {
    doc: "Tenths of days of expected reward that an undeclared fault or a termination costs at least.",
    values: [
      [0, 50],
      [1, 35],
    ],
  },
  providerCollateralPercent: {
    doc: "Percent of the circulating supply that providers' collateral aims to lock.",
    values: [
      [0, 5],
      [1, 1],
    ],
  },
} as const satisfies Readonly<Record<string, Figure>>;

/** Value of a figure under a network version. */
export function figureAt({ values }: Figure, version: number): number {
  let found = 0;
  for (const [since, value] of values) if (version >= since) found = value;
  return found;
}
