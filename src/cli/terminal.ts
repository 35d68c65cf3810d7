/** What commands share about the terminal: plain errors, progress lines, sizes for people. */
import { FilError } from "../base/errors.ts";

/** Whether to colour what goes to standard error: on a terminal, unless `NO_COLOR` is set. */
const colours = process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined;

const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

/** One line that says what went wrong; the stack only when `FILIGREE_DEBUG` is set. */
export function complain(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof FilError ? ` [${error.data.code}]` : "";
  process.stderr.write(`${paint(31, "error:")} ${text}${code}\n`);
  if (process.env["FILIGREE_DEBUG"] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

/** Bytes for people: "8.0 MiB". */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** A progress line on a terminal's standard error, redrawn at most ten times a second; nothing elsewhere. */
export type ProgressLine = { show(text: string): void; clear(): void };

export function progressLine(): ProgressLine {
  if (process.stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  let last = 0;
  let shown = false;
  return {
    show: (text) => {
      const now = Date.now();
      if (now - last < 100) return;
      last = now;
      shown = true;
      process.stderr.write(`\r\u001b[2K${paint(2, text.slice(0, (process.stderr.columns || 80) - 1))}`);
    },
    clear: () => {
      if (shown) process.stderr.write("\r\u001b[2K");
      shown = false;
    },
  };
}
