/** Which of some known names was meant by one that is unknown, so that an error can say it. */

/** Characters: a longer text is nobody's slip. */
const LONGEST = 40;
/** One slip for so many characters, two at most. */
const CHARACTERS_PER_SLIP = 3;
const MOST_SLIPS = 2;

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** Letters that are left out, put in, taken for another or swapped with the next, on the way from one name to another. */
function slips(from: string, to: string): number {
  let [before, above]: number[][] = [[], Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let least = Math.min(
        (above?.[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (above?.[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        least = Math.min(least, (before?.[j - 2] as number) + 1);
      row.push(least);
    }
    [before, above] = [above as number[], row];
  }
  return above?.[to.length] as number;
}

/** The nearest of the known names, whatever the case and the signs between words; null if none is near. */
export function nearestName(name: string, known: readonly string[]): string | null {
  if (name.length > LONGEST) return null;
  const given = plain(name);
  let [nearest, least]: [string | null, number] = [
    null,
    Math.min(MOST_SLIPS, Math.floor(given.length / CHARACTERS_PER_SLIP)) + 1,
  ];
  for (const one of known) {
    const count = slips(given, plain(one));
    if (count < least) [nearest, least] = [one, count];
  }
  return nearest;
}
