/** Lets the command line's entries be executed: the compiler writes them without that bit, and npm sets it only on installing. */
import { chmodSync } from "node:fs";

for (const name of ["bin", "main"]) chmodSync(new URL(`../cli/${name}.js`, import.meta.url), 0o755);
