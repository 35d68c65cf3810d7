/** The page of methods in the documentation, from the definitions. */
import type { JsonSchema } from "./codec/codec.ts";
import type { Group, Method } from "./method.ts";
import type { Registry } from "./registry.ts";
import { API_VERSIONS } from "./versions.ts";

const HEAD = `# RPC methods

Made from the definitions in \`src/rpc/methods\` by \`npm run build:gen\`; do not edit.

A node answers JSON-RPC 2.0 over HTTP POST and WebSocket at \`/rpc/v1\` and, in the network's older form, \`/rpc/v0\`. Parameters
are given by position; those in brackets may be left out or null. \`rpc.discover\` gives the same as an OpenRPC document with
schemas. \`filigree/client\` is a client whose types come from the same definitions.

CIDs are \`{"/": "bafy…"}\`; amounts are attoFIL in decimal text; bytes are base64; a tipset key is a list of block CIDs, and
null or an empty list means the head. Whole numbers beyond 2^53 are texts in answers, and may be numbers or texts in requests.
A call that takes longer than its limit ends with code -32005: 10 seconds for a look-up, 30 for what goes through many entries
or runs the machine, none for what waits for the chain. Methods marked *push* send values over a WebSocket.
`;

/** A schema in a few words. */
function wordOf(schema: JsonSchema): string {
  const { title, type, anyOf, items, additionalProperties } = schema as {
    readonly [keyword: string]: never;
  } & {
    title?: string;
    type?: string | string[];
    anyOf?: JsonSchema[];
    items?: JsonSchema;
    additionalProperties?: JsonSchema;
  };
  if (title !== undefined && title !== "") return title;
  if (anyOf !== undefined) return [...new Set(anyOf.map(wordOf))].join(" or ").replace("integer or string", "integer");
  const word = Array.isArray(type) ? type.join(" or ") : type;
  if (items !== undefined) return `list of ${wordOf(items)}`;
  if (additionalProperties !== undefined) return `map of ${wordOf(additionalProperties)}`;
  return word ?? "any";
}

function row(prefix: string, name: string, method: Method): string {
  const params = method.params.map((one) => {
    const text = `${one.name}: ${wordOf(one.codec.schema).replace(" or null", "")}`;
    return one.codec.nullable === true ? `[${text}]` : text;
  });
  const push = method.subscription === true ? " *push*" : "";
  const aliases = (method.aliases ?? []).map((alias) => `\`${alias}\``).join(", ");
  const also = aliases === "" ? "" : ` Also ${aliases}.`;
  const cells = [
    `\`${prefix}${name}\``,
    params.join(", ") || "none",
    `${wordOf(method.result.schema)}${push}`,
    method.permission,
    `${method.summary}${also}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function section({ title, summary, prefix, versions, methods }: Group): string {
  const only =
    versions.length === API_VERSIONS.length ? "" : ` Only at ${versions.map((one) => `\`/rpc/${one}\``).join(", ")}.`;
  const rows = Object.entries(methods).map(([name, method]) => row(prefix, name, method));
  const head = "| Method | Parameters | Answer | Permission | |\n|--------|------------|--------|------------|---|";
  return `## ${title}\n\n${summary}${only}\n\n${head}\n${rows.join("\n")}\n`;
}

export function docsPage(registry: Registry): string {
  const count = registry.methods("v1").size;
  const groups = registry.groups.map(section).join("\n");
  return `${HEAD}\n${count} names at \`/rpc/v1\`.\n\n${groups}`;
}
