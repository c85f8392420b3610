/**
 * A structured log: one line an event, as JSON for machines or as plain words on a terminal. It redacts nothing,
 * because nothing secret is ever handed to it: keys, signatures and bodies stay out of messages and fields.
 */
import { errorText } from '#common/errors.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What happened, as values; an error is written as its message, its code and, in JSON, its stack. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line of its own. */
  child(fields: LogFields): Logger;
}

export interface LogSink {
  /** Takes one finished line, its end included. */
  write(line: string): unknown;
}

export interface LoggerOptions {
  /** The least level that is written. */
  readonly level: LogLevel;
  readonly form: 'json' | 'pretty';
  readonly sink: LogSink;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly fields?: LogFields;
}

/** No line grows past this: what is longer is cut, so that one value cannot fill a disk. */
export const LINE_CHARACTERS_MAX = 16_384;

export function createLogger(options: LoggerOptions): Logger {
  const least = logLevels.indexOf(options.level);
  const own = options.fields ?? {};
  const format = options.form === 'json' ? jsonLine : prettyLine;
  const at = (level: LogLevel) => {
    if (logLevels.indexOf(level) < least) return () => {};
    return (message: string, fields: LogFields = {}) => {
      options.sink.write(`${format(level, options.nowMs(), message, { ...own, ...fields })}\n`);
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => createLogger({ ...options, fields: { ...own, ...fields } }),
  };
}

/** JSON to a file or a pipe, plain words to a terminal. */
export function createProcessLogger(
  level: LogLevel,
  fields: LogFields,
  stream: NodeJS.WriteStream = process.stdout,
): Logger {
  return createLogger({
    level,
    form: stream.isTTY ? 'pretty' : 'json',
    sink: stream,
    nowMs: () => Date.now(),
    fields,
  });
}

function jsonLine(level: LogLevel, nowMs: number, message: string, fields: LogFields): string {
  const head = { time: new Date(nowMs).toISOString(), level, message };
  try {
    const line = JSON.stringify({ ...head, ...fields, ...head }, jsonValue);
    if (line.length <= LINE_CHARACTERS_MAX) return line;
  } catch {
    // A cycle, or a toJSON that throws: the event itself must still be told.
  }
  const kept = message.slice(0, LINE_CHARACTERS_MAX / 4);
  return JSON.stringify({ ...head, message: kept, cut: true });
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) {
    const code = 'code' in value ? { code: value.code } : {};
    const cause = value.cause === undefined ? {} : { cause: value.cause };
    return { error: value.message, ...code, stack: value.stack, ...cause };
  }
  return value;
}

function prettyLine(level: LogLevel, nowMs: number, message: string, fields: LogFields): string {
  const time = new Date(nowMs).toISOString().slice(11, 23);
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${prettyValue(value)}`);
  return [time, level.padEnd(5), oneLine(message), ...parts].join(' ').slice(0, LINE_CHARACTERS_MAX);
}

function prettyValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(errorText(value));
  if (typeof value === 'string') return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
  try {
    return JSON.stringify(value, jsonValue) ?? String(value);
  } catch {
    return '[unprintable]';
  }
}

/** A line break in a message must not look like the next event. */
function oneLine(text: string): string {
  return text.replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
