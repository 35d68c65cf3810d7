/** Places that are held: by peer, and by the host that peers come from, whose identities cost nothing. */

export type PlaceLimits = { readonly perPeer: number; readonly perHost: number; readonly all: number };

export class Places {
  private readonly limits: PlaceLimits;
  private readonly hostOf: (peer: string) => string | null;
  private readonly byPeer = new Map<string, number>();
  private readonly byHost = new Map<string, number>();
  private held = 0;

  /** `hostOf` gives null for a peer whose host is not counted. */
  constructor(limits: PlaceLimits, hostOf: (peer: string) => string | null) {
    this.limits = limits;
    this.hostOf = hostOf;
  }

  get size(): number {
    return this.held;
  }

  get isFull(): boolean {
    return this.held >= this.limits.all;
  }

  /** Takes a place; tells who has too many, or gives a function that leaves the place again. */
  take(peer: string): (() => void) | keyof PlaceLimits {
    const host = this.hostOf(peer);
    const { perPeer, perHost } = this.limits;
    if ((this.byPeer.get(peer) ?? 0) >= perPeer) return "perPeer";
    if (host !== null && (this.byHost.get(host) ?? 0) >= perHost) return "perHost";
    if (this.isFull) return "all";
    this.change(peer, host, 1);
    let isHeld = true;
    return () => {
      if (isHeld) this.change(peer, host, -1);
      isHeld = false;
    };
  }

  private change(peer: string, host: string | null, by: 1 | -1): void {
    this.held += by;
    add(this.byPeer, peer, by);
    if (host !== null) add(this.byHost, host, by);
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
