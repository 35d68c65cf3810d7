/** Small WebAssembly modules put together by hand: sections and numbers, nothing checked. */
import { concat, utf8 } from "../../src/base/bytes.ts";

export type WasmFunction = {
  /** Number of i32 parameters, and whether it gives an i32. */
  readonly params?: number;
  readonly gives?: boolean;
  /** Local groups: how many i32 in each. */
  readonly locals?: readonly number[];
  /** Instructions, the last `end` included. */
  readonly body: readonly number[];
};

export type WasmParts = {
  readonly imports?: readonly {
    readonly module: string;
    readonly name: string;
    /** Number of i32 parameters, or the types of all. */
    readonly params: number | readonly ("i32" | "i64")[];
  }[];
  readonly functions: readonly WasmFunction[];
  /** Names under which functions are exported, by index; the imports count. */
  readonly exports?: Readonly<Record<string, number>>;
  /** Pages; null: no memory. */
  readonly memory?: number | null;
  /** Functions in a table of their own. */
  readonly table?: readonly number[];
  /** Mutable globals (i32), by their first values. */
  readonly globals?: readonly number[];
  /** What the memory holds at first, from address 0 on. */
  readonly data?: readonly number[];
  /** Function that runs when the module is instantiated. */
  readonly start?: number;
};

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

const I32 = 0x7f;
const TYPES = { i32: I32, i64: 0x7e } as const;
const list = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const text = (name: string): number[] => [...leb(name.length), ...utf8(name)];

function section(id: number, contents: readonly number[]): Uint8Array {
  return Uint8Array.from([id, ...leb(contents.length), ...contents]);
}

/** Signed LEB128, as constants have it. */
export function signedLeb(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const byte = rest & 0x7f;
    const isLast = rest >> 7 === ((byte & 0x40) === 0 ? 0 : -1);
    out.push(isLast ? byte : byte | 0x80);
    if (isLast) return out;
  }
}

/** The bytes of a module. */
export function wasmModule(parts: WasmParts): Uint8Array<ArrayBuffer> {
  const { imports = [], functions, exports = {}, memory = 1, table, globals = [], data, start } = parts;
  const types = [
    ...imports.map(({ params }) => {
      const all = typeof params === "number" ? Array<number>(params).fill(I32) : params.map((one) => TYPES[one]);
      return [0x60, ...leb(all.length), ...all, 1, I32];
    }),
    ...functions.map(({ params = 0, gives = false }) => [
      0x60,
      ...leb(params),
      ...Array<number>(params).fill(I32),
      ...(gives ? [1, I32] : [0]),
    ]),
  ];
  const bodies = functions.map(({ locals = [], body }) => {
    const code = [...list(locals.map((count) => [...leb(count), I32])), ...body];
    return [...leb(code.length), ...code];
  });
  const out = [Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), section(1, list(types))];
  const put = (id: number, contents: readonly number[]): void => {
    out.push(section(id, contents));
  };
  if (imports.length > 0)
    put(2, list(imports.map(({ module, name }, i) => [...text(module), ...text(name), 0, ...leb(i)])));
  put(3, list(functions.map((_, i) => leb(imports.length + i))));
  if (table !== undefined) put(4, [1, 0x70, 0, ...leb(table.length)]);
  if (memory !== null) put(5, [1, 0, ...leb(memory)]);
  if (globals.length > 0) put(6, list(globals.map((value) => [I32, 1, 0x41, ...signedLeb(value), 0x0b])));
  const named = Object.entries(exports).map(([name, index]) => [...text(name), 0, ...leb(index)]);
  put(7, list([...named, ...(memory === null ? [] : [[...text("memory"), 2, 0]])]));
  if (start !== undefined) put(8, leb(start));
  if (table !== undefined) put(9, [1, 0, 0x41, 0, 0x0b, ...list(table.map(leb))]);
  put(10, list(bodies));
  if (data !== undefined) put(11, [1, 0, 0x41, 0, 0x0b, ...leb(data.length), ...data]);
  return concat(...out) as Uint8Array<ArrayBuffer>;
}
