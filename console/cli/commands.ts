/** Every command of the program. A command's own code is loaded when it runs. */
import type { CliCommand } from './command.ts';
import { completionCommand } from './completion.ts';
import { controlCommand } from './control.ts';
import { quotaCommand } from './quota.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';
import { usageCommand } from './usage.ts';
import { userCommand } from './user.ts';

export const commands: readonly CliCommand[] = [
  upCommand,
  statusCommand,
  userCommand,
  quotaCommand,
  usageCommand,
  {
    name: 'ring',
    synopsis: 'SUBCOMMAND …',
    summary: 'shows and changes which devices hold what',
    subcommands: ['show', 'add', 'remove', 'set-weight', 'rebalance', 'dispersion', 'revert', 'create'],
    delegate: async (args, io) => (await import('./ring/ring-command.ts')).ringCommand(args, io),
  },
  controlCommand,
  serveCommand,
  {
    name: 'bench',
    synopsis: 'load|compare …',
    summary: 'measures any S3 endpoint',
    subcommands: ['load', 'compare'],
    delegate: async (args, io) => (await import('#bench/main.ts')).benchCommand(args, io),
  },
  {
    name: 'meter',
    synopsis: 'streams|search|classic|ops|… --target URL …',
    summary: 'tells how many media streams a storage sustains with no late frame',
    subcommands: ['streams', 'search', 'classic', 'ops', 'agent', 'run', 'compare', 'codecs'],
    delegate: async (args, io) => (await import('#bench/meter/main.ts')).meterCommand(args, io),
  },
  {
    name: 'test',
    synopsis: '[FILE …] [--group NAME …] [--name PATTERN] [--check]',
    summary: 'installs what the tests need, and runs all of them (in a clone)',
    subcommands: ['--group', '--name', '--check'],
    delegate: async (args, io) => (await import('../test-runner/test-command.ts')).testCommand(args, io),
  },
  completionCommand(() => commands),
];
