/** `holdfast bench …`: its commands by their names. */
import { type Command, exitCodes } from '#common/command-line.ts';
import { benchLoadCommand } from './load/main.ts';
import { benchCompareCommand } from './report/compare-main.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  load: benchLoadCommand,
  compare: benchCompareCommand,
};

const BENCH_USAGE = `Usage: holdfast bench load|compare …

  load                    loads an object store and measures it
  compare A.json B.json   what changed between two results

\`holdfast bench load --help\` lists its options.
`;

export const benchCommand: Command = async (args, io) => {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return await command(rest, io);
  if (name === '--help' || name === '-h' || name === 'help') {
    io.out.write(BENCH_USAGE);
    return exitCodes.ok;
  }
  io.err.write(
    name === '' ? BENCH_USAGE : `holdfast bench: no command ${name}; there are load and compare\n`,
  );
  return exitCodes.usage;
};
