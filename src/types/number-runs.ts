/** Sets of numbers as bitfields. */
import type { Json } from "./schema-codec.ts";

/** Run lengths, zeros first, of ascending numbers: JSON's spelling of a bitfield. */
export function runsOf(numbers: readonly number[]): Json {
  const runs: number[] = [];
  let at = 0;
  for (let i = 0; i < numbers.length; ) {
    const first = numbers[i] as number;
    let end = first;
    while (numbers[i] === end) {
      end++;
      i++;
    }
    runs.push(first - at, end - first);
    at = end;
  }
  return runs.length === 0 ? null : runs;
}
