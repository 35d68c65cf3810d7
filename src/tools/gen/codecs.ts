/** Writes the AssemblyScript codec classes from the descriptions in `src/schema/`. */
import { SCHEMA_MODULES } from "../../schema/index.ts";
import {
  existsIn,
  type Field,
  type FieldType,
  type Lifetime,
  type SchemaModule,
  type TupleType,
} from "../../schema/kit.ts";
import type { ActorsVersion } from "../../schema/versions/rows.ts";
import type { GeneratedFile } from "./generator.ts";

type Ground = "base" | "ipld" | "types";

const IMPORTS: Readonly<Record<string, readonly [Ground, string]>> = {
  Big: ["base", "big"],
  Bytes: ["base", "bytes"],
  EMPTY: ["base", "bytes"],
  BitField: ["ipld", "bitfield"],
  CborReader: ["ipld", "cbor-reader"],
  CborWriter: ["ipld", "cbor-writer"],
  Cid: ["ipld", "cid"],
  Address: ["types", "address"],
  readAddress: ["types", "address"],
  writeAddress: ["types", "address"],
  readSignature: ["types", "signature"],
  Codec: ["types", "codec"],
};

/** "CallSeqNum" to "callSeqNum", "ID" to "id", "IDs" to "ids", "SealRandEpoch" to "sealRandEpoch". */
export function memberName(name: string): string {
  const lead = /^[A-Z]+s?(?=[A-Z][a-z]|$)|^[A-Z]/.exec(name)?.[0] ?? "";
  return lead.toLowerCase() + name.slice(lead.length);
}

/** Labels are of published actors, which the host alone reads. */
function labelIsOfHost(): never {
  throw new Error("no code reads labels");
}

class Writer {
  readonly used = new Set<string>(["Codec", "CborReader", "CborWriter"]);

  asType(type: FieldType): string {
    switch (type.kind) {
      case "u64":
      case "i64":
      case "bool":
        return type.kind;
      case "bytes":
      case "text":
      case "raw":
      case "signature":
        return this.use("Bytes");
      case "address":
        return this.use("Address");
      case "label":
        return labelIsOfHost();
      case "big":
        return this.use("Big");
      case "cid":
      case "link":
        return this.use("Cid");
      case "bitfield":
        return this.use("BitField");
      case "list":
        return `Array<${this.asType(type.of)}>`;
      case "optional":
        return `${this.asType(type.of)} | null`;
      case "ref":
        return this.use(type.name);
    }
  }

  initial(type: FieldType): string {
    switch (type.kind) {
      case "u64":
      case "i64":
        return "0";
      case "bool":
        return "false";
      case "bytes":
      case "text":
      case "raw":
      case "signature":
        return this.use("EMPTY");
      case "address":
        return "Address.UNDEF";
      case "label":
        return labelIsOfHost();
      case "big":
        return "Big.ZERO";
      case "cid":
      case "link":
        return `${this.use("Cid")}.NONE`;
      case "bitfield":
        return "new BitField()";
      case "list":
        return "[]";
      case "optional":
        return "null";
      case "ref":
        return `new ${type.name}()`;
    }
  }

  readExpression(type: FieldType): string {
    switch (type.kind) {
      case "u64":
      case "i64":
      case "bool":
      case "bytes":
      case "text":
      case "big":
      case "cid":
      case "raw":
        return `r.${type.kind}()`;
      case "link":
        return "r.cid()";
      case "address":
        return `${this.use("readAddress")}(r)`;
      case "bitfield":
        return "BitField.read(r)";
      case "signature":
        return `${this.use("readSignature")}(r)`;
      default:
        throw new Error(`no expression reads ${type.kind}`);
    }
  }

  read(target: string, type: FieldType, depth: number): string[] {
    const pad = "  ".repeat(depth);
    if (type.kind === "list") {
      const inner = this.element(type.of, depth + 1);
      return [
        `${pad}{`,
        `${pad}  const count = r.array(${type.limit ?? ""});`,
        `${pad}  const items: ${this.asType(type)} = [];`,
        `${pad}  for (let i = 0; i < count && r.ok; i++) {`,
        ...inner.map((line) => `  ${line}`),
        `${pad}  }`,
        `${pad}  ${target} = items;`,
        `${pad}}`,
      ];
    }
    if (type.kind === "optional") {
      return [
        `${pad}if (r.isNull()) {`,
        `${pad}  r.skipNull();`,
        `${pad}  ${target} = null;`,
        `${pad}} else {`,
        ...this.readOptional(target, type.of, depth + 1),
        `${pad}}`,
      ];
    }
    if (type.kind === "ref") return [`${pad}${target}.read(r);`];
    return [`${pad}${target} = ${this.readExpression(type)};`];
  }

  private readOptional(target: string, type: FieldType, depth: number): string[] {
    const pad = "  ".repeat(depth);
    if (type.kind !== "ref") return [`${pad}${target} = ${this.readExpression(type)};`];
    return [`${pad}const item = new ${type.name}();`, `${pad}item.read(r);`, `${pad}${target} = item;`];
  }

  private element(type: FieldType, depth: number): string[] {
    const pad = "  ".repeat(depth);
    if (type.kind === "ref")
      return [`${pad}const item = new ${this.use(type.name)}();`, `${pad}item.read(r);`, `${pad}items.push(item);`];
    if (type.kind === "list" || type.kind === "optional") throw new Error("nested lists need a named type");
    return [`${pad}items.push(${this.readExpression(type)});`];
  }

  write(source: string, type: FieldType, depth: number): string[] {
    const pad = "  ".repeat(depth);
    switch (type.kind) {
      case "u64":
      case "i64":
      case "bool":
      case "bytes":
      case "text":
      case "big":
      case "cid":
      case "raw":
        return [`${pad}w.${type.kind}(${source});`];
      case "link":
        return [`${pad}w.cid(${source});`];
      case "address":
        return [`${pad}${this.use("writeAddress")}(w, ${source});`];
      case "label":
        return labelIsOfHost();
      case "signature":
        return [`${pad}w.bytes(${source});`];
      case "bitfield":
      case "ref":
        return [`${pad}${source}.write(w);`];
      case "list":
        return [
          `${pad}w.array(${source}.length);`,
          `${pad}for (let i = 0; i < ${source}.length; i++) {`,
          ...this.write(`${source}[i]`, type.of, depth + 1),
          `${pad}}`,
        ];
      case "optional":
        return [
          `${pad}{`,
          `${pad}  const item = ${source};`,
          `${pad}  if (item === null) w.nil();`,
          `${pad}  else {`,
          ...this.write("item", type.of, depth + 2),
          `${pad}  }`,
          `${pad}}`,
        ];
    }
  }

  use(name: string): string {
    this.used.add(name);
    return name;
  }
}

function guard(f: Field, side: "r" | "w", lines: string[]): string[] {
  const condition = lifetimeExpression(f, side);
  if (condition === "") return lines;
  return [`    if (${condition}) {`, ...lines.map((line) => `  ${line}`), "    }"];
}

function lifetimeExpression({ since, until }: Lifetime, side: "r" | "w"): string {
  const bounds = [
    since === undefined ? "" : `${side}.actorsVersion >= ${since}`,
    until === undefined ? "" : `${side}.actorsVersion <= ${until}`,
  ];
  return bounds.filter((bound) => bound !== "").join(" && ");
}

/** Number of fields, from the version at which it changed last back to the first. */
function countExpression(type: TupleType, side: "r" | "w"): string {
  const count = (version: number): number => type.fields.filter((f) => existsIn(f, version as ActorsVersion)).length;
  const changes = new Set(type.fields.flatMap(({ since, until }) => [since ?? 0, until === undefined ? 0 : until + 1]));
  let text = "";
  let last = -1;
  for (const version of [...changes].sort((a, b) => a - b)) {
    if (count(version) === last) continue;
    last = count(version);
    text = text === "" ? `${last}` : `${side}.actorsVersion >= ${version} ? ${last} : ${text}`;
  }
  return text === "" ? "0" : text;
}

function lifetimeDoc({ since, until }: Lifetime): string | undefined {
  if (until !== undefined) return since === undefined ? `Until actors v${until}.` : `Actors v${since} to v${until}.`;
  return since === undefined ? undefined : `From actors v${since}.`;
}

function classOf(type: TupleType, out: Writer): string {
  const members = type.fields.map((f) => {
    const doc = [f.doc, lifetimeDoc(f)].filter((part) => part !== undefined).join(" ");
    const head = doc === "" ? "" : `  /** ${doc} */\n`;
    return `${head}  ${memberName(f.name)}: ${out.asType(f.type)} = ${out.initial(f.type)};`;
  });
  const reads = type.fields.flatMap((f) => guard(f, "r", out.read(`this.${memberName(f.name)}`, f.type, 2)));
  const writes = type.fields.flatMap((f) => guard(f, "w", out.write(`this.${memberName(f.name)}`, f.type, 2)));
  if (type.transparent !== true) {
    reads.unshift(`    r.tuple(${countExpression(type, "r")});`);
    writes.unshift(`    w.array(${countExpression(type, "w")});`);
  }
  const body = [
    ...members,
    "",
    "  read(r: CborReader): void {",
    ...reads,
    "  }",
    "",
    "  write(w: CborWriter): void {",
    ...writes,
    "  }",
  ];
  return `/** ${type.doc} */\nexport class ${type.name} extends Codec {\n${body.join("\n")}\n}\n`;
}

function importLines(module: SchemaModule, out: Writer): string[] {
  const own = new Set(module.types.map((type) => type.name));
  const up = "../".repeat(module.path.split("/").length - 1);
  const byFile = new Map<string, string[]>();
  for (const name of [...out.used].sort()) {
    if (own.has(name)) continue;
    const ground = IMPORTS[name];
    const foreign = module.uses?.find((other) => other.types.some((type) => type.name === name));
    const file = ground !== undefined ? `${up}${ground[0]}/${ground[1]}` : foreign && `${up}${foreign.path}.gen`;
    if (file === undefined) throw new Error(`${module.path}: type ${name} is described nowhere`);
    byFile.set(file, [...(byFile.get(file) ?? []), name]);
  }
  return [...byFile].sort().map(([file, names]) => `import { ${names.join(", ")} } from "${relative(file)}";`);
}

function relative(file: string): string {
  return file.startsWith(".") ? file : `./${file}`;
}

/** The text of one generated file. */
export function generateModule(module: SchemaModule): string {
  const out = new Writer();
  const classes = module.types.map((type) => classOf(type, out));
  const head = `// Generated by src/tools/gen/codecs.ts from src/schema; do not edit.\n/** ${module.doc} */\n`;
  return `${head}${importLines(module, out).join("\n")}\n\n${classes.join("\n")}`;
}

export function generateCodecs(): GeneratedFile[] {
  return SCHEMA_MODULES.map((module) => ({ path: `assembly/${module.path}.gen.ts`, text: generateModule(module) }));
}
