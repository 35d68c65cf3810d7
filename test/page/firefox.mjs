#!/usr/bin/env node
/**
 * Firefox as Playwright starts it, with a relay between them: Playwright 1.65.1 asks for a command that Firefox 153 does not have yet
 * (`emulation.setMediaFeaturesOverride`), and opens no page without it. The relay answers that one itself; nothing is emulated then, which
 * is why the colour scheme is a setting of the browser (`browser.ts`). All else goes both ways as it is.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const UNKNOWN = "emulation.setMediaFeaturesOverride";
const LISTENING = /^(WebDriver BiDi listening on )(ws:\/\/\S+)$/;

const firefox = spawn(process.env["FIREFOX_PATH"] ?? "/usr/bin/firefox-esr", process.argv.slice(2), {
  stdio: ["ignore", "inherit", "pipe"],
});
firefox.on("exit", (code) => process.exit(code ?? 1));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => firefox.kill(signal));

for await (const line of createInterface({ input: firefox.stderr })) {
  const [, words, address] = LISTENING.exec(line) ?? [];
  process.stderr.write(`${address === undefined ? line : words + (await relayTo(address))}\n`);
}

/** Listens on loopback in the place of `address`; gives the address to call instead. */
function relayTo(address) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (client, { url }) => {
    const inner = new WebSocket(address + url, { perMessageDeflate: false });
    const waiting = [];
    inner.on("open", () => {
      for (const text of waiting.splice(0)) inner.send(text);
    });
    client.on("message", (data) => {
      const text = String(data);
      const { id, method } = JSON.parse(text);
      if (method === UNKNOWN) client.send(JSON.stringify({ type: "success", id, result: {} }));
      else if (inner.readyState === WebSocket.OPEN) inner.send(text);
      else waiting.push(text);
    });
    inner.on("message", (data) => client.send(String(data)));
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ]) {
      one.on("close", () => other.close());
      one.on("error", () => other.terminate());
    }
  });
  return new Promise((resolve) => {
    server.on("listening", () => resolve(`ws://127.0.0.1:${server.address().port}`));
  });
}
