/**
 * The browser that looks at pages: that of CHROMIUM_PATH, else Debian's Chromium; with FILIGREE_PAGE_BROWSER=firefox that of FIREFOX_PATH,
 * else Debian's Firefox, spoken to by WebDriver BiDi.
 */
import { type Browser, chromium, firefox } from "playwright-core";

export const isFirefox = process.env["FILIGREE_PAGE_BROWSER"] === "firefox";

export function launchBrowser(): Promise<Browser> {
  if (isFirefox) {
    const executablePath = process.env["FIREFOX_PATH"] ?? "/usr/bin/firefox-esr";
    return firefox.launch({ executablePath, channel: "moz-firefox" });
  }
  const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}
