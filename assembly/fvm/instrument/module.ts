/**
 * The sections of a guest module, as far as the instrumenter needs them: where each lies, the functions' types, the counts
 * of imports and globals, and the functions that are reached from outside and so get a thunk.
 *
 * A guest may import functions only; the host links them and nothing else.
 * Source: WebAssembly specification, binary format.
 */
import * as op from "./opcodes";
import {
  BAD_MODULE,
  BAD_OFFSET,
  fail,
  failed,
  FORBIDDEN_IMPORT,
  FORBIDDEN_OPCODE,
  MAX_PAGES,
  MULTI_VALUE,
  NO_MEMORY,
  TOO_LARGE,
} from "./rules";
import * as scan from "./scan";

export const TYPE: i32 = 1;
export const IMPORT: i32 = 2;
export const FUNCTION: i32 = 3;
export const TABLE: i32 = 4;
export const MEMORY: i32 = 5;
export const GLOBAL: i32 = 6;
export const EXPORT: i32 = 7;
export const START: i32 = 8;
export const ELEMENT: i32 = 9;
export const CODE: i32 = 10;
export const DATA: i32 = 11;
export const DATA_COUNT: i32 = 12;
const SECTIONS: i32 = 13;

/** Most functions and globals: far above what a valid actor has, and what engines take. */
const MAX_ITEMS: u32 = 1000000;

@final
export class Module {
  /** Where the contents of a section begin and end; 0 for one that is missing. */
  readonly begins: StaticArray<usize> = new StaticArray<usize>(SECTIONS);
  readonly ends: StaticArray<usize> = new StaticArray<usize>(SECTIONS);
  /** By type. */
  params: StaticArray<u32> = new StaticArray<u32>(0);
  results: StaticArray<u32> = new StaticArray<u32>(0);
  /** Type of every function, imported ones first. */
  types: StaticArray<u32> = new StaticArray<u32>(0);
  importedFunctions: u32 = 0;
  definedFunctions: u32 = 0;
  globals: u32 = 0;
  /** The mutable ones among them; none if one begins as a reference. */
  mutableGlobals: u32[] = [];
  /** Pages of the memory at first. */
  leastPages: u32 = 0;
  startFunction: i32 = -1;
  /** Number of the thunk of a function from 1 on, 0 if it has none. */
  thunks: StaticArray<u32> = new StaticArray<u32>(0);
  thunkCount: u32 = 0;

  get functions(): u32 {
    return this.importedFunctions + this.definedFunctions;
  }

  isDefined(functionIndex: u32): bool {
    return functionIndex >= this.importedFunctions;
  }

  read(from: usize, length: i32): void {
    scan.open(from, length);
    if (length < 8 || load<u32>(from) != 0x6d736100 || load<u32>(from, 4) != 1) return fail(BAD_MODULE);
    scan.seek(from + 8);
    while (!failed() && scan.at < scan.end) {
      const id = <i32>scan.u8_();
      const size = scan.u32_();
      const start = scan.at;
      scan.skip(size);
      if (id == 0) continue;
      if (id >= SECTIONS || this.begins[id] != 0) return fail(BAD_MODULE);
      this.begins[id] = start;
      this.ends[id] = start + <usize>size;
    }
    if (failed()) return;
    this.readTypes();
    this.readImports();
    this.globals = this.open(GLOBAL) ? scan.u32_() : 0;
    if (this.globals > MAX_ITEMS) return fail(TOO_LARGE);
    this.readGlobals();
    if (this.open(START)) this.startFunction = <i32>scan.u32_();
    this.checkMemory();
    this.checkData();
    this.thunks = new StaticArray<u32>(<i32>this.functions);
    if (this.startFunction >= 0) this.needThunk(<u32>this.startFunction);
  }

  /** Puts the cursor at the start of a section; false if it is missing. */
  open(section: i32): bool {
    const start = this.begins[section];
    if (start == 0) return false;
    scan.seek(start);
    return true;
  }

  /** Gives a function that is reached from outside its thunk. Imports are called directly. */
  needThunk(index: u32): void {
    if (index >= this.functions) return fail(BAD_MODULE);
    if (this.isDefined(index) && this.thunks[index] == 0) this.thunks[index] = ++this.thunkCount;
  }

  /** The index under which a function is reached from outside. */
  outer(index: u32): u32 {
    const thunk = this.thunks[index];
    return thunk == 0 ? index : this.functions + thunk - 1;
  }

  private readTypes(): void {
    if (!this.open(TYPE)) return;
    const n = scan.count();
    this.params = new StaticArray<u32>(n);
    this.results = new StaticArray<u32>(n);
    for (let i: u32 = 0; i < n && !failed(); i++) {
      if (scan.u8_() != 0x60) fail(BAD_MODULE);
      this.params[i] = scan.valueTypes();
      this.results[i] = scan.valueTypes();
      if (this.results[i] > 1) fail(MULTI_VALUE);
    }
  }

  private readImports(): void {
    const types = new Array<u32>();
    if (this.open(IMPORT)) {
      const n = scan.count();
      for (let i: u32 = 0; i < n && !failed(); i++) {
        scan.skip(scan.u32_());
        scan.skip(scan.u32_());
        if (scan.u8_() != 0) return fail(FORBIDDEN_IMPORT);
        types.push(scan.u32_());
      }
    }
    this.importedFunctions = types.length;
    if (this.open(FUNCTION)) {
      const n = scan.count();
      for (let i: u32 = 0; i < n && !failed(); i++) types.push(scan.u32_());
      this.definedFunctions = n;
    }
    if (<u32>types.length > MAX_ITEMS) fail(TOO_LARGE);
    this.types = StaticArray.fromArray(types);
    for (let i = 0; i < this.types.length; i++) if (this.types[i] >= <u32>this.params.length) fail(BAD_MODULE);
  }

  private readGlobals(): void {
    const found = new Array<u32>();
    let known = true;
    for (let i: u32 = 0; i < this.globals && !failed(); i++) {
      scan.valueType();
      const mutability = scan.u8_();
      if (mutability > 1) return fail(BAD_MODULE);
      if (mutability == 1) found.push(i);
      known = initialValue() && known;
    }
    if (known) this.mutableGlobals = found;
  }

  /** One memory of its own, of no more than `MAX_PAGES` pages. */
  private checkMemory(): void {
    if (!this.open(MEMORY)) return fail(NO_MEMORY);
    const n = scan.u32_();
    const flags = scan.u8_();
    if (n != 1 || flags > 1) return fail(BAD_MODULE);
    this.leastPages = scan.u32_();
    if (this.leastPages > MAX_PAGES) fail(TOO_LARGE);
  }

  /** Data lies at constant offsets. */
  private checkData(): void {
    if (!this.open(DATA)) return;
    const n = scan.u32_();
    for (let i: u32 = 0; i < n && !failed(); i++) {
      const flags = scan.u32_();
      if (flags == 2) scan.u32_();
      if (flags != 1) constantOffset();
      scan.skip(scan.u32_());
    }
  }
}

/** Moves over the offset `i32.const n; end`. */
export function constantOffset(): void {
  if (scan.u8_() != 0x41) return fail(BAD_OFFSET);
  scan.skipLeb(5);
  if (scan.u8_() != 0x0b) fail(BAD_OFFSET);
}

/** Moves over a global's first value; false if it is a reference, not a constant number. Engines know more forms than the network's. */
function initialValue(): bool {
  const opcode = scan.u8_();
  const isReference = opcode == op.REF_NULL || opcode == op.REF_FUNC;
  if (opcode == op.I32_CONST || opcode == op.REF_FUNC) scan.skipLeb(5);
  else if (opcode == op.I64_CONST) scan.skipLeb(10);
  else if (opcode == op.F32_CONST || opcode == op.F64_CONST) scan.skip(opcode == op.F32_CONST ? 4 : 8);
  else if (opcode == op.REF_NULL) scan.valueType();
  else fail(FORBIDDEN_OPCODE);
  if (scan.u8_() != op.END) fail(FORBIDDEN_OPCODE);
  return !isReference;
}
