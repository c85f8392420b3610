/** `holdfast meter …`: the media storage meter's commands by their names. */
import { type Command, exitCodes } from '#common/command-line.ts';
import { agentCommand } from './agents/agent-command.ts';
import { runCommand } from './agents/run-command.ts';
import { classicCommand } from './classic/classic-command.ts';
import { codecsCommand } from './codecs/codecs-command.ts';
import { compareCommand } from './compare/compare-command.ts';
import { opsCommand } from './ops/ops-command.ts';
import { searchCommand } from './search/search-command.ts';
import { streamsCommand } from './streams/streams-command.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  streams: streamsCommand,
  search: searchCommand,
  classic: classicCommand,
  ops: opsCommand,
  agent: agentCommand,
  run: runCommand,
  compare: compareCommand,
  codecs: codecsCommand,
};

const METER_USAGE = `Usage: holdfast meter COMMAND [options]

  streams                 plays and records so many streams, and counts late frames
  search                  finds the most streams with no late frame
  classic                 BBC R&D's Media Storage Meter: tables by mode and block size
  ops                     mixes of GET, PUT, DELETE, LIST and STAT; replays a trace
  agent                   lends this machine to a controller
  run SCRIPT.yaml         drives agents through the steps of a script
  compare A.json B.json   what changed, and whether that is more than noise
  codecs                  lists the codecs, their frames and rates

\`holdfast meter COMMAND --help\` lists the options of a command.
`;

export const meterSubcommands: readonly string[] = Object.keys(COMMANDS);

export const meterCommand: Command = async (args, io) => {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return await command(rest, io);
  if (name === '--help' || name === '-h' || name === 'help') {
    io.out.write(METER_USAGE);
    return exitCodes.ok;
  }
  io.err.write(
    name === ''
      ? METER_USAGE
      : `holdfast meter: no command ${name}; there are ${meterSubcommands.join(', ')}\n`,
  );
  return exitCodes.usage;
};
