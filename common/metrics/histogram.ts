import { type Metric, type MetricOptions, type Sample, SeriesSet } from './metric.ts';

/** From what a cache answers to what a large body takes. */
export const SECONDS_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

export class HistogramSeries {
  readonly #bounds: readonly number[];
  /** One for each bound, and one for what lies beyond the last. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  *samples(labels: readonly string[]): Generator<Sample> {
    let count = 0;
    for (const [at, counted] of this.#counts.entries()) {
      count += counted;
      const bound = at < this.#bounds.length ? String(this.#bounds[at]) : '+Inf';
      yield { suffix: '_bucket', labels: [...labels, 'le', bound], value: count };
    }
    yield { suffix: '_sum', labels, value: this.#sum };
    yield { suffix: '_count', labels, value: count };
  }
}

/** How something is spread, counted in buckets with upper bounds that are part of them. */
export class Histogram implements Metric {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #series: SeriesSet<HistogramSeries>;

  /** @param options.bounds ascending. */
  constructor({ name, help, labels = [], bounds }: MetricOptions & { readonly bounds: readonly number[] }) {
    this.name = name;
    this.help = help;
    this.#series = new SeriesSet(labels, () => new HistogramSeries(bounds));
    if (labels.length === 0) this.#series.with([]);
  }

  with(...values: readonly string[]): HistogramSeries {
    return this.#series.with(values);
  }

  *samples(): Generator<Sample> {
    for (const { labels, series } of this.#series) yield* series.samples(labels);
  }
}
