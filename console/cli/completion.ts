/** `holdfast completion`: what a shell sources to complete commands and options. */
import { exitCodes } from '#common/command-line.ts';
import { UsageError } from './arguments.ts';
import type { CliCommand, ParsedCommand } from './command.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function completionCommand(commands: () => readonly CliCommand[]): ParsedCommand {
  return {
    name: 'completion',
    synopsis: SHELLS.join('|'),
    summary: 'prints the completion for a shell',
    about: `
  bash   source <(holdfast completion bash)
  zsh    source <(holdfast completion zsh)
  fish   holdfast completion fish | source
`,
    options: {},
    words: [1, 1],
    run({ words }, io) {
      const shell = SHELLS.find((name) => name === words[0]);
      if (shell === undefined)
        throw new UsageError(`there is no completion for ${words[0]}; there is ${SHELLS.join(', ')}`);
      io.out.write(completion(shell, commands()));
      return Promise.resolve(exitCodes.ok);
    },
  };
}

/** What may follow a command's name: its subcommands, and its options. */
function followers(command: CliCommand): string[] {
  if ('delegate' in command) return [...command.subcommands, '--help'];
  return [
    ...(command.name === 'completion' ? SHELLS : []),
    ...Object.keys(command.options).map((n) => `--${n}`),
    '--help',
  ];
}

export function completion(shell: (typeof SHELLS)[number], commands: readonly CliCommand[]): string {
  if (shell === 'bash') return bash(commands);
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
  return fish(commands);
}

function bash(commands: readonly CliCommand[]): string {
  const names = [...commands.map(({ name }) => name), '--help', '--version'].join(' ');
  const cases = commands
    .map((command) => `    ${command.name}) words='${followers(command).join(' ')}' ;;\n`)
    .join('');
  return `_holdfast() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  COMPREPLY=()
  case $previous in
    --data) COMPREPLY=($(compgen -d -- "$current")); return ;;
    --config) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words='${names}'; else case \${COMP_WORDS[1]} in
${cases}  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _holdfast holdfast
`;
}

function fish(commands: readonly CliCommand[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const lines = ['complete -c holdfast -f'];
  for (const { name, summary } of commands)
    lines.push(`complete -c holdfast -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`);
  for (const command of commands) {
    const when = `-n ${quote(`__fish_seen_subcommand_from ${command.name}`)}`;
    for (const word of followers(command)) {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      const files = word === '--data' || word === '--config' ? ' -r -F' : '';
      lines.push(`complete -c holdfast ${when} ${what}${files}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
