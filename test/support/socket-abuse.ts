/** Connections that no client makes on purpose: for tests that the server outlives all of them. */
import { connect, type Socket } from "node:net";

const UPGRADE = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
const KEY = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const POST = (body: string): string =>
  `POST /rpc/v1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const VERSION = '{"jsonrpc":"2.0","id":1,"method":"Filecoin.Version"}';
const FRAME = Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

/** What is sent, and how the connection ends after it. */
type Abuse = { readonly name: string; readonly text: string | Buffer; readonly end: "reset" | "half" | "destroy" };

export const ABUSES: readonly Abuse[] = [
  { name: "upgrade to //", text: `GET // HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}${KEY}\r\n`, end: "reset" },
  { name: "upgrade to nothing", text: `GET \\ HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}${KEY}\r\n`, end: "destroy" },
  { name: "upgrade to a scheme", text: `GET http://[ HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}\r\n`, end: "reset" },
  { name: "upgrade, foreign host", text: `GET / HTTP/1.1\r\nhost: evil\r\n${UPGRADE}${KEY}\r\n`, end: "reset" },
  {
    name: "upgrade, foreign host, half-open",
    text: `GET / HTTP/1.1\r\nhost: evil\r\n${UPGRADE}${KEY}\r\n`,
    end: "half",
  },
  {
    name: "upgrade, bad token",
    text: `GET /?token=x HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}${KEY}\r\n`,
    end: "reset",
  },
  { name: "upgrade, no key", text: `GET / HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}\r\n`, end: "reset" },
  {
    name: "upgrade, % in the query",
    text: `GET /?token=%ff HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}${KEY}\r\n`,
    end: "reset",
  },
  {
    name: "upgrade, then garbage",
    text: `GET / HTTP/1.1\r\nhost: localhost\r\n${UPGRADE}${KEY}\r\n\xff\xff\xff`,
    end: "reset",
  },
  { name: "request to //", text: `POST // HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}`, end: "reset" },
  { name: "pipelined requests", text: POST(VERSION).repeat(200), end: "reset" },
  { name: "pipelined requests, half-open", text: POST(VERSION).repeat(20), end: "half" },
  { name: "half a request", text: POST(VERSION).slice(0, -10), end: "reset" },
  { name: "half a head", text: "POST /rpc/v1 HTTP/1.1\r\nhost: loc", end: "half" },
  { name: "no HTTP", text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", end: "destroy" },
  { name: "CONNECT", text: "CONNECT evil:80 HTTP/1.1\r\nhost: localhost\r\n\r\n", end: "reset" },
  { name: "a long head", text: `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(100_000)}\r\n\r\n`, end: "reset" },
  { name: "frame before the upgrade", text: FRAME, end: "reset" },
];

function finish(socket: Socket, end: Abuse["end"]): void {
  if (end === "reset") socket.resetAndDestroy();
  else if (end === "half") socket.end();
  else socket.destroy();
}

async function abuse(port: number, { text, end }: Abuse, pause: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.on("connect", () => {
      socket.write(text, "latin1");
      setTimeout(() => {
        finish(socket, end);
        if (end === "half") setTimeout(() => socket.destroy(), 20);
      }, pause);
    });
  });
}

/** Makes `count` connections of all kinds, some at once, and tells how many. */
export async function abuseSockets(url: string, count: number): Promise<number> {
  const port = Number(new URL(url).port);
  const AT_ONCE = 16;
  for (let done = 0; done < count; done += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) =>
        abuse(port, ABUSES[(done + i) % ABUSES.length] as Abuse, (done + i) % 5),
      ),
    );
  return count;
}
