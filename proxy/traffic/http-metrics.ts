/** What the doors do, as metrics. */
import { SECONDS_BOUNDS } from '#common/metrics/histogram.ts';
import type { Counter, CounterSeries } from '#common/metrics/counter.ts';
import type { Histogram, HistogramSeries } from '#common/metrics/histogram.ts';
import type { MetricsRegistry } from '#common/metrics/registry.ts';
import type { FinishedRequest, RequestTrace, TrafficListener, TransferredBytes } from './request-trace.ts';

/** A request that was refused before it was known what it wants. */
const UNROUTED = 'none';

interface OperationSeries {
  readonly durations: HistogramSeries;
  readonly statuses: Map<number, CounterSeries>;
}

interface DoorSeries {
  readonly bytesIn: CounterSeries;
  readonly bytesOut: CounterSeries;
  readonly operations: Map<string, OperationSeries>;
}

export class HttpMetrics implements TrafficListener {
  readonly #requests: Counter;
  readonly #durations: Histogram;
  readonly #bytesIn: Counter;
  readonly #bytesOut: Counter;
  /** The series that a request adds to, so that counting it makes no new strings. */
  readonly #doors = new Map<RequestTrace['door'], DoorSeries>();

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
    const series = this.#seriesOf(door);
    series.bytesIn.add(bytesIn);
    series.bytesOut.add(bytesOut);
  }

  finished({ trace, status, seconds }: FinishedRequest): void {
    const operation = trace.operation === '' ? UNROUTED : trace.operation;
    const { door } = trace;
    const { operations } = this.#seriesOf(door);
    let series = operations.get(operation);
    if (series === undefined) {
      series = { durations: this.#durations.with(door, operation), statuses: new Map() };
      operations.set(operation, series);
    }
    let requests = series.statuses.get(status);
    if (requests === undefined) {
      requests = this.#requests.with(door, operation, String(status));
      series.statuses.set(status, requests);
    }
    requests.add();
    series.durations.observe(seconds);
  }

  #seriesOf(door: RequestTrace['door']): DoorSeries {
    const known = this.#doors.get(door);
    if (known !== undefined) return known;
    const series = {
      bytesIn: this.#bytesIn.with(door),
      bytesOut: this.#bytesOut.with(door),
      operations: new Map<string, OperationSeries>(),
    };
    this.#doors.set(door, series);
    return series;
  }
}
