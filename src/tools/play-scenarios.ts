/**
 * Plays scenario files made by the reference: `node dist/tools/play-scenarios.js FILE... [--trace]`.
 *
 * Prints the first difference of each scenario and a last line with the counts; ends with 1 if anything differs.
 * With --trace the gas charges of the step that differs are listed.
 */
import { readFileSync } from "node:fs";
import { type ScenarioFile, ScenarioPlayer } from "../conformance/scenario.ts";
import { isCall, type TraceCall } from "../exec/trace.ts";
import { Address } from "../types/address.ts";

function printCall(call: TraceCall, depth: number): void {
  const pad = "  ".repeat(depth + 1);
  const [from, to] = [Address.fromBytes(call.from).toString("f"), Address.fromBytes(call.to).toString("f")];
  process.stdout.write(`${pad}${from} -> ${to} method ${call.method} value ${call.value}\n`);
  for (const step of call.steps)
    if (isCall(step)) printCall(step, depth + 1);
    else process.stdout.write(`${pad}  ${step.name} ${step.gas}\n`);
  process.stdout.write(`${pad}exit ${call.exitCode} gas ${call.gasUsed} ${call.why}\n`);
}

const tracing = process.argv.includes("--trace");
const files = process.argv.slice(2).filter((word) => !word.startsWith("--"));
let [scenarios, steps, failed] = [0, 0, 0];
for (const path of files) {
  const file = JSON.parse(readFileSync(path, "utf8")) as ScenarioFile;
  const player = await ScenarioPlayer.create(file, { asset: "vm-test.wasm", tracing });
  for (const scenario of file.scenarios) {
    scenarios++;
    steps += scenario.steps.length;
    const difference = player.play(scenario);
    if (difference === null) continue;
    failed++;
    process.stdout.write(`${path}: ${difference.scenario} step ${difference.step} (${difference.note})\n`);
    for (const line of difference.differences) process.stdout.write(`    ${line}\n`);
    for (const call of difference.trace) printCall(call, 1);
  }
}
process.stdout.write(`${scenarios - failed} of ${scenarios} scenarios as the reference, ${steps} steps\n`);
if (failed > 0) process.exitCode = 1;
