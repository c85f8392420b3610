/** Writes docs/configuration.md from the settings themselves, so that the page cannot fall behind them. */
import { clusterFields } from './cluster-config.ts';
import { controlRoleFields, proxyRoleFields, storageRoleFields } from './role-config.ts';
import type { Field, Fields } from './schema.ts';

const HEAD = `# Configuration

\`holdfast up --config FILE\` reads one YAML file. Every setting may be left out; the command line stands above the file.
A setting that does not exist, or a value that cannot be, stops the start with the file, the line and the column:

\`\`\`
holdfast.yaml:3:3: objects.prot is not a setting; did you mean objects.port?
holdfast.yaml:7:12: storage.processes: expected a whole number from 1 to 64, found "many"
\`\`\`

Paths in a file are taken from the file's own folder. Sizes are bytes, or a number with a unit (\`kB\`, \`MB\`, \`GB\`, \`TB\`,
\`KiB\`, \`MiB\`, \`GiB\`, \`TiB\`). A file that says what the defaults say, and adds a user:

\`\`\`yaml
data: ./data
devices: 4
zones: 4
objects:
  host: 127.0.0.1
  port: 8080
  region: us-east-1
control:
  port: 5000
storage:
  processes: 1
  reserveBytes: 256 MiB
users:
  - name: alice
    account: film
\`\`\`

This page is written by \`npm run docs\` from the settings themselves.
`;

const ROLES = `
# One role on one machine

\`holdfast serve ROLE --config FILE\` runs a single role in the foreground. Its file has the section named for the role (of the role
\`node\`, devices and doors in one process, \`storage\` and \`proxy\`), and beside it \`metrics\` and \`membership\` where they are wanted.
\`holdfast up\` writes such files for its own processes into \`DATA/run/\`, and they serve as examples.
`;

export function configurationPage(): string {
  return [
    HEAD,
    ...tables(clusterFields, '', 'Settings of the cluster'),
    ROLES,
    ...tables(
      { metrics: storageRoleFields.metrics, membership: storageRoleFields.membership },
      '',
      'Of each role',
    ),
    ...tables(storageRoleFields.storage.section ?? {}, 'storage', '`serve storage`'),
    ...tables(proxyRoleFields.proxy.section ?? {}, 'proxy', '`serve proxy`'),
    ...tables(controlRoleFields.control.section ?? {}, 'control', '`serve control`'),
  ].join('\n');
}

function tables(fields: Fields, path: string, title: string): string[] {
  const plain = Object.entries(fields).filter(([, field]) => field.section === undefined);
  const sections = Object.entries(fields).filter(([, field]) => field.section !== undefined);
  const lines = [`## ${title}`, '', '| setting | default | what it is | takes |', '|---|---|---|---|'];
  for (const [name, field] of plain) lines.push(row(path === '' ? name : `${path}.${name}`, field));
  lines.push('');
  for (const [name, field] of sections) {
    const inner = path === '' ? name : `${path}.${name}`;
    lines.push(...tables(field.section ?? {}, inner, `\`${inner}\`: ${field.about}`));
  }
  return lines;
}

function row(name: string, field: Field<unknown>): string {
  const cells = [`\`${name}\``, fallbackText(field), field.about, field.rule.expected];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function fallbackText(field: Field<unknown>): string {
  if (field.required) return 'required';
  if (field.fallback === undefined) return 'see right';
  if (Array.isArray(field.fallback)) return 'none';
  return `\`${field.fallback as string | number}\``;
}
