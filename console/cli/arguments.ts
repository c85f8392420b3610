/** Words and options of a command line, and one clear sentence for what is wrong with them. */
import { parseArgs } from 'node:util';
import { nearest } from '#common/config/suggestion.ts';
import { type ParsedArguments, type ParsedCommand, parseArgsOptions } from './command.ts';

/** The command line is wrong: the message says how, in one sentence. */
export class UsageError extends Error {}

export function parseArguments(command: ParsedCommand, args: readonly string[]): ParsedArguments {
  const config = parseArgsOptions(command.options);
  const parsed = parseArgs({
    args: [...args],
    options: config,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options: Record<string, string | true> = {};
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue;
    const known = Object.hasOwn(config, token.name) ? config[token.name] : undefined;
    if (known === undefined) throw unknownOption(token.rawName, Object.keys(config));
    if (Object.hasOwn(options, token.name)) throw new UsageError(`--${token.name} is given twice`);
    if (known.type === 'boolean' && token.value !== undefined)
      throw new UsageError(`--${token.name} takes no value`);
    const { value } = token;
    if (
      known.type === 'string' &&
      (value === undefined || value === '' || (!token.inlineValue && value.startsWith('-')))
    )
      throw new UsageError(`--${token.name} needs a value`);
    options[token.name] = value ?? true;
  }
  const words = parsed.positionals;
  const [least, most] = command.words;
  if (options['help'] === undefined && (words.length < least || words.length > most)) {
    const extra = words[most];
    throw new UsageError(
      extra === undefined
        ? `expected ${command.name} ${command.synopsis}`
        : `there is no place for "${extra}"`,
    );
  }
  return { options, words };
}

function unknownOption(rawName: string, known: readonly string[]): UsageError {
  const near = nearest(rawName.replace(/^-+/, ''), known);
  return new UsageError(`unknown option ${rawName}${near === undefined ? '' : `; did you mean --${near}?`}`);
}

export function textOption({ options }: ParsedArguments, name: string): string | undefined {
  const value = options[name];
  return value === true ? undefined : value;
}

export function integerOption(
  args: ParsedArguments,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const text = textOption(args, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name} takes a whole number from ${min} to ${max}, not "${text}"`);
}
