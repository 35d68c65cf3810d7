/** What a generator hands to `generate.ts`: whole files, by their path from the repository root. */
export type GeneratedFile = { readonly path: string; readonly text: string };

/** A generator is a pure function: the same text on every machine and every run. */
export type Generator = () => readonly GeneratedFile[];
