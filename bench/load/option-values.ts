/** The values of options, each read with one clear line for what is wrong with it: `invalid-argument`. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { HoldfastError } from '#common/errors.ts';
import { parseBytes, parseDurationMs } from './units.ts';

const SIZE_BYTES_MAX = 5 * 2 ** 30;
const LIST_LENGTH_MAX = 64;

export function wrong(detail: string): HoldfastError {
  return new HoldfastError('invalid-argument', detail);
}

export function count(name: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most)
    throw wrong(`--${name} takes a number from ${least} to ${most}, not ${value}`);
  return number;
}

export function share(name: string, value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 1))
    throw wrong(`--${name} takes a number from 0 to 1, not ${value}`);
  return number;
}

export function bytes(name: string, value: string, most = SIZE_BYTES_MAX): number {
  const number = parseBytes(value);
  if (number < 1 || number > most)
    throw wrong(`--${name} takes 1 byte to ${most / 2 ** 30} GiB, not ${value}`);
  return number;
}

export function duration(name: string, value: string, leastMs: number): number {
  const milliseconds = parseDurationMs(value);
  if (milliseconds < leastMs || milliseconds > 24 * 3_600_000)
    throw wrong(`--${name} takes ${leastMs} ms to 24 h, not ${value}`);
  return milliseconds;
}

/** Applies `parse` when the option was given. */
export function given<Value>(value: string | undefined, parse: (value: string) => Value): Value | undefined {
  return value === undefined ? undefined : parse(value);
}

export function list<Value>(name: string, value: string, parse: (item: string) => Value): Value[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.some((item) => item === '') || items.length > LIST_LENGTH_MAX)
    throw wrong(`--${name} takes up to ${LIST_LENGTH_MAX} values with commas between, not ${value}`);
  return items.map(parse);
}

/** Only options, no words. */
export function parseOptions<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Its message may advise over several sentences; the first names the option.
    throw wrong(error instanceof Error ? (error.message.split(/\. |\n/)[0] ?? '') : String(error));
  }
}
