/** `holdfast ring …`: shows and changes the ring of a data directory. */
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { add } from './add.ts';
import { create } from './create.ts';
import { dispersion } from './dispersion.ts';
import { rebalance } from './rebalance.ts';
import { remove } from './remove.ts';
import { replace } from './replace.ts';
import { revert } from './revert.ts';
import { setWeight } from './set-weight.ts';
import { show } from './show.ts';
import { COMMON_HELP, parseWords, RefusedError, type Subcommand, UsageError } from './subcommand.ts';

const subcommands: ReadonlyMap<string, Subcommand> = new Map([
  ['show', show],
  ['add', add],
  ['remove', remove],
  ['replace', replace],
  ['set-weight', setWeight],
  ['rebalance', rebalance],
  ['dispersion', dispersion],
  ['revert', revert],
  ['create', create],
]);

/** The exit codes are those of common/command-line.ts. */
export const ringCommand: Command = async (args, io) => {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    io.out.write(overview());
    return exitCodes.ok;
  }
  const subcommand = subcommands.get(name);
  if (subcommand === undefined) {
    io.err.write(`holdfast ring: there is no subcommand "${name}"\n\n${overview()}`);
    return exitCodes.usage;
  }
  try {
    return await runSubcommand(name, subcommand, rest, io);
  } catch (error) {
    io.err.write(`holdfast ring ${name}: ${errorText(error)}\n`);
    if (error instanceof RefusedError) return exitCodes.refused;
    if (!(error instanceof UsageError))
      return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
    io.err.write(`usage: ${usage(name, subcommand)}; --help tells more\n`);
    return exitCodes.usage;
  }
};

async function runSubcommand(
  name: string,
  subcommand: Subcommand,
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  const { words, options } = parseWords(subcommand, args);
  if (options.help === true) {
    io.out.write(`usage: ${usage(name, subcommand)}\n\n${subcommand.help}\n${COMMON_HELP}`);
    return exitCodes.ok;
  }
  return await subcommand.run({
    files: realFiles(),
    dataDirectory: typeof options.data === 'string' ? options.data : './data',
    words,
    options,
    json: options.json === true,
    nowMs: realClock().nowMs(),
    io,
  });
}

function usage(name: string, { synopsis }: Subcommand): string {
  return `holdfast ring ${name} ${synopsis}`.trimEnd();
}

function overview(): string {
  const lines = [...subcommands].map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}\n`);
  return `usage: holdfast ring SUBCOMMAND [options]

The ring says which devices hold what. Changes are staged in DIR/ring/builder.json, and become the ring that
the cluster reads, DIR/ring/ring, with \`rebalance\`.

${lines.join('')}
${COMMON_HELP}
\`holdfast ring SUBCOMMAND --help\` tells about one.
`;
}
