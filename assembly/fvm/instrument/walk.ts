/** One walk through a function's body: how many stack elements it needs, and what changes in it. */
import * as body from "./body";
import * as edits from "./edits";
import * as height from "./height";
import * as meter from "./meter";
import { Module } from "./module";
import { BAD_MODULE, BAD_STACK, fail, failed, Rules } from "./rules";
import * as scan from "./scan";
import * as straight from "./straight";

/** Notes the changes of the body at the cursor, which is moved behind it, and returns the function's stack elements. */
export function walk(module: Module, index: u32, rules: Rules): u32 {
  body.openBody();
  const head = edits.note(edits.BODY, body.groupsAt, scan.at, <i64>body.locals, body.groups);
  height.open(module.results[module.types[index]]);
  meter.open();
  while (body.more() && !failed()) {
    if (!height.isOpen()) {
      fail(BAD_STACK);
      return 0;
    }
    straight.run(rules);
    if (!body.more()) break;
    height.observe();
    body.step(rules);
    // Both close the same blocks; at the body's last `end` the meter still has its one.
    height.follow(module);
    meter.count(module, rules);
  }
  if (height.isOpen() || scan.at != body.bodyEnd) fail(BAD_MODULE);
  if (meter.needsTemporary) head.value = ~head.value;
  edits.note(edits.BODY_END, scan.at, scan.at, 0);
  return height.cost(rules);
}
