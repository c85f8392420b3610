/** From a command line to an exit code. */
import { type CommandIo, exitCodes } from '#common/command-line.ts';
import { nearest } from '#common/config/suggestion.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { parseArguments, UsageError } from './arguments.ts';
import type { CliCommand } from './command.ts';
import { commands } from './commands.ts';
import { commandHelp, programHelp } from './help.ts';
import { programVersion } from './version.ts';

export async function runProgram(args: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? io.err : io.out).write(programHelp(commands));
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  if (name === '--version' || name === '-v') {
    io.out.write(`holdfast ${programVersion()}\n`);
    return exitCodes.ok;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    io.err.write(`holdfast: ${unknownCommand(name)}\n`);
    return exitCodes.usage;
  }
  try {
    return await runCommand(command, rest, io);
  } catch (error) {
    io.err.write(`holdfast ${name}: ${errorText(error)}\n`);
    if (error instanceof UsageError) return exitCodes.usage;
    return hasCode(error, 'configuration-invalid') ? exitCodes.refused : exitCodes.failed;
  }
}

async function runCommand(command: CliCommand, args: readonly string[], io: CommandIo): Promise<number> {
  if ('delegate' in command) return await command.delegate(args, io);
  const parsed = parseArguments(command, args);
  if (parsed.options['help'] === undefined) return await command.run(parsed, io);
  io.out.write(commandHelp(command));
  return exitCodes.ok;
}

function unknownCommand(name: string): string {
  if (name.startsWith('-')) return `unknown option ${name}; \`holdfast --help\` tells what there is`;
  const near = nearest(
    name,
    commands.map((command) => command.name),
  );
  return `there is no command ${name}${near === undefined ? '' : `; did you mean ${near}?`} (\`holdfast --help\` lists them)`;
}
