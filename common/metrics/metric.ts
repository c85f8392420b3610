/**
 * What every kind of metric is made of: a name, a sentence, and one series for each combination of label values that has occurred.
 * Names and types are Prometheus's (https://prometheus.io/docs/practices/naming/).
 */

export type MetricType = 'counter' | 'gauge' | 'histogram';

export interface MetricOptions {
  /** `[a-z_]+`; a counter's ends in `_total`, and a unit stands at the end. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** Names of the labels; none when left out. Their values must come from a small set: what a client can choose is none. */
  readonly labels?: readonly string[];
}

export interface Sample {
  /** Behind the metric's name: `_bucket`, `_sum`, `_count`, or nothing. */
  readonly suffix: string;
  /** Names and values in turn. */
  readonly labels: readonly string[];
  readonly value: number;
}

export interface Metric {
  readonly type: MetricType;
  readonly name: string;
  readonly help: string;
  samples(): Iterable<Sample> | Promise<Iterable<Sample>>;
}

/** Series of one metric. Those beyond are counted together, with `other` for every label. */
export const SERIES_MAX = 1000;
const OTHER = 'other';
/** Between the values of a key: in no value that a program of ours gives. */
const SEPARATOR = '\u0000';

/** The series of one metric, by the values of its labels. */
export class SeriesSet<Series> {
  readonly #labels: readonly string[];
  readonly #make: () => Series;
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly series: Series }>();

  constructor(labels: readonly string[], make: () => Series) {
    this.#labels = labels;
    this.#make = make;
  }

  /** @param values as many as there are labels, in their order. */
  with(values: readonly string[]): Series {
    const found = this.#series.get(values.join(SEPARATOR));
    return found === undefined ? this.#add(values) : found.series;
  }

  #add(values: readonly string[]): Series {
    if (values.length !== this.#labels.length) throw new RangeError('a value for each label');
    const isFull = this.#series.size >= SERIES_MAX - 1;
    const kept = isFull ? values.map(() => OTHER) : values;
    const key = kept.join(SEPARATOR);
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    const added = { values: kept, series: this.#make() };
    this.#series.set(key, added);
    return added.series;
  }

  *[Symbol.iterator](): Generator<{ readonly labels: string[]; readonly series: Series }> {
    for (const { values, series } of this.#series.values()) {
      yield { labels: this.#labels.flatMap((label, at) => [label, values[at] ?? '']), series };
    }
  }
}
