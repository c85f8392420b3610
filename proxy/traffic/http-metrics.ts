/** What the doors do, as metrics. */
import { SECONDS_BOUNDS } from '#common/metrics/histogram.ts';
import type { Counter } from '#common/metrics/counter.ts';
import type { Histogram } from '#common/metrics/histogram.ts';
import type { MetricsRegistry } from '#common/metrics/registry.ts';
import type { FinishedRequest, RequestTrace, TrafficListener, TransferredBytes } from './request-trace.ts';

/** A request that was refused before it was known what it wants. */
const UNROUTED = 'none';

export class HttpMetrics implements TrafficListener {
  readonly #requests: Counter;
  readonly #durations: Histogram;
  readonly #bytesIn: Counter;
  readonly #bytesOut: Counter;

  constructor(registry: MetricsRegistry) {
    this.#requests = registry.counter({
      name: 'holdfast_http_requests_total',
      help: 'Requests that are over, by what they asked for and their status; 0 for no answer.',
      labels: ['door', 'operation', 'status'],
    });
    this.#durations = registry.histogram({
      name: 'holdfast_http_request_duration_seconds',
      help: 'From the head of a request to the last byte of its answer.',
      labels: ['door', 'operation'],
      bounds: SECONDS_BOUNDS,
    });
    this.#bytesIn = registry.counter({
      name: 'holdfast_http_received_bytes_total',
      help: 'Bytes from clients, heads included.',
      labels: ['door'],
    });
    this.#bytesOut = registry.counter({
      name: 'holdfast_http_sent_bytes_total',
      help: 'Bytes to clients, heads included, also of answers that broke.',
      labels: ['door'],
    });
  }

  transferred({ door }: RequestTrace, { bytesIn, bytesOut }: TransferredBytes): void {
    this.#bytesIn.with(door).add(bytesIn);
    this.#bytesOut.with(door).add(bytesOut);
  }

  finished({ trace, status, seconds }: FinishedRequest): void {
    const operation = trace.operation === '' ? UNROUTED : trace.operation;
    this.#requests.with(trace.door, operation, String(status)).add();
    this.#durations.with(trace.door, operation).observe(seconds);
  }
}
