/** What `--help` tells. */
import type { CliCommand, OptionHelp, ParsedCommand } from './command.ts';
import { HELP_OPTION } from './command.ts';

const EXIT_CODES = `Exit codes
  0  it is done
  1  it was tried and it failed
  2  the command line is wrong
  3  not possible now: the data is in use, a port is taken, a setting is refused, a tool is missing
  4  no cluster runs there
`;

export function programHelp(commands: readonly CliCommand[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
  return `Holdfast: a private cloud's storage that one command brings up.

Usage: holdfast COMMAND [options]

Commands
${list}
  holdfast COMMAND --help   tells about one of them
  holdfast --version        tells the version

To begin: \`holdfast up\`, and when it says "holdfast: ready", in another shell:

  . data/credentials/admin.env
  aws --endpoint-url "$AWS_ENDPOINT_URL" s3 mb s3://films

${EXIT_CODES}`;
}

export function commandHelp(command: ParsedCommand): string {
  const options = Object.entries({ ...command.options, help: HELP_OPTION });
  const heads = options.map(([name, option]) => optionHead(name, option));
  const width = Math.max(...heads.map((head) => head.length));
  const lines = options.map(([, { about }], index) => {
    const indent = ' '.repeat(width + 4);
    return `  ${(heads[index] ?? '').padEnd(width)}  ${about.replaceAll('\n', `\n${indent}`)}\n`;
  });
  return `Usage: holdfast ${command.name} ${command.synopsis}

${command.about.trim()}

Options
${lines.join('')}
${EXIT_CODES}`;
}

function optionHead(name: string, { value, short }: OptionHelp): string {
  const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
  return short === undefined ? long : `-${short}, ${long}`;
}
