/**
 * Writing the instrumented module.
 *
 * Four globals come behind the guest's own, which the host reads and sets under names of exports that begin with
 * "filigree:": the gas left (i64, milligas), the stack height (i32), the pages that the memory may have and those that it has (i32).
 * The last is what memory.size gives: the memory itself may be larger where an instance is used again, whose own mutable globals
 * the host puts back, too ("filigree:own:N"). Charges are
 * written out where they fall due, because engines do not inline calls: take the cost from the counter, and trap once it is
 * negative. The counter is not put back to 0, so its sign tells the host why the guest trapped.
 * memory.grow answers -1 above the pages allowed, and takes pages that the memory has already first; table.grow answers -1 above the
 * elements allowed. A start function becomes an export, which the host calls when the counter is set. Custom sections are left out.
 */
import * as edits from "./edits";
import { LIMITED_CALL } from "./meter";
import { CODE, constantOffset, DATA, DATA_COUNT, ELEMENT, EXPORT, FUNCTION, GLOBAL, IMPORT, MEMORY, Module, TABLE, TYPE } from "./module";
import * as op from "./opcodes";
import * as out from "./output";
import { BAD_MODULE, BAD_OFFSET, fail, failed, INSTRUCTION, MAX_PAGES, MAX_TABLE, STACK_LIMIT } from "./rules";
import * as scan from "./scan";

const I32: u32 = 0x7f;
const I64: u32 = 0x7e;
const EMPTY_BLOCK: u32 = 0x40;
const FUNCTION_EXPORT: u32 = 0;
const GLOBAL_EXPORT: u32 = 3;

function indexed(opcode: u32, index: u32): void {
  out.byte(opcode);
  out.u32_(index);
}

function trapIf(): void {
  out.byte(op.IF);
  out.byte(EMPTY_BLOCK);
  out.byte(op.UNREACHABLE);
  out.byte(op.END);
}

@final
export class Emitter {
  private readonly gas: u32;
  private readonly height: u32;
  private readonly pages: u32;
  private readonly size: u32;
  /** What stands around the cost of a charge, and around the cost and the callee of a limited call. */
  private readonly beforeCost: out.Piece;
  private readonly afterCost: out.Piece;
  private readonly beforeHeight: out.Piece;
  private readonly beforeCallee: out.Piece;
  private readonly afterCall: out.Piece;

  /** The output is empty, before and after. */
  constructor(
    private readonly module: Module,
    /** Stack elements of each defined function. */
    private readonly stackCosts: StaticArray<u32>,
  ) {
    const gas = module.globals;
    const height = gas + 1;
    this.gas = gas;
    this.height = height;
    this.pages = module.globals + 2;
    this.size = module.globals + 3;
    indexed(op.GLOBAL_GET, gas);
    out.byte(op.I64_CONST);
    this.beforeCost = out.cut();
    out.byte(op.I64_SUB);
    indexed(op.GLOBAL_SET, gas);
    indexed(op.GLOBAL_GET, gas);
    out.byte(op.I64_CONST);
    out.byte(0);
    out.byte(op.I64_LT_S);
    trapIf();
    this.afterCost = out.cut();
    indexed(op.GLOBAL_GET, height);
    out.byte(op.I32_CONST);
    this.beforeHeight = out.cut();
    out.byte(op.I32_ADD);
    indexed(op.GLOBAL_SET, height);
    indexed(op.GLOBAL_GET, height);
    out.byte(op.I32_CONST);
    out.s64_(<i64>STACK_LIMIT);
    out.byte(op.I32_GT_U);
    trapIf();
    out.byte(op.CALL);
    this.beforeCallee = out.cut();
    out.byte(op.I32_SUB);
    indexed(op.GLOBAL_SET, height);
    this.afterCall = out.cut();
  }

  /** Finds the functions that are reached from outside: they get a thunk. */
  findThunks(): void {
    const module = this.module;
    if (module.open(EXPORT)) {
      const n = scan.count();
      for (let i: u32 = 0; i < n && !failed(); i++) {
        scan.skip(scan.u32_());
        const kind = scan.u8_();
        const index = scan.u32_();
        if (kind == FUNCTION_EXPORT) module.needThunk(index);
      }
    }
    if (!module.open(ELEMENT)) return;
    const n = scan.count();
    for (let i: u32 = 0; i < n && !failed(); i++) {
      this.elementHead(false);
      const items = scan.count();
      for (let j: u32 = 0; j < items && !failed(); j++) module.needThunk(scan.u32_());
    }
  }

  write(): void {
    const module = this.module;
    out.byte(0);
    out.byte(0x61);
    out.byte(0x73);
    out.byte(0x6d);
    out.byte(1);
    out.byte(0);
    out.byte(0);
    out.byte(0);
    this.copySection(TYPE);
    this.copySection(IMPORT);
    this.functions();
    this.copySection(TABLE);
    this.memory();
    this.globals();
    this.exports();
    this.elements();
    this.copySection(DATA_COUNT);
    this.code(module);
    this.copySection(DATA);
  }

  private copySection(id: i32): void {
    const from = this.module.begins[id];
    if (from == 0) return;
    out.byte(id);
    const section = out.open();
    out.copy(from, this.module.ends[id] - from);
    out.close(section);
  }

  private functions(): void {
    const module = this.module;
    out.byte(FUNCTION);
    const section = out.open();
    out.u32_(module.definedFunctions + module.thunkCount);
    for (let i = module.importedFunctions; i < module.functions; i++) out.u32_(module.types[i]);
    const order = this.thunkOrder();
    for (let i = 0; i < order.length; i++) out.u32_(module.types[order[i]]);
    out.close(section);
  }

  /** The functions that have thunks, in the thunks' order. */
  private thunkOrder(): StaticArray<u32> {
    const module = this.module;
    const order = new StaticArray<u32>(<i32>module.thunkCount);
    for (let i: u32 = 0; i < module.functions; i++) if (module.thunks[i] != 0) order[module.thunks[i] - 1] = i;
    return order;
  }

  private memory(): void {
    this.module.open(MEMORY);
    scan.u32_();
    const flags = scan.u8_();
    const least = scan.u32_();
    const most = flags == 1 ? min(scan.u32_(), MAX_PAGES) : MAX_PAGES;
    out.byte(MEMORY);
    const section = out.open();
    out.byte(1);
    out.byte(1);
    out.u32_(least);
    out.u32_(most);
    out.close(section);
  }

  private globals(): void {
    const module = this.module;
    out.byte(GLOBAL);
    const section = out.open();
    out.u32_(module.globals + 4);
    if (module.open(GLOBAL)) {
      scan.u32_();
      out.copy(scan.at, module.ends[GLOBAL] - scan.at);
    }
    this.global(I64, op.I64_CONST, 0);
    this.global(I32, op.I32_CONST, 0);
    this.global(I32, op.I32_CONST, <i64>MAX_PAGES);
    this.global(I32, op.I32_CONST, <i64>module.leastPages);
    out.close(section);
  }

  private global(type: u32, constant: u32, value: i64): void {
    out.byte(type);
    out.byte(1);
    out.byte(constant);
    out.s64_(value);
    out.byte(op.END);
  }

  private exports(): void {
    const module = this.module;
    out.byte(EXPORT);
    const section = out.open();
    const n = module.open(EXPORT) ? scan.count() : 0;
    const own = module.mutableGlobals;
    out.u32_(n + 4 + own.length + (module.startFunction >= 0 ? 1 : 0));
    for (let i: u32 = 0; i < n && !failed(); i++) {
      const from = scan.at;
      scan.skip(scan.u32_());
      const kind = scan.u8_();
      out.copy(from, scan.at - from);
      const index = scan.u32_();
      out.u32_(kind == FUNCTION_EXPORT ? module.outer(index) : index);
    }
    this.export("filigree:gas", GLOBAL_EXPORT, this.gas);
    this.export("filigree:stack", GLOBAL_EXPORT, this.height);
    this.export("filigree:pages", GLOBAL_EXPORT, this.pages);
    this.export("filigree:size", GLOBAL_EXPORT, this.size);
    for (let i = 0; i < own.length; i++) this.export(`filigree:own:${own[i]}`, GLOBAL_EXPORT, own[i]);
    if (module.startFunction >= 0) this.export("filigree:start", FUNCTION_EXPORT, module.outer(<u32>module.startFunction));
    out.close(section);
  }

  private export(name: string, kind: u32, index: u32): void {
    out.u32_(name.length);
    for (let i = 0; i < name.length; i++) out.byte(name.charCodeAt(i));
    out.byte(kind);
    out.u32_(index);
  }

  /** Moves over what stands before the items of an element segment, and writes it if asked. */
  private elementHead(write: bool): void {
    const from = scan.at;
    const flags = scan.u32_();
    if (flags > 3) return fail(BAD_OFFSET);
    if (flags == 2) scan.u32_();
    if ((flags & 1) == 0) constantOffset();
    if (flags != 0 && scan.u8_() != 0) fail(BAD_MODULE);
    if (write) out.copy(from, scan.at - from);
  }

  private elements(): void {
    const module = this.module;
    if (!module.open(ELEMENT)) return;
    out.byte(ELEMENT);
    const section = out.open();
    const n = scan.count();
    out.u32_(n);
    for (let i: u32 = 0; i < n && !failed(); i++) {
      this.elementHead(true);
      const items = scan.count();
      out.u32_(items);
      for (let j: u32 = 0; j < items && !failed(); j++) out.u32_(module.outer(scan.u32_()));
    }
    out.close(section);
  }

  private code(module: Module): void {
    out.byte(CODE);
    const section = out.open();
    out.u32_(module.definedFunctions + module.thunkCount);
    edits.rewind();
    for (let i = module.importedFunctions; i < module.functions && !failed(); i++) {
      const whole = out.open();
      this.functionBody(module.params[module.types[i]]);
      out.close(whole);
    }
    const order = this.thunkOrder();
    for (let i = 0; i < order.length && !failed(); i++) {
      const whole = out.open();
      this.thunk(order[i]);
      out.close(whole);
    }
    out.close(section);
  }

  /** The next body of `edits`. What stays as it is goes over in runs, from `unwritten` up to what changes. */
  private functionBody(params: u32): void {
    const head = edits.read();
    const value = head.value;
    const needsTemporary = value < 0;
    let unwritten = head.next;
    out.u32_(head.number + (needsTemporary ? 1 : 0));
    out.copy(head.at, unwritten - head.at);
    if (needsTemporary) {
      out.byte(1);
      out.byte(I32);
    }
    const temporary = params + <u32>(needsTemporary ? ~value : value);
    for (;;) {
      const edit = edits.read();
      if (edit.kind == edits.CHARGE && edit.value == 0) continue;
      out.copy(unwritten, edit.at - unwritten);
      unwritten = edit.next;
      if (edit.kind == edits.BODY_END) return;
      this.change(edit.kind, edit.value, temporary);
    }
  }

  private change(kind: u32, value: i64, temporary: u32): void {
    if (kind == edits.CHARGE) this.charge(value);
    else if (kind == edits.LIMITED) this.call(<u32>value);
    else if (kind == edits.CHARGE_BY_OPERAND) this.chargeByOperand(value, temporary);
    else if (kind == edits.GROW) this.growMemory(temporary);
    else if (kind == edits.SIZE) indexed(op.GLOBAL_GET, this.size);
    else if (kind == edits.BOUND) this.boundTable(<u32>value, temporary);
  }

  /** Takes a fixed cost from the counter, and traps below 0. */
  private charge(cost: i64): void {
    out.piece(this.beforeCost);
    out.s64_(cost);
    out.piece(this.afterCost);
  }

  /** Takes a cost per unit of the operand on top of the stack, which stays there. */
  private chargeByOperand(unit: i64, temporary: u32): void {
    indexed(op.LOCAL_TEE, temporary);
    indexed(op.GLOBAL_GET, this.gas);
    indexed(op.LOCAL_GET, temporary);
    out.byte(op.I64_EXTEND_I32_U);
    out.byte(op.I64_CONST);
    out.s64_(unit);
    out.byte(op.I64_MUL);
    out.piece(this.afterCost);
  }

  /** A call inside the stack's limit. */
  private call(callee: u32): void {
    const cost = <i64>this.stackCosts[callee - this.module.importedFunctions];
    out.piece(this.beforeHeight);
    out.s64_(cost);
    out.piece(this.beforeCallee);
    out.u32_(callee);
    out.piece(this.beforeHeight);
    out.s64_(cost);
    out.piece(this.afterCall);
  }

  private thunk(callee: u32): void {
    const params = this.module.params[this.module.types[callee]];
    out.byte(0);
    this.charge(<i64>((LIMITED_CALL + <u64>params) * INSTRUCTION));
    for (let i: u32 = 0; i < params; i++) indexed(op.LOCAL_GET, i);
    this.call(callee);
    out.byte(op.END);
  }

  /** memory.grow, or -1 above the pages allowed: pages that the memory has already, and more of it for the others. */
  private growMemory(temporary: u32): void {
    indexed(op.LOCAL_SET, temporary);
    indexed(op.GLOBAL_GET, this.pages);
    indexed(op.GLOBAL_GET, this.size);
    out.byte(op.I32_SUB);
    indexed(op.LOCAL_GET, temporary);
    out.byte(op.I32_LT_U);
    out.byte(op.IF);
    out.byte(I32);
    this.constant(-1);
    out.byte(op.ELSE);
    this.grown(temporary);
    indexed(op.MEMORY_SIZE, 0);
    out.byte(op.I32_GT_U);
    out.byte(op.IF);
    out.byte(I32);
    this.grown(temporary);
    indexed(op.MEMORY_SIZE, 0);
    out.byte(op.I32_SUB);
    indexed(op.MEMORY_GROW, 0);
    out.byte(op.ELSE);
    this.constant(0);
    out.byte(op.END);
    this.constant(-1);
    out.byte(op.I32_EQ);
    out.byte(op.IF);
    out.byte(I32);
    this.constant(-1);
    out.byte(op.ELSE);
    indexed(op.GLOBAL_GET, this.size);
    this.grown(temporary);
    indexed(op.GLOBAL_SET, this.size);
    out.byte(op.END);
    out.byte(op.END);
  }

  /** Has a table.grow above the elements that there may be ask for more than any table takes, so that it answers -1. */
  private boundTable(table: u32, temporary: u32): void {
    indexed(op.LOCAL_SET, temporary);
    indexed(op.LOCAL_GET, temporary);
    this.constant(-1);
    indexed(op.LOCAL_GET, temporary);
    this.constant(<i64>MAX_TABLE);
    out.byte(op.PREFIX);
    out.u32_(op.TABLE_SIZE);
    out.u32_(table);
    out.byte(op.I32_SUB);
    out.byte(op.I32_LE_U);
    out.byte(op.SELECT);
  }

  /** Pages after the growth. */
  private grown(temporary: u32): void {
    indexed(op.GLOBAL_GET, this.size);
    indexed(op.LOCAL_GET, temporary);
    out.byte(op.I32_ADD);
  }

  private constant(value: i64): void {
    out.byte(op.I32_CONST);
    out.s64_(value);
  }
}
