/**
 * Names in order, for a table in memory. Names are kept apart by their folder (the text up to the last "/"), and a folder
 * is sorted only when a range of it is asked for: most are never, and those that are grow at the end.
 */

export class OrderedNames {
  private readonly folders = new Map<string, Folder>();

  add(name: string): void {
    const folder = folderOf(name);
    const found = this.folders.get(folder);
    if (found === undefined) this.folders.set(folder, { names: new Set([name]), sorted: null });
    else if (!found.names.has(name)) {
      found.names.add(name);
      const last = found.sorted?.at(-1);
      if (found.sorted !== null && (last === undefined || last < name)) found.sorted.push(name);
      else found.sorted = null;
    }
  }

  remove(name: string): void {
    const place = folderOf(name);
    const folder = this.folders.get(place);
    if (folder === undefined || !folder.names.delete(name)) return;
    if (folder.names.size === 0) this.folders.delete(place);
    else if (folder.sorted?.at(-1) === name) folder.sorted.pop();
    else folder.sorted = null;
  }

  /** Names with `low <= name < high`, in order. Both bounds must lie in one folder. */
  between(low: string, high: string, limit: number, descending: boolean): string[] {
    const folder = this.folders.get(folderOf(low));
    if (folder === undefined) return [];
    folder.sorted ??= [...folder.names].sort();
    const from = firstFrom(folder.sorted, low);
    const to = firstFrom(folder.sorted, high);
    if (!descending) return folder.sorted.slice(from, Math.min(to, from + limit));
    return folder.sorted.slice(Math.max(from, to - limit), to).reverse();
  }

  /** All names that begin so, in order. */
  starting(prefix: string): string[] {
    const found: string[] = [];
    for (const [folder, { names }] of this.folders) {
      if (folder.startsWith(prefix)) for (const name of names) found.push(name);
      else if (prefix.startsWith(folder)) for (const name of names) if (name.startsWith(prefix)) found.push(name);
    }
    return found.sort();
  }
}

type Folder = { readonly names: Set<string>; sorted: string[] | null };

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/") + 1);
}

/** Index of the first of some sorted names that is not before `wanted`. */
export function firstFrom(sorted: readonly string[], wanted: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
