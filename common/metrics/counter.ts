import { type Metric, type MetricOptions, type Sample, SeriesSet } from './metric.ts';

/** One series: what a hot path holds, so that counting is an addition. */
export class CounterSeries {
  value = 0;

  /** @param by not negative. */
  add(by = 1): void {
    this.value += by;
  }
}

/** Something that only grows, from 0 at the start of the process. */
export class Counter implements Metric {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #series: SeriesSet<CounterSeries>;

  constructor({ name, help, labels = [] }: MetricOptions) {
    this.name = name;
    this.help = help;
    this.#series = new SeriesSet(labels, () => new CounterSeries());
    // A counter without labels is there from the beginning, as 0.
    if (labels.length === 0) this.#series.with([]);
  }

  with(...values: readonly string[]): CounterSeries {
    return this.#series.with(values);
  }

  *samples(): Generator<Sample> {
    for (const { labels, series } of this.#series) yield { suffix: '', labels, value: series.value };
  }
}
