/**
 * The browser that looks at pages: that of CHROMIUM_PATH, else Debian's Chromium; with FILIGREE_PAGE_BROWSER=firefox that of FIREFOX_PATH,
 * else Debian's Firefox, spoken to by WebDriver BiDi. Firefox has one colour scheme from its start on: FILIGREE_PAGE_SCHEME (`dark` or `light`).
 */
import { fileURLToPath } from "node:url";
import { type Browser, chromium, firefox, type Locator } from "playwright-core";

export const isFirefox = process.env["FILIGREE_PAGE_BROWSER"] === "firefox";
const SCHEMES = ["dark", "light"] as const;
type Scheme = (typeof SCHEMES)[number];

/** The colour schemes that this browser can show. */
export const schemes: readonly Scheme[] = isFirefox
  ? [process.env["FILIGREE_PAGE_SCHEME"] === "light" ? "light" : "dark"]
  : SCHEMES;

export function launchBrowser(): Promise<Browser> {
  if (isFirefox) {
    const executablePath = fileURLToPath(new URL("firefox.mjs", import.meta.url));
    const scheme = SCHEMES.indexOf(schemes[0] as Scheme);
    const firefoxUserPrefs = { "layout.css.prefers-color-scheme.content-override": scheme };
    return firefox.launch({ executablePath, channel: "moz-firefox", firefoxUserPrefs });
  }
  const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Writes a text into a field in the place of what is there: Playwright's `fill` adds to the number of a field in Firefox. */
export async function enter(field: Locator, text: string): Promise<void> {
  await field.fill("");
  await field.pressSequentially(text);
}
