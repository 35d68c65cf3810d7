/**
 * Takes the base out of a built site, so that it is served from any folder of any host. VitePress knows a fixed base alone: pages name it
 * in attributes, scripts in strings. Attributes become relative to their page; a line of script at the head of each page says where the
 * site begins, for the scripts, and makes links absolute, which stay right when the application goes to another page without loading it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseAst } from "rollup/parseAst";

const PLACE = "globalThis.__siteBase";
/** Stands in strings for the base; no text has it. */
const MARK = "\u0001";

/** Every node of a syntax tree below this one, and it. */
function* nodesOf(node) {
  yield node;
  for (const [key, value] of Object.entries(node))
    for (const one of Array.isArray(value) ? value : [value])
      if (key !== "parent" && typeof one?.type === "string") yield* nodesOf(one);
}

/** Strings that hold the base become expressions that hold the place of the site. */
function inScript(text, base) {
  const changes = [];
  for (const node of nodesOf(parseAst(text))) {
    if (node.type === "Literal" && typeof node.value === "string" && node.value.includes(base)) {
      const marked = JSON.stringify(node.value.replaceAll(base, MARK));
      changes.push([node.start, node.end, `(${marked}.replaceAll("\\u0001",${PLACE}))`]);
    } else if (node.type === "TemplateElement" && node.value.raw.includes(base))
      changes.push([node.start, node.end, node.value.raw.replaceAll(base, `\${${PLACE}}`)]);
  }
  changes.sort(([one], [other]) => other - one);
  return changes.reduce((all, [from, to, put]) => all.slice(0, from) + put + all.slice(to), text);
}

function inPage(html, base, up) {
  const absolute = `for(const a of document.querySelectorAll("a[href],link[rel=icon]")){const u=new URL(a.href);if(u.origin===location.origin&&!a.getAttribute("href").startsWith("#"))a.setAttribute("href",u.pathname+u.search+u.hash)}`;
  const begin = `<script>${PLACE}=new URL("${up}",location.href).pathname;addEventListener("DOMContentLoaded",()=>{${absolute}})</script>`;
  return html
    .replace("<head>", () => `<head>${begin}`)
    .replace(/(<script>)(window\.__VP_.*?)(<\/script>)/s, (_, open, code, close) => open + inScript(code, base) + close)
    .replaceAll(new RegExp(`((?:href|src)=")${base}`, "g"), (_, before) => before + up);
}

/** Throws an `Error` that names a file in which the base is left. */
export function makeRelative(folder, base) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  for (const file of files.map((one) => path.join(one.parentPath, one.name))) {
    const kind = path.extname(file);
    if (![".html", ".js", ".css"].includes(kind)) continue;
    const text = readFileSync(file, "utf8");
    if (!text.includes(base)) continue;
    const up = "../".repeat(path.relative(folder, file).split(path.sep).length - 1) || "./";
    const done =
      kind === ".html" ? inPage(text, base, up) : kind === ".js" ? inScript(text, base) : text.replaceAll(base, up);
    const at = done.indexOf(base);
    if (at >= 0)
      throw new Error(
        `${path.relative(folder, file)}: the base is left, near ${done.slice(Math.max(0, at - 80), at + 80)}`,
      );
    writeFileSync(file, done);
  }
}
