/** What keeping sectors asks of a file system, beyond reading and writing single files. */

export type Folders = {
  /** The path from the root on, without what stands for nothing in it. */
  absolute(path: string): Promise<string>;
  /** Makes a folder for its owner alone, and those above it; one that is there stays as it is. */
  make(path: string): Promise<void>;
  /** Names of what is in a folder, in no order; null if there is no folder. */
  list(path: string): Promise<readonly string[] | null>;
  /** Removes a folder with all that is in it, if it is there. */
  remove(path: string): Promise<void>;
  /** Whether this user may make files in a folder that is there. */
  isWritable(path: string): Promise<boolean>;
  /** Bytes that the file system of a folder has left for this user. */
  freeBytes(path: string): Promise<number>;
  /**
   * Takes a folder for this process; the system gives it up when the process ends, however it ends. Resolves to what
   * gives it up, or to null if another process, or this one, has it. Throws with the code EACCES or ENOSPC where nothing can be
   * written, and with `BAD_LOCK` where something else lies in the lock's place.
   */
  lock(path: string): Promise<(() => Promise<void>) | null>;
};

/** Code of what is thrown for a lock that cannot be taken by anybody: its text names what is wrong. */
export const BAD_LOCK = "BAD_LOCK";
