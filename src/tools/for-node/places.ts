/**
 * Where things lie, seen from a file of the form: modules say it as seen from their own file, by `import.meta.url`. All files of the
 * form lie in one folder, so that what they are made of need not be known.
 */
import path from "node:path";
import { ENTRIES, FOLDER } from "./entries.ts";

const FIXED = /new URL\(\s*"(\.{1,2}\/[^"]+)"\s*,\s*import\.meta\.url\s*\)/g;
const BUILT_MODULE = /builtFile\("([^"]+\.js)"\)/g;
/** Other ways to ask for one's own file, which a library may take. */
const OWN_FILE = /\bimport\.meta\b|\b__dirname\b|\b__filename\b/;

/** The text of one of our modules, `file` its path in `dist`, as it stands in a file of the form. Throws for a worker that is no entry. */
export function placed(file: string, text: string): string {
  const folder = path.posix.dirname(file);
  // "dist/" stands for the package's folder in front: some names lead out of `dist` and back.
  const seen = (name: string): string =>
    path.posix.relative(`dist/${FOLDER}`, path.posix.join("dist", folder, name)).replace(/^(?!\.)/, "./");
  return (
    text
      .replaceAll(FIXED, (_, name: string) => `new URL("${seen(name)}", import.meta.at)`)
      // In brackets: bundlers that take the form would follow what stands in a `new URL` with `import.meta.url`.
      .replaceAll(
        "import.meta.url",
        `((here) => new URL("${seen(path.posix.basename(file))}", here).href)(import.meta.url)`,
      )
      .replaceAll("import.meta.at", "import.meta.url")
      .replaceAll(BUILT_MODULE, (_, name: string) => `builtFile("${FOLDER}/${entryOf(file, name)}.js")`)
  );
}

function entryOf(file: string, name: string): string {
  const entry = Object.keys(ENTRIES).find((one) => ENTRIES[one] === name);
  if (entry === undefined)
    throw new Error(`${file} starts ${name}, which is no entry of src/tools/for-node/entries.ts`);
  return entry;
}

/** Throws if a library's code, as it stands in the form, asks where its own file lies. */
export function checkLibrary(id: string, code: string): void {
  if (!OWN_FILE.test(code)) return;
  throw new Error(`${id} asks where its own file lies: leave the library outside (src/tools/for-node/entries.ts)`);
}
