/** Hears of every stream of a host, as soon as its protocol is agreed on and before anybody else does. */
import type { Libp2pInit } from "libp2p";

type Metrics = ReturnType<NonNullable<Libp2pInit["metrics"]>>;

/** What libp2p keeps figures with; nothing is kept of them. */
const NOTHING = {
  update: () => undefined,
  increment: () => undefined,
  decrement: () => undefined,
  reset: () => undefined,
  observe: () => undefined,
  timer: () => () => undefined,
};

/** `onStream` may throw: the stream is ended then. The hook is libp2p's place for metrics, which are not wanted here. */
export function streamHook(onStream: Metrics["trackProtocolStream"]): Metrics {
  const register = () => NOTHING;
  return {
    trackMultiaddrConnection: () => undefined,
    trackProtocolStream: onStream,
    registerMetric: register,
    registerMetricGroup: register,
    registerCounter: register,
    registerCounterGroup: register,
    registerHistogram: register,
    registerHistogramGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    traceFunction: (_: string, traced: unknown) => traced,
    createTrace: () => undefined,
  } as unknown as Metrics;
}
