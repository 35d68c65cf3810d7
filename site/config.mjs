/** The site: its pages in order, its theme, and what is different from VitePress' ways. `build.mjs` lays the pages down and calls it. */
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vitepress";

/** Stands for the folder that the site is served from until `relative.mjs` takes it out. */
export const BASE = "/site-base/";

const pages = new URL("./pages/", import.meta.url);
const titleOf = (page) => /^# +(.*)$/m.exec(readFileSync(new URL(`${page}.md`, pages), "utf8"))?.[1] ?? page;
const entry = (page) => ({ text: titleOf(page).replaceAll("`", ""), link: `/${page}` });
const named = (folder, pattern) =>
  readdirSync(new URL(folder, pages))
    .filter((name) => name.endsWith(".md") && pattern.test(name))
    .sort()
    .map((name) => entry(`${folder}${name.slice(0, -3)}`));
const API = ["index", "vm", "codec", "client", "provider", "proofs", "queue", "vitest"];

export default defineConfig({
  base: BASE,
  lang: "en",
  title: "Filigree",
  description: "The Filecoin protocol as one portable engine",
  outDir: "../dist",
  cacheDir: "../pages-cache",
  appearance: true,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${BASE}icon.svg` }]],
  // Pages are files of any static host.
  cleanUrls: false,
  lastUpdated: false,
  vite: { logLevel: "warn", build: { chunkSizeWarningLimit: 4000 } },
  markdown: {
    config: (md) => {
      // What stands in angle brackets is text, of the guides and of the API alike.
      md.set({ html: false });
      const { text } = md.renderer.rules;
      md.renderer.rules.text = (...all) => text(...all).replaceAll("{{", "&#123;&#123;");
      const { fence } = md.renderer.rules;
      // ```live <query of the page>: the page itself, within the text.
      md.renderer.rules.fence = (tokens, at, ...rest) => {
        const [kind, query = ""] = tokens[at].info.trim().split(" ");
        if (kind !== "live") return fence(tokens, at, ...rest);
        const title = tokens[at].content.trim();
        return `<iframe class="live" loading="lazy" title="${md.utils.escapeHtml(title)}" src="${BASE}page/index.html${md.utils.escapeHtml(query)}"></iframe>`;
      };
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guides", link: "/guide-command-line" },
      { text: "API", link: "/api/index" },
      { text: "RPC", link: "/rpc" },
      { text: "Live", link: "/live" },
    ],
    sidebar: [
      { text: "Begin", items: [entry("index"), entry("live"), entry("status")] },
      { text: "Guides", items: named("", /^guide-/) },
      {
        text: "API",
        items: [
          entry("api"),
          ...API.map((name) => ({ text: name === "index" ? "filigree" : `filigree/${name}`, link: `/api/${name}` })),
        ],
      },
      {
        text: "Reference",
        items: ["rpc", "life-of-a-sector", "architecture", "adding-a-network-version", "glossary"].map(entry),
      },
      {
        text: "How far it goes",
        items: [
          "conformance",
          "performance",
          "interop",
          "deviations",
          "requirements",
          "sources",
          "CHANGELOG",
          "SECURITY",
        ].map(entry),
      },
      { text: "Decisions", collapsed: true, items: named("adr/", /^\d/) },
    ],
  },
});
