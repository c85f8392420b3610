/** What a subcommand of `holdfast ring` is, and what it is given. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { CommandIo } from '#common/command-line.ts';
import { errorText } from '#common/errors.ts';
import type { Files } from '#common/io/files.ts';

export interface RingRequest {
  readonly files: Files;
  readonly dataDirectory: string;
  /** Words that are no options. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
  readonly nowMs: number;
  readonly io: CommandIo;
}

export interface Subcommand {
  /** Behind `holdfast ring NAME` in the help. */
  readonly synopsis: string;
  readonly summary: string;
  /** What the options are and what the command does, for `--help`. */
  readonly help: string;
  readonly wordsMin: number;
  readonly wordsMax: number;
  readonly options: ParseArgsOptionsConfig;
  run(request: RingRequest): Promise<number>;
}

/** A mistake on the command line: told with a hint at `--help`, exit code 2. */
export class UsageError extends Error {}

/** What cannot be done as things are: exit code 3. */
export class RefusedError extends Error {}

const commonOptions: ParseArgsOptionsConfig = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

export const COMMON_HELP = `  --data DIR   the cluster's folder (default ./data)
  --json       print JSON
  --help       print this text
`;

/** Throws UsageError. */
export function parseWords(
  subcommand: Subcommand,
  args: readonly string[],
): { words: string[]; options: Record<string, string | boolean | undefined> } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...subcommand.options, ...commonOptions },
      allowPositionals: true,
      strict: true,
    });
    const options = values as Record<string, string | boolean | undefined>;
    if (options.help === true) return { words: positionals, options };
    if (positionals.length < subcommand.wordsMin) throw new UsageError('too few words');
    if (positionals.length > subcommand.wordsMax) throw new UsageError(`unexpected: ${positionals.at(-1)}`);
    return { words: positionals, options };
  } catch (error) {
    throw new UsageError(errorText(error), { cause: error });
  }
}

/** A number of the command line. Throws UsageError. */
export function numberFrom(word: string | boolean | undefined, name: string, otherwise?: number): number {
  if (word === undefined && otherwise !== undefined) return otherwise;
  const text = String(word ?? '');
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new UsageError(`${name} is a number, not "${text}"`);
  return value;
}

/** A word that must be given. Throws UsageError. */
export function textFrom(word: string | boolean | undefined, name: string): string {
  if (typeof word !== 'string' || word === '') throw new UsageError(`${name} is missing`);
  return word;
}

/** Prints JSON or text, as the user asked. */
export function print({ io, json }: RingRequest, value: unknown, text: string): void {
  io.out.write(json ? `${JSON.stringify(value)}\n` : text);
}
