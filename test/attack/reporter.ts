/** Adds up the runs of all attacks; a test that failed without counting is one failed run. */
import type { Reporter, TestCase, TestModule } from "vitest/node";
import type { Tally } from "./tally.ts";

export default class AttackReporter implements Reporter {
  private readonly sum = { passed: 0, failed: 0, skipped: 0 };

  onTestCaseResult(test: TestCase): void {
    const { tally } = test.meta() as { tally?: Tally };
    const { state } = test.result();
    this.sum.passed += tally?.passed ?? 0;
    this.sum.failed += tally?.failed ?? 0;
    if (state === "skipped") this.sum.skipped++;
    if (state === "failed" && (tally?.failed ?? 0) === 0) this.sum.failed++;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const { passed, skipped } = this.sum;
    const failed = this.sum.failed + broken + unhandled.length;
    const left = skipped > 0 ? `, ${skipped} skipped` : "";
    // After the other reporters.
    process.once("exit", () => process.stdout.write(`${passed} passed, ${failed} failed${left}\n`));
  }
}
