/** A PostgreSQL server of its own for a test: a fresh cluster in a temporary folder, on loopback, ended with the test. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** The folder of the server's programs: in the path, or where Debian's packages put them. Null if there are none. */
export function postgresPrograms(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => `${debian}/${version}/bin`), ...(process.env["PATH"] ?? "").split(":")];
  return folders.find((folder) => existsSync(path.join(folder, "initdb"))) ?? null;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export type Postgres = {
  readonly url: string;
  /** Ends the server as a power cut would, and starts it again. */
  restart(): void;
  stop(): void;
};

export async function startPostgres(programs: string): Promise<Postgres> {
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-postgres-"));
  const data = path.join(folder, "data");
  // The server refuses to run as root; then it runs as the user that owns nothing.
  const root = process.getuid?.() === 0;
  const user = root ? { uid: 65534, gid: 65534 } : {};
  if (root) chownSync(folder, 65534, 65534);
  let port = 0;
  const run = (program: string, ...words: string[]): void => {
    execFileSync(path.join(programs, program), words, { ...user, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  };
  run("initdb", "-D", data, "-U", "filigree", "-A", "trust", "--no-sync");
  const start = (): void => {
    const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60`;
    run("pg_ctl", "-D", data, "-w", "-l", path.join(folder, "log"), "-o", options, "start");
  };
  for (let left = 5; ; left--) {
    port = await freePort();
    try {
      start();
      break;
    } catch (error) {
      // Somebody else may have taken the port meanwhile.
      if (left === 1) throw error;
    }
  }
  return {
    url: `postgres://filigree@127.0.0.1:${port}/postgres`,
    restart: () => {
      run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop");
      start();
    },
    stop: () => {
      run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop");
      rmSync(folder, { recursive: true });
    },
  };
}
