/**
 * `npm run docs:build`: the site in `site/dist`, files for any static host, from any folder. Guides are the pages of `docs`; the API is
 * TypeDoc's, of the package's entries; the RPC page is made from the table of methods by `npm run build:gen`; the page that nodes serve
 * is within. Nothing is fetched while it is built.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { makeRelative } from "./relative.mjs";

const site = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(site);
const pages = path.join(site, "pages");
const out = path.join(site, "dist");

const write = (name, text) => {
  mkdirSync(path.dirname(path.join(pages, name)), { recursive: true });
  writeFileSync(path.join(pages, name), text);
};

/** Where a page or picture of the repository stands in the site; null: nowhere yet. */
function placeOf(file) {
  if (file === "README.md") return "index.md";
  if (file.startsWith("docs/")) return /\.(md|jpg|png|svg)$/.test(file) ? file.slice(5) : null;
  return /^[\w-]+\.md$/.test(file) ? file : null;
}

const shown = new Set();

/** A file or folder of the repository that a page leads to, as a page of its own. */
function show(file) {
  const page = `files/${file}.md`;
  if (shown.has(file)) return page;
  shown.add(file);
  const where = path.join(root, file);
  const text = statSync(where).isDirectory() ? readdirSync(where).sort().join("\n") : readFileSync(where, "utf8");
  const kind = { ".ts": "ts", ".mjs": "js", ".json": "json", ".yml": "yaml" }[path.extname(file)] ?? "text";
  write(page, `# ${file}\n\n\`\`\`\`\`${kind}\n${text}\n\`\`\`\`\`\n`);
  return page;
}

/** A page of the repository with links that lead to where things stand in the site. Throws `Error` for one that leads nowhere. */
function moved(file) {
  const place = placeOf(file);
  const link = (whole, to, mark = "") => {
    if (to === "" || /^[a-z]+:/.test(to)) return whole;
    const wanted = path.posix.normalize(path.posix.join(path.posix.dirname(file), to)).replace(/\/$/, "");
    if (!existsSync(path.join(root, wanted))) throw new Error(`${file}: the link to ${to} leads nowhere`);
    const target = placeOf(wanted) ?? show(wanted);
    const relative = path.posix.relative(path.posix.dirname(place), target);
    return `](${relative.startsWith(".") ? relative : `./${relative}`}${mark})`;
  };
  const parts = readFileSync(path.join(root, file), "utf8").split(/^(```[\s\S]*?^```)/m);
  write(
    place,
    parts.map((part, at) => (at % 2 === 1 ? part : part.replace(/\]\(([^)#\s]*)(#[^)\s]*)?\)/g, link))).join(""),
  );
}

function lay() {
  rmSync(pages, { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
  for (const file of readdirSync(path.join(root, "docs"), { recursive: true }).map((name) => `docs/${name}`)) {
    if (placeOf(file) === null) continue;
    if (file.endsWith(".md")) moved(file);
    else cpSync(path.join(root, file), path.join(pages, placeOf(file)));
  }
  for (const file of ["README.md", "CHANGELOG.md", "SECURITY.md"]) moved(file);
  cpSync(path.join(site, "live.md"), path.join(pages, "live.md"));
  cpSync(path.join(root, "dist/page"), path.join(pages, "public/page"), { recursive: true });
  cpSync(path.join(root, "src/page/icon.svg"), path.join(pages, "public/icon.svg"));
  write(".vitepress/config.mjs", 'export { default } from "../../config.mjs";\n');
  write(
    ".vitepress/theme/index.mjs",
    'import theme from "vitepress/theme";\nimport "../../../style.css";\nexport default theme;\n',
  );
}

if (!existsSync(path.join(root, "dist/page/index.html")))
  throw new Error("the page is not built: npm run build:page, then again");
if (!existsSync(path.join(site, "node_modules")))
  throw new Error("what builds the site is not there: npm ci --prefix site");
lay();
execFileSync(
  process.execPath,
  [path.join(site, "node_modules/typedoc/bin/typedoc"), "--options", path.join(site, "typedoc.json")],
  {
    cwd: site,
    stdio: "inherit",
  },
);
// The configuration looks at the pages that are laid.
const { BASE, default: config } = await import("./config.mjs");
const listed = JSON.stringify(config.themeConfig.sidebar);
for (const name of readdirSync(pages, { recursive: true }))
  if (/^(?!files\/|api\/modules).*\.md$/.test(name) && !listed.includes(`"/${name.slice(0, -3)}"`))
    throw new Error(`${name} is in no list of site/config.mjs: readers would not find it`);
const { build } = await import("vitepress");
await build(pages);
makeRelative(out, BASE);
const built = readdirSync(out, { recursive: true }).filter((name) => name.endsWith(".html"));
console.log(`${built.length} pages in ${path.relative(root, out)}: any host of files serves them, from any folder`);
