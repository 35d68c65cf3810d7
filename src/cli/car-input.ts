/** CAR files that commands read. */
import { SnapshotError } from "../chain/snapshot-format.ts";
import { CarError } from "../storage/car.ts";

/** Works on the contents of a CAR file; what is wrong with them is told with the file's name ("-" is standard input). */
export async function readingCar<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isOfFile = error instanceof CarError || (error instanceof SnapshotError && error.code !== "NOT_EMPTY");
    if (isOfFile) error.message = `${file === "-" ? "standard input" : file}: ${error.message}`;
    throw error;
  }
}
