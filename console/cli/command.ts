/** What the program knows of each of its commands: enough for help, for completion and to run it. */
import type { ParseArgsOptionsConfig } from 'node:util';
import type { CommandIo } from '#common/command-line.ts';

export interface OptionHelp {
  /** Stands for the value in help; absent when the option takes none. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
}

export interface ParsedArguments {
  readonly options: Readonly<Record<string, string | true>>;
  readonly words: readonly string[];
}

interface Described {
  readonly name: string;
  /** What follows the name, such as `ROLE --config FILE`. */
  readonly synopsis: string;
  /** One line, for the list of commands. */
  readonly summary: string;
}

/** A command whose words and options are parsed here. */
export interface ParsedCommand extends Described {
  /** Some sentences for `--help`. */
  readonly about: string;
  readonly options: Readonly<Record<string, OptionHelp>>;
  /** Fewest and most words besides the options. */
  readonly words: readonly [number, number];
  run(args: ParsedArguments, io: CommandIo): Promise<number>;
}

/** A command that reads its own words, and tells its own help. */
export interface DelegatedCommand extends Described {
  readonly subcommands: readonly string[];
  delegate(args: readonly string[], io: CommandIo): Promise<number>;
}

export type CliCommand = ParsedCommand | DelegatedCommand;

export function parseArgsOptions(options: ParsedCommand['options']): ParseArgsOptionsConfig {
  const entries = Object.entries({ ...options, help: HELP_OPTION }).map(([name, { value, short }]) => [
    name,
    { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
  ]);
  return Object.fromEntries(entries) as ParseArgsOptionsConfig;
}

export const HELP_OPTION: OptionHelp = { short: 'h', about: 'tells this' };
