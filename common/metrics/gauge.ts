import { type Metric, type MetricOptions, type Sample, SeriesSet } from './metric.ts';

export class GaugeSeries {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  /** @param by may be negative. */
  add(by: number): void {
    this.value += by;
  }
}

/** Something that goes up and down. */
export class Gauge implements Metric {
  readonly type = 'gauge';
  readonly name: string;
  readonly help: string;
  readonly #series: SeriesSet<GaugeSeries>;

  constructor({ name, help, labels = [] }: MetricOptions) {
    this.name = name;
    this.help = help;
    this.#series = new SeriesSet(labels, () => new GaugeSeries());
    if (labels.length === 0) this.#series.with([]);
  }

  with(...values: readonly string[]): GaugeSeries {
    return this.#series.with(values);
  }

  *samples(): Generator<Sample> {
    for (const { labels, series } of this.#series) yield { suffix: '', labels, value: series.value };
  }
}
