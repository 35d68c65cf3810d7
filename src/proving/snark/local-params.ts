/** Keys of the network's circuits from a seed, for programs: kept in a folder, or in memory where there are none. */
import { checkNames, type OptionNames } from "../../base/options.ts";
import { loadProofs } from "../../core/proofs.ts";
import type { Scheduler } from "../scheduler.ts";
import { type MakeOptions, makeParams, memorySink } from "./make-params.ts";
import { shapeBy } from "./official.ts";
import { openParams, type ParamsFile } from "./params-file.ts";
import { makeStoredParams, openStoredParams } from "./params-store.ts";
import { setupOf } from "./setup.ts";

export type LocalParamsRequest = {
  /** Kind and bytes of sectors: "winning-2048", "window-2048", "porep-2048", "update-2048". */
  readonly circuit: string;
  /** Of one person's setup: whoever knows it can forge proofs. For local networks and tests. */
  readonly seed: string;
  /** Where the key is kept, and found the next time. Without, it is made in memory: 12 MB (window PoSt) to 1.1 GB (PoRep). */
  readonly folder?: string;
};

const REQUEST: OptionNames<LocalParamsRequest> = { circuit: true, seed: true, folder: true };
const OPTIONS: OptionNames<MakeOptions> = {
  ...{ signal: true, onProgress: true },
  ...{ windowPoints: true, rangeVariables: true },
};

/**
 * Makes the parameters of a circuit, or finds them in the folder. The same bytes on every runtime. Errors: `BAD_SHAPE` for a
 * circuit that is none, those of `makeParams` and `openStoredParams`, the signal's reason, `OptionError`.
 */
export async function makeLocalParams(
  scheduler: Scheduler,
  request: LocalParamsRequest,
  options: MakeOptions = {},
): Promise<ParamsFile> {
  checkNames("makeLocalParams", request, REQUEST);
  checkNames("makeLocalParams", options, OPTIONS);
  const { circuit, seed, folder } = request;
  const { inputs, aux, rows } = await shapeBy(scheduler, circuit, options.signal);
  const counts = { inputs, aux, rows };
  const source = { kind: "official", name: circuit } as const;
  if (folder === undefined) {
    const sink = memorySink();
    await makeParams(scheduler, source, counts, setupOf(seed), sink, options);
    return openParams({ bytes: sink.bytes() });
  }
  const proofs = await loadProofs();
  const { name } = await makeStoredParams(proofs, scheduler, folder, { name: circuit, source, counts }, seed, options);
  return openStoredParams(proofs, folder, name, options);
}
