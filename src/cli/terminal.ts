/** What commands share about the terminal: colours, progress lines, sizes for people. */

/** As much of a stream as a progress line needs; `process.stderr` is one. */
export type Screen = { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };

/** Whether to colour what goes to a stream: on a terminal, unless `NO_COLOR` is set. */
function hasColours(screen: Screen): boolean {
  return screen.isTTY === true && process.env["NO_COLOR"] === undefined;
}

const CODES = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;
export type Colour = keyof typeof CODES;

/** `text` in a colour, where `screen` shows colours. */
export function paint(screen: Screen, colour: Colour, text: string): string {
  return hasColours(screen) ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

/** Text with what would command a terminal made visible: others, as peers, may have written some of it. */
export function plainText(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, "\ufffd");
}

/** Bytes for people: "8.0 MiB". */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** "1 piece", "2 pieces". */
export function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** A progress line on a terminal, redrawn at most ten times a second; nothing elsewhere. */
export type ProgressLine = {
  /** Draws `text`; `isLast` draws it whatever the time, so that people see the end. */
  show(text: string, isLast?: boolean): void;
  /** Draws "phase 40 %", and 100 % always. */
  part(phase: string, done: number, total: number): void;
  /** Ends the line: what follows begins on a clean one. */
  clear(): void;
};

const REDRAW_MS = 100;

export function progressLine(screen: Screen = process.stderr): ProgressLine {
  if (screen.isTTY !== true) return { show: () => undefined, part: () => undefined, clear: () => undefined };
  let last = 0;
  let shown = false;
  const show = (text: string, isLast = false): void => {
    const now = Date.now();
    if (!isLast && now - last < REDRAW_MS) return;
    last = now;
    shown = true;
    screen.write(`\r\u001b[2K${paint(screen, "dim", text.slice(0, (screen.columns || 80) - 1))}`);
  };
  return {
    show,
    part: (phase, done, total) => {
      const isLast = done >= total;
      // Rounded down, so that 100 % means all.
      const percent = isLast ? 100 : Math.floor((100 * done) / total);
      show(`${phase} ${percent} %`.trimStart(), isLast);
    },
    clear: () => {
      if (shown) screen.write("\r\u001b[2K");
      shown = false;
    },
  };
}

const NOTE_MS = 10_000;

/** As `progressLine`; where there is no terminal, a line of its own about every ten seconds. `now`: milliseconds. */
export function tellingLine(
  screen: Screen = process.stderr,
  now: () => number = Date.now,
): Pick<ProgressLine, "show" | "clear"> {
  if (screen.isTTY === true) return progressLine(screen);
  let told = now();
  return {
    show(text) {
      if (now() - told < NOTE_MS) return;
      told = now();
      screen.write(`note: ${plainText(text)}\n`);
    },
    clear: () => undefined,
  };
}
