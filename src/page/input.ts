/** What was typed, read strictly: an empty field is no 0. */

/** Throws `Error` with the field's name. */
export function wholeNumber(text: string, name: string): number {
  const wanted = text.trim();
  const value = Number(wanted);
  if (/^\d+$/.test(wanted) && Number.isSafeInteger(value)) return value;
  throw new Error(`${name}: a whole number is expected${wanted === "" ? "" : `, not ${wanted.slice(0, 40)}`}`);
}
