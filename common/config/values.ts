/** The kinds of single values that the settings are made of. */
import { type Rule, scalar } from './schema.ts';

export function integer(min: number, max: number): Rule<number> {
  return scalar(`a whole number from ${min} to ${max}`, (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : undefined,
  );
}

export function text(expected: string, pattern: RegExp): Rule<string> {
  return scalar(expected, (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined));
}

export const flag: Rule<boolean> = scalar('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
);

export const port = integer(1, 65_535);

/** A folder or file; a relative one is taken from the folder of the file that names it. */
// biome-ignore format: one line shows the rule
export const path: Rule<string> = scalar('a path', (value) =>
  typeof value === 'string' && value !== '' && value.length <= 4096 && !value.includes('\0') ? value : undefined,
);

export const host: Rule<string> = text('a host name or an IP address', /^(?=.{1,253}$)[A-Za-z0-9:._-]+$/);

const HOST_LABELS = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
export const domain: Rule<string> = text('a host name in lower case', HOST_LABELS);

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A whole number of bytes, or a number with a unit such as `512 MiB`. */
export function bytes(min: number, max: number): Rule<number> {
  return scalar('a number of bytes such as 1073741824, 1 GiB or 500 MB', (value) => {
    const size = typeof value === 'string' ? sizeInBytes(value) : value;
    return typeof size === 'number' && Number.isSafeInteger(size) && size >= min && size <= max
      ? size
      : undefined;
  });
}

export function sizeInBytes(size: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{1,3})$/.exec(size.trim());
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}
