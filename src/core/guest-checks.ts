/**
 * What a valid module must keep to be a guest, beside what the instrumenter asks of it: imports of the types of the syscalls that they
 * name, one table of bounded size, a memory that is not too large at first.
 *
 * Engines link a function of the host to an import of any type and let its arguments go astray; the reference links functions of the very
 * type and refuses others, as it does modules above its limits. Source: ref-fvm v3.14.1, ef0a99370839 fvm/src/engine/mod.rs.
 */
import { type Generation, SIGNATURES, SYSCALLS } from "./fvm-abi.ts";

const TYPES = 1;
const IMPORTS = 2;
const TABLES = 4;
const MEMORIES = 5;
const LETTERS: Readonly<Record<number, string>> = { 127: "i", 126: "l", 125: "f", 124: "d" };
/** What a table may hold: functions, and things from outside. */
const REFERENCES = [0x70, 0x6f];
/** Most elements of the one table, and pages of the memory at first. */
const MAX_TABLE = 20_000;
const MAX_PAGES = 8192;
/** Magic number and version. */
const FIRST_SECTION = 8;

class Reader {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new RangeError("the module was read otherwise than the engine reads it");
    return byte;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  list<Item>(item: () => Item): Item[] {
    return Array.from({ length: this.number() }, item);
  }

  /** The kind of a table's elements; false for one that is not the network's. */
  hasPlainTable(): boolean {
    return REFERENCES.includes(this.byte()) && (this.bytes[this.at] as number) <= 1;
  }

  /** Least size of a table or a memory. */
  least(): number {
    const hasMost = this.number() % 2 === 1;
    const least = this.number();
    if (hasMost) this.number();
    return least;
  }

  /** Parameters and results of a function's type, a letter each: "ilii>i". */
  functionType(): string {
    this.byte();
    const [params, results] = [0, 0].map(() => this.list(() => LETTERS[this.byte()] ?? "?").join(""));
    return `${params}>${results}`;
  }
}

export type Checked = { readonly tableElements: number } | { readonly refused: string };

/** Checks a valid module that imports functions alone. */
export function checkGuest(code: Uint8Array, generation: Generation): Checked {
  const reader = new Reader(code, FIRST_SECTION);
  let types: string[] = [];
  let tableElements = 0;
  while (!reader.isAtEnd) {
    const section = reader.byte();
    const length = reader.number();
    const end = reader.at + length;
    if (section === TYPES) types = reader.list(() => reader.functionType());
    else if (section === IMPORTS) {
      const wrong = wrongImport(reader, types, generation);
      if (wrong !== null) return { refused: `it imports what is not there: ${wrong}` };
    } else if (section === TABLES) {
      const tables = reader.number();
      if (tables > 1) return { refused: "it has several tables" };
      // Engines know tables of more kinds, and of more forms, than the network's.
      if (tables === 1 && !reader.hasPlainTable()) return { refused: "its table is of a kind that actors may not use" };
      tableElements = tables === 1 ? reader.least() : 0;
      if (tableElements > MAX_TABLE) return { refused: "its tables are too large" };
    } else if (section === MEMORIES && reader.list(() => reader.least()).some((pages) => pages > MAX_PAGES))
      return { refused: "its memory is too large at first" };
    reader.at = end;
  }
  return { tableElements };
}

/** The first import that the generation does not serve, or not in this type; null if there is none. */
function wrongImport(reader: Reader, types: readonly string[], generation: Generation): string | null {
  const imports = reader.list(() => {
    const name = `${reader.text()}.${reader.text()}`;
    // The kind, which is that of functions.
    reader.byte();
    return { name, type: types[reader.number()] };
  });
  const wrong = imports.find(({ name, type }) => type !== typeOf(name, generation));
  return wrong === undefined ? null : `${wrong.name} (${wrong.type})`;
}

function typeOf(syscall: string, generation: Generation): string | undefined {
  const served = Object.hasOwn(SYSCALLS[generation], syscall) ? SYSCALLS[generation][syscall] : undefined;
  return served === undefined ? undefined : `${SIGNATURES[served]}>i`;
}
