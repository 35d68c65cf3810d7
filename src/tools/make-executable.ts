/** Lets the command line's entry be executed: the compiler writes it without that bit, and npm sets it only on installing. */
import { chmodSync } from "node:fs";

chmodSync(new URL("../cli/main.js", import.meta.url), 0o755);
