/**
 * Taking back what is in memory beside a store: whoever holds such state remembers it, and the function that it gives
 * brings it back, as often as it is called. What is kept in the store has been taken back by then.
 */

/** Whether facts of the store whose names begin so are others now than they were a moment ago. */
export type Changed = (prefix: string) => boolean;
export type Rewind = (changed: Changed) => void | Promise<void>;
export type Rewindable = { remember(): Rewind };

/** Whoever works by itself, and only with what is in the store: stops, and goes on with what the store holds then. */
export type Pausable = { pause(): Promise<Rewind> };
