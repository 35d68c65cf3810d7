/**
 * The network version of an epoch to come, of a node that is asked over JSON-RPC. Nodes tell the version at a tipset's own epoch; what is
 * executed on top of it may be the first of the next version, whose heights nodes tell as constants of their network.
 */
import { versionUpgrades } from "../../params/upgrades.ts";

export type VersionSource = {
  /** Calls a method of the node by its whole name. */
  readonly request: (method: string, ...params: readonly unknown[]) => Promise<unknown>;
  /** Whether an error is the node's own "no". */
  readonly isRefusal: (error: unknown) => boolean;
};

/** `height`: the last epoch before the version. */
type Coming = { readonly height: number; readonly networkVersion: number };
type Place = { readonly key: unknown; readonly height: number };

const METHOD = "Filecoin.StateGetNetworkParams";

export class VersionAhead {
  private readonly source: VersionSource;
  private known: Promise<readonly Coming[]> | undefined;

  constructor(source: VersionSource) {
    this.source = source;
  }

  /** The version at an epoch above a tipset, of which `key` and height are given. */
  async at({ key, height }: Place, epoch: number): Promise<number> {
    const [now, upgrades] = await Promise.all([
      this.source.request("Filecoin.StateNetworkVersion", key) as Promise<number>,
      this.upgrades(),
    ]);
    const due = upgrades.filter((upgrade) => upgrade.height >= height && upgrade.height < epoch);
    return due.reduce((version, { networkVersion }) => Math.max(version, networkVersion), now);
  }

  /** Read once: a node's network has them for good. What could not be asked is asked again. */
  private upgrades(): Promise<readonly Coming[]> {
    this.known ??= this.read().catch((error: unknown) => {
      this.known = undefined;
      throw error;
    });
    return this.known;
  }

  private async read(): Promise<readonly Coming[]> {
    try {
      const { ForkUpgradeParams: heights } = (await this.source.request(METHOD)) as {
        readonly ForkUpgradeParams?: Readonly<Record<string, unknown>>;
      };
      return versionUpgrades().flatMap(({ name, networkVersion }) => {
        const height = heights?.[`Upgrade${name}Height`];
        return typeof height === "number" ? [{ height, networkVersion }] : [];
      });
    } catch (error) {
      // A node that does not tell them has its own version as the only one.
      if (this.source.isRefusal(error)) return [];
      throw error;
    }
  }
}
