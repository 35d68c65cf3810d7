/**
 * What a thread of Node's pool loads first: it imports the module that works, of which `workerData.entry` is the URL.
 *
 * Piscina loads a file by `require`. Node 20 ends the whole process (`IsGraphAsync must be used on an instantiated module`)
 * if a thread is ended while it requires an ES module; while it imports one nothing happens.
 */
const { workerData } = require("node:worker_threads") as typeof import("node:worker_threads");

/** Piscina waits for what it takes by name: the thread is ready when the module is loaded. */
exports.work = import((workerData as { entry: string }).entry).then(
  ({ work }) => work as (message: unknown) => unknown,
);
