/** The metrics of one process: made once by whoever counts, shown together. */
import { Counter } from './counter.ts';
import { exposition } from './exposition.ts';
import { Gauge } from './gauge.ts';
import { Histogram } from './histogram.ts';
import type { Metric, MetricOptions, MetricType, Sample } from './metric.ts';

const NAME = /^[a-z][a-z0-9_]*$/;

export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>();

  counter(options: MetricOptions): Counter {
    return this.#add(new Counter(options));
  }

  gauge(options: MetricOptions): Gauge {
    return this.#add(new Gauge(options));
  }

  histogram(options: MetricOptions & { readonly bounds: readonly number[] }): Histogram {
    return this.#add(new Histogram(options));
  }

  /** What is known elsewhere and only asked for when somebody looks: names and values of labels in turn, and the value. */
  observed(
    type: Exclude<MetricType, 'histogram'>,
    { name, help }: Omit<MetricOptions, 'labels'>,
    observe: () => Observed | Promise<Observed>,
  ): void {
    const samples = async (): Promise<Sample[]> => {
      const observed = await observe();
      if (typeof observed === 'number') return [{ suffix: '', labels: [], value: observed }];
      return observed.map(([labels, value]) => ({ suffix: '', labels, value }));
    };
    this.#add({ type, name, help, samples });
  }

  /** The text of all of them. */
  text(): Promise<string> {
    return exposition(this.#metrics.values());
  }

  #add<Kind extends Metric>(metric: Kind): Kind {
    if (!NAME.test(metric.name)) throw new RangeError(`${metric.name} is no name of a metric`);
    if (this.#metrics.has(metric.name)) throw new RangeError(`${metric.name} is counted twice`);
    this.#metrics.set(metric.name, metric);
    return metric;
  }
}

export type Observed = number | readonly (readonly [labels: readonly string[], value: number])[];
