/**
 * Rules of machine and actors that came, or went, with a network version. Each is true or false under a version; the core
 * reads them as members of `NetworkVersion` (`assembly/runtime/versions.gen.ts`). The documentation of a rule is its
 * definition: what holds while it is true.
 *
 * Sources: lotus v1.0.0, v1.1.0 and v1.2.0 chain/vm; specs-actors v0.9.12 (network versions 0 to 3) and v2.1.0 (from 4 on).
 */

/** True from version `since` to version `until`, both included. */
export type Rule = { readonly doc: string; readonly since?: number; readonly until?: number };

function since(version: number, doc: string): Rule {
  return { doc, since: version };
}

function until(version: number, doc: string): Rule {
  return { doc, until: version };
}

/** First network version of actors v2, and the last of v0. */
const ACTORS_V2 = 4;
const ACTORS_V0 = 3;

const MACHINE = {
  receiverIsId: since(4, "An actor sees its own address as an ID, not as the message spelt it."),
  trapExitsReserved: since(4, "A broken actor ends its call with exit code 4; before, with 1."),
  limitsCallDepth: since(6, "A call with more than 4096 calls around it is forbidden."),
  badParamsAreSerialization: since(7, "Parameters that do not decode end a call with exit code 21; before, with 1."),
  refusesUndefinedActor: since(7, "An actor cannot be created at the undefined address."),
  refusesSelfHeir: since(7, "An actor with funds cannot name itself, or nobody, its heir."),
  secondSealProofs: since(7, "The second version of the seal proof types (5 to 9) exists."),
  faultKeyOfThatTime: since(7, "A consensus fault is signed by the worker key of the state its block was drawn from."),
} as const;

const MULTISIG = {
  multisigLocksBalance: since(2, "Method LockBalance exists."),
  multisigLimitsSigners: since(ACTORS_V2, "A wallet has at most 256 signers."),
  multisigStartIsGiven: since(ACTORS_V2, "The constructor takes the epoch at which unlocking starts."),
  multisigKeepsThreshold: since(ACTORS_V2, "Removing a signer cannot lower the threshold below one."),
  multisigPurgesApprovals: since(ACTORS_V2, "Approvals of a removed signer go with it."),
  multisigRoundsUp: since(ACTORS_V2, "The locked amount is rounded up, and whole at the start."),
  multisigPassesZero: since(ACTORS_V2, "A transfer of nothing is always covered."),
} as const;

const VERIFREG = {
  verifregKeysAreIds: since(ACTORS_V2, "Tables of verifiers and clients are keyed by ID addresses."),
  verifregAllowsFirst: since(ACTORS_V2, "AddVerifiedClient checks its caller before the amount."),
} as const;

const PAYCH = {
  paychMakesAccounts: since(ACTORS_V2, "The constructor makes accounts of key addresses not seen yet."),
  paychClosesWhenSettled: since(ACTORS_V2, "No voucher is taken after the settling epoch."),
  paychResolvesChannel: since(ACTORS_V2, "A voucher may name its channel by any address."),
  paychWrapsProof: until(ACTORS_V0, "The call that a voucher demands gets its data together with the payee's proof."),
} as const;

const REWARD = {
  baselineDoublesYearly: since(3, "The baseline grows by 100 % a year; before, by 200 %."),
  rewardTotalsInState: since(ACTORS_V2, "The state holds the totals that minting aims at."),
  rewardStartsHigher: since(
    ACTORS_V2,
    "A new network's baseline is 2.5 EiB, growing by 100 % a year; before, 1 EiB and 200 %.",
  ),
  minerAppliesPenalty: since(
    ACTORS_V2,
    "A miner is told its penalty, three times what the messages cost, and pays it itself.",
  ),
} as const;

const POWER = {
  powerVerifiesFirst: since(ACTORS_V2, "Seals are verified before the deferred events of an epoch, not after."),
  powerTicksEveryEpoch: since(ACTORS_V2, "Cron runs in null rounds too, so that an epoch is always one."),
  powerRequiresClaim: since(ACTORS_V2, "Miners whose claim was deleted cannot enrol events, pledge or seals."),
  powerMeasuresRaw: since(
    ACTORS_V2,
    "The consensus minimum is compared with raw power; before, with quality-adjusted power.",
  ),
  powerKnowsSealProof: since(ACTORS_V2, "A claim has its miner's seal proof type, which must be known."),
  powerSkipsUnknown: since(ACTORS_V2, "Events and seals of miners without a claim are dropped."),
  powerDeletesClaims: since(ACTORS_V2, "A miner whose deferred event fails loses its claim, not only its power."),
} as const;

const MARKET = {
  marketWeighsRawPower: since(
    1,
    "The least provider collateral is a share of raw power; before, of quality-adjusted power.",
  ),
  marketLimitsLabel: since(ACTORS_V2, "A deal's label has at most 256 bytes."),
  marketRefusesDuplicates: since(ACTORS_V2, "A deal cannot be named twice in one sector."),
  marketValidatesTwice: until(ACTORS_V0, "WithdrawBalance checks its caller twice, which the machine refuses."),
} as const;

const MINER = {
  minerHalvesTerminationAge: since(1, "Half of a sector's age counts in the termination fee (of actors v0)."),
  minerVestsAtOnce: since(1, "Block rewards begin to vest at once; before, after 20 days."),
  minerForgivesNewFaults: since(3, "Skipped, missed and recovered sectors pay only the fee for ongoing faults."),
  minerKeepsFeeDebt: since(ACTORS_V2, "Fees that a miner cannot pay are kept as debt; before, they were forgiven."),
  minerLocksInitialPledge: since(
    ACTORS_V2,
    "Initial pledge is locked; before, rewards and penalties could draw on it.",
  ),
  minerPowerAwaitsProof: since(ACTORS_V2, "New sectors have no power until the first window PoSt."),
  minerValidatesState: since(ACTORS_V2, "Partitions, expiration sets and deadlines are validated after changes."),
  minerReportsBrokenMoney: since(ACTORS_V2, "A broken money invariant is an exit code; before, it broke the actor."),
  minerSkipsEmptyVesting: since(ACTORS_V2, "The vesting table is not loaded when there is nothing in it to find."),
  minerSearchesExpirations: since(
    ACTORS_V2,
    "Sectors are looked for in the expiration queue where they are, not only where they say.",
  ),
  minerLimitsDeclarations: since(
    ACTORS_V2,
    "The number of declarations in a message is limited before they are looked at.",
  ),
  minerLimitsPartitions: since(ACTORS_V2, "A deadline takes at most 3,000 partitions."),
  minerLimitsPeerInfo: since(
    ACTORS_V2,
    "Control addresses, peer id and multiaddresses are limited in number and length.",
  ),
  minerFloorsRewards: since(ACTORS_V2, "A negative projection of rewards counts as nothing."),
  minerTerminationByReplaced: since(ACTORS_V2, "A termination fee counts the age of the sector that was replaced."),
  minerSharesPenalty: since(
    ACTORS_V2,
    "A reporter gets a share of the penalty, up to a twentieth; before, of the balance, up to a half.",
  ),
  minerFinesConsensusFault: since(
    ACTORS_V2,
    "A consensus fault costs a penalty and exclusion; before, the miner was deleted.",
  ),
  minerChecksSpaceTime: until(ACTORS_V0, "Deals that exceed a sector's space-time break the actor."),
  minerAsksNoDeals: since(ACTORS_V2, "The market is not asked about the deals of a sector without deals."),
  minerSavesCompaction: since(ACTORS_V2, "What CompactPartitions did is kept; before, it was forgotten."),
  minerStartsInPeriod: since(ACTORS_V2, "A new miner's proving period has begun already; before, it lay ahead."),
  minerConfirmsWorker: since(
    ACTORS_V2,
    "A new worker key is confirmed by a message, and the first proposal stays; before, cron put the last in force.",
  ),
  minerRefusesExpired: since(ACTORS_V2, "An expired sector cannot be extended."),
  minerFitsExpiration: since(ACTORS_V2, "A pre-commitment's expiration must fit the latest activation."),
  minerPreCommitsV2: since(ACTORS_V2, "PreCommitSector works in the order, and with the deposit checks, of actors v2."),
  minerChecksLifetimeOrder: since(ACTORS_V2, "An expiration must lie after the activation."),
  minerProofTypeIsArgument: since(
    ACTORS_V2,
    "An unknown seal proof type is an illegal argument; before, an illegal state.",
  ),
  minerChecksProveCommit: since(ACTORS_V2, "ProveCommitSector limits number and proof, and writes the state again."),
  minerChecksSealAge: until(ACTORS_V0, "The age of the seal's ticket is checked at the proof, too."),
  minerPledgesUnlocked: since(ACTORS_V2, "The initial pledge must be covered by funds that are not locked."),
  minerInheritsReplaced: since(ACTORS_V2, "A sector inherits age and reward from the one it replaces."),
  minerPostsV2: since(ACTORS_V2, "SubmitWindowedPoSt works in the order of actors v2."),
  minerMissesAreNotFound: since(
    ACTORS_V2,
    "A skipped sector that is not there is not found; before, an illegal state.",
  ),
  minerBreaksOnDeposits: until(ACTORS_V0, "Negative deposits break the actor; later, they are an illegal state."),
  minerLimitsSectors: until(ACTORS_V0, "A miner has at most 2^25 sectors."),
  minerSealAgeIsFixed: since(ACTORS_V2, "The ticket of a seal may be a day and finality old, whatever the proof."),
} as const;

/** Rules that the invariant checks know, and no method. */
const CHECKS = {
  workerPendingDiffers: since(ACTORS_V2, "A pending worker key is never the present one."),
  claimMatchesPower: since(ACTORS_V2, "A miner's claim is its sectors' power; before, it may have been zeroed."),
} as const;

export const RULES = {
  ...MACHINE,
  ...MULTISIG,
  ...VERIFREG,
  ...PAYCH,
  ...REWARD,
  ...POWER,
  ...MARKET,
  ...MINER,
  ...CHECKS,
} as const satisfies Readonly<Record<string, Rule>>;

/** Whether a rule holds under a network version. */
export function holds(rule: Rule, version: number): boolean {
  return version >= (rule.since ?? 0) && version <= (rule.until ?? Number.POSITIVE_INFINITY);
}
