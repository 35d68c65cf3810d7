/** Gas charges of a run beside those that the reference recorded in the vector. */
import { fromUtf8 } from "../base/bytes.ts";
import { chargesOf, type TraceCall, type TraceCharge } from "../exec/trace.ts";
import { gunzipLenient } from "./inflate.ts";
import type { RunOutcome } from "./run.ts";
import type { Vector } from "./vector.ts";

const MAX_TRACE_BYTES = 64 << 20;

type RecordedCall = {
  readonly GasCharges?: readonly { readonly Name: string; readonly tg: number }[] | null;
  readonly Subcalls?: readonly RecordedCall[] | null;
  readonly MsgRct?: { readonly ExitCode: number; readonly GasUsed: number };
};

/**
 * The reference lists a call's own charges first and its subcalls after, so calls are compared one by one: depth first,
 * own charges in order. Charges of nothing are left out on both sides.
 */
export async function traceTable(outcome: RunOutcome, vector: Vector): Promise<string[]> {
  // A message that was refused made no call; the reference records an empty one for it.
  const ours = (outcome.traces ?? []).flatMap((calls) => (calls.length === 0 ? [REFUSED] : calls.flatMap(flatten)));
  const recorded = vector.diagnostics === null ? null : await recordedCalls(vector.diagnostics);
  if (recorded === null) {
    const own = (outcome.traces ?? []).flatMap(chargesOf);
    return ["  the file records no gas charges; ours:", ...own.map((charge) => `  ${column(charge)}`)];
  }
  const lines: string[] = [];
  for (let i = 0; i < Math.max(ours.length, recorded.length); i++) {
    const mine = ours[i];
    const other = recorded[i];
    lines.push(`  call ${i}: exit ${mine?.exitCode ?? "-"}, recorded ${other?.exitCode ?? "-"}`);
    const count = Math.max(mine?.charges.length ?? 0, other?.charges.length ?? 0);
    for (let c = 0; c < count; c++) {
      const left = mine?.charges[c];
      const right = other?.charges[c];
      const same = left !== undefined && left.name === right?.name && left.gas === right.gas;
      lines.push(`  ${same ? " " : "!"} ${column(left)}  ${column(right)}`);
    }
  }
  return lines;
}

type Flat = { readonly exitCode: number | null; readonly charges: readonly Pick<TraceCharge, "name" | "gas">[] };

const REFUSED: Flat = { exitCode: null, charges: [] };

function flatten(call: TraceCall): Flat[] {
  const charges = call.steps.filter((step): step is TraceCharge => !("steps" in step));
  const calls = call.steps.filter((step): step is TraceCall => "steps" in step);
  return [{ exitCode: call.exitCode, charges }, ...calls.flatMap(flatten)];
}

async function recordedCalls(packed: Uint8Array): Promise<Flat[] | null> {
  try {
    const json = JSON.parse(fromUtf8(await gunzipLenient(packed, MAX_TRACE_BYTES))) as readonly RecordedCall[];
    return json.flatMap(flattenRecorded);
  } catch {
    return null;
  }
}

function flattenRecorded(call: RecordedCall): Flat[] {
  const charges = (call.GasCharges ?? [])
    .filter((each) => each.tg !== 0)
    .map(({ Name, tg }) => ({ name: Name, gas: tg }));
  return [{ exitCode: call.MsgRct?.ExitCode ?? null, charges }, ...(call.Subcalls ?? []).flatMap(flattenRecorded)];
}

function column(charge: Pick<TraceCharge, "name" | "gas"> | undefined): string {
  return charge === undefined ? "".padEnd(40) : `${charge.name.padEnd(28)}${String(charge.gas).padStart(12)}`;
}
