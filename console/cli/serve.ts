/** `holdfast serve`: one role on this machine. */
import { exitCodes } from '#common/command-line.ts';
import { roleNames } from '#common/config/role-config.ts';
import { serveRole } from '../supervisor/serve-role.ts';
import { textOption, UsageError } from './arguments.ts';
import type { ParsedCommand } from './command.ts';
import { programVersion } from './version.ts';

export const serveCommand: ParsedCommand = {
  name: 'serve',
  synopsis: 'ROLE --config FILE',
  summary: 'runs one role of a cluster on this machine',
  about: `
Runs one role in the foreground until Ctrl-C or SIGTERM: node (devices and clients in one), storage, proxy, or control. Its log goes to standard output, as one JSON
object a line unless that is a terminal. \`holdfast up\` starts its own processes in this way; the files that it writes to
DIR/run/*.yaml are examples, and docs/configuration.md tells every setting.
`,
  options: { config: { value: 'FILE', about: 'the settings of the role, in YAML (required)' } },
  words: [1, 1],
  async run(args, io) {
    const role = roleNames.find((name) => name === args.words[0]);
    if (role === undefined)
      throw new UsageError(`there is no role ${args.words[0]}; there are ${roleNames.join(', ')}`);
    const file = textOption(args, 'config');
    if (file === undefined) throw new UsageError('--config FILE is missing');
    return (await serveRole({ role, configFile: file, version: programVersion() }, io.signal))
      ? exitCodes.ok
      : exitCodes.failed;
  },
};
