/** Prometheus's text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */
import type { Metric, Sample } from './metric.ts';

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export async function exposition(metrics: Iterable<Metric>): Promise<string> {
  const lines: string[] = [];
  for (const metric of metrics) {
    const { name, help, type } = metric;
    const samples = [...(await metric.samples())];
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const sample of samples) lines.push(sampleLine(name, sample));
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function sampleLine(name: string, { suffix, labels, value }: Sample): string {
  const pairs: string[] = [];
  for (let at = 0; at < labels.length; at += 2)
    pairs.push(`${labels[at]}="${escapedValue(labels[at + 1] ?? '')}"`);
  const braces = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  return `${name}${suffix}${braces} ${numberText(value)}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapedValue(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"');
}
