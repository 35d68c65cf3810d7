/**
 * Constants of the reward actor. Powers are bytes, amounts attoFIL, exponents and rates Q.128 per epoch.
 * Source: specs-actors builtin/reward/reward_logic.go and reward_state.go (v0.9.12, v2.1.0).
 */
import { Big } from "../../base/big";

/** e^(ln(3) / epochs in a year): the baseline grows by 200 % a year. Network versions 0 to 2. */
export const BASELINE_EXPONENT_EARLY: Big = Big.parse("340282722551251692435795578557183609728");
/** e^(ln(2) / epochs in a year): 100 % a year. From network version 3. */
export const BASELINE_EXPONENT: Big = Big.parse("340282591298641078465964189926313473653");

/** 1 EiB (actors v0). */
export const BASELINE_INITIAL_VALUE_V0: Big = Big.ONE.lsh(60);
/** About 2.5 EiB (actors v2). */
export const BASELINE_INITIAL_VALUE_V2: Big = Big.fromU64(2888888880000000000);

/** 330 million FIL, minted by time alone. */
export const SIMPLE_TOTAL: Big = Big.parse("330000000000000000000000000");
/** 770 million FIL, minted as the network meets the baseline. */
export const BASELINE_TOTAL: Big = Big.parse("770000000000000000000000000");

/** ln(2) / (6 years of epochs): minting halves in six years. */
export const LAMBDA: Big = Big.parse("37396271439864487274534522888786");
/** e^lambda - 1. */
export const EXP_LAMBDA_MINUS_ONE: Big = Big.parse("37396273494747879394193016954629");

/** First reward, 36.27 FIL, and its first change; where the smoothing filter starts. */
export const INITIAL_REWARD_POSITION: Big = Big.parse("36266260308195979333");
export const INITIAL_REWARD_VELOCITY: Big = Big.parse("-109897758509");

/** Factor on a block's penalty for bad messages (actors v2). */
export const PENALTY_MULTIPLIER: u64 = 3;
