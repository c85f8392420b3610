/** Sizes and times as people write them on the command line and read them in a table. */
import { HoldfastError } from '#common/errors.ts';

const KIBIBYTE = 1024;
const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: KIBIBYTE,
  m: KIBIBYTE ** 2,
  g: KIBIBYTE ** 3,
};
const TIME_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `4k`, `4KiB`, `1.5m`, `1g`, `100`: units are powers of 1,024. Throws `invalid-argument`. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const unit = match === null ? undefined : BYTE_UNITS[(match[2] ?? '').toLowerCase()];
  if (match === null || unit === undefined)
    throw new HoldfastError('invalid-argument', `not a size: ${text}`);
  return Math.round(Number(match[1]) * unit);
}

/** `10` (seconds), `500ms`, `10s`, `2m`, `1h`. Throws `invalid-argument`. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim());
  const unit = match === null ? undefined : TIME_UNITS_MS[match[2] ?? 's'];
  if (match === null || unit === undefined)
    throw new HoldfastError('invalid-argument', `not a duration: ${text}`);
  return Number(match[1]) * unit;
}

export function formatBytes(bytes: number): string {
  for (const [name, unit] of [
    ['GiB', KIBIBYTE ** 3],
    ['MiB', KIBIBYTE ** 2],
    ['KiB', KIBIBYTE],
  ] as const) {
    if (bytes >= unit) return `${Number((bytes / unit).toFixed(2))} ${name}`;
  }
  return `${bytes} B`;
}

/** Three significant digits, without an exponent. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}
