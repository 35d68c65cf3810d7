/** Filecoin.State*: what miners and providers of deals will be asked to deposit, pledge and lock. */
import { CHAIN_LIMITS } from "../../params/networks.ts";
import {
  initialPledge,
  minProviderCollateral,
  preCommitDeposit,
  qaPowerForWeight,
  withSafety,
} from "../../stmgr/economy.ts";
import { networkFigures, PledgeError, sectorPower, sizeOf } from "../../stmgr/pledge-figures.ts";
import type { Address } from "../../types/address.ts";
import { MARKET } from "../../types/singletons.ts";
import {
  address,
  amount,
  epoch,
  int64,
  link,
  sectorNumber,
  type TipsetKey,
  tipsetKey,
  uint64,
} from "../codec/chain-types.ts";
import { boolean, integer, integer64, list, nullable, object } from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { idAt, viewAt } from "../view.ts";
import { openActor } from "./miner-state.ts";

const MAX_DEALS = 1000;

const preCommit = object("SectorPreCommitInfo", {
  SealProof: integer(0, 14),
  SectorNumber: sectorNumber,
  SealedCID: nullable(link),
  SealRandEpoch: nullable(int64),
  DealIDs: list(uint64, MAX_DEALS),
  Expiration: epoch,
  UnsealedCid: nullable(link),
});
const pieceSize = integer64(128n, 1n << 40n);

/** The figures of the network that all formulas rest on, in the state of a tipset. */
async function figures(node: NodeServices, key: TipsetKey) {
  const tipset = await node.chain.tipset(key);
  return networkFigures(node.states, tipset, await viewAt(node, key), node.chain.blocks);
}

/** Quality-adjusted power of a sector that is yet to be proven, as the market will weigh its deals. */
async function powerOf(
  node: NodeServices,
  miner: Address,
  sector: { readonly SealProof: number; readonly DealIDs: readonly bigint[]; readonly Expiration: number },
  at: { readonly height: number; readonly networkVersion: number },
  key: TipsetKey,
): Promise<bigint> {
  const terms = { sealProof: sector.SealProof, dealIds: sector.DealIDs, expiration: sector.Expiration };
  try {
    return await sectorPower(await openActor(node, MARKET, key), await idAt(node, miner, key), terms, at);
  } catch (error) {
    if (error instanceof PledgeError) badParams(`sector.${error.message}`);
    throw error;
  }
}

export const pledgeGroup = group("State: pledges", "Deposits, pledges and collaterals, before anything is sent.", {
  StateMinerPreCommitDepositForPower: method({
    summary: "The deposit for a sector that is to be committed, with a tenth more for safety, attoFIL.",
    params: [param("miner", address), param("sector", preCommit), param("tipsetKey", tipsetKey)],
    result: amount,
    async run([miner, sector, key], { node }) {
      const all = await figures(node, key);
      const { networkVersion, reward, power } = all;
      return withSafety(
        preCommitDeposit(networkVersion, reward, power, {
          size: sizeOf(sector.SealProof),
          qaPower: await powerOf(node, miner, sector, all, key),
        }),
      );
    },
  }),
  StateMinerInitialPledgeCollateral: method({
    summary: "The pledge for a sector that is to be proven, with a tenth more for safety, attoFIL.",
    params: [param("miner", address), param("sector", preCommit), param("tipsetKey", tipsetKey)],
    result: amount,
    async run([miner, sector, key], { node }) {
      const all = await figures(node, key);
      return withSafety(initialPledge(all, await powerOf(node, miner, sector, all, key)));
    },
  }),
  StateMinerInitialPledgeForSector: method({
    summary:
      "The pledge for a sector of some size and duration with verified deals of some bytes, and a tenth more, attoFIL.",
    params: [
      param("duration", integer(1, Number.MAX_SAFE_INTEGER)),
      param("sectorSize", integer64(2048n, 64n << 30n)),
      param("verifiedSize", integer64(0n, 64n << 30n)),
      param("tipsetKey", tipsetKey),
    ],
    result: amount,
    async run([duration, size, verified, key], { node }) {
      if (verified > size) return badParams(`verifiedSize: at most ${size}, the sector's, expected, got ${verified}`);
      const epochs = BigInt(duration);
      return withSafety(initialPledge(await figures(node, key), qaPowerForWeight(size, epochs, 0n, verified * epochs)));
    },
  }),
  StateDealProviderCollateralBounds: method({
    summary: "Least and most collateral of a provider for a deal of some bytes; the least with a tenth more, attoFIL.",
    params: [param("size", pieceSize), param("verified", boolean), param("tipsetKey", tipsetKey)],
    result: object("DealCollateralBounds", { Min: amount, Max: amount }),
    async run([size, verified, key], { node }) {
      const { networkVersion, totals, baselinePower, circulatingSupply } = await figures(node, key);
      const power = { ...totals, baseline: baselinePower };
      const least = minProviderCollateral(networkVersion, size, verified, power, circulatingSupply);
      return { Min: withSafety(least), Max: CHAIN_LIMITS.totalFilecoin };
    },
  }),
});
