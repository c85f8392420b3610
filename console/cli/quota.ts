/** `holdfast quota`: what projects may have. */
import { UsageError } from './arguments.ts';
import { type CloudClient, projectNamed } from './cloud-client.ts';
import type { ParsedCommand } from './command.ts';
import { textTable } from './ring/text-table.ts';
import { withCloud } from './with-cloud.ts';

interface Shown {
  readonly limit: number;
  readonly is_default?: boolean;
  readonly used?: number;
}

const CHANGES_MAX = 32;

export const quotaCommand: ParsedCommand = {
  name: 'quota',
  synopsis: 'show PROJECT | set PROJECT NAME=LIMIT …   [--json] [--data DIR]',
  summary: 'shows and sets what projects may have',
  about: `
PROJECT is a project's name or id; \`defaults\` stands for every project that has no limit of its own. A LIMIT is a whole number (bytes for
bytes, GiB for gigabytes, MiB for ram), \`none\`, or \`default\`. Proxies follow a change within a second. A limit below what is there takes nothing away.

  holdfast quota show demo
  holdfast quota set demo bytes=1099511627776 objects=1000000
  holdfast quota set defaults volumes=5
`,
  options: {
    json: { about: 'as JSON' },
    data: { value: 'DIR', about: 'the folder that holds the cluster (default ./data)' },
  },
  words: [2, CHANGES_MAX],
  run(args, io) {
    const [action, project = '', ...changes] = args.words;
    if (action !== 'show' && action !== 'set')
      throw new UsageError('expected show PROJECT or set PROJECT NAME=LIMIT');
    if ((action === 'set') !== changes.length > 0) throw new UsageError('NAME=LIMIT goes with set');
    const quotas = Object.fromEntries(changes.map(parseChange));
    return withCloud('quota', args, io, async (cloud) => {
      const path = `/v1/quotas/${await subjectOf(cloud, project)}`;
      const { text } = await (action === 'set' ? cloud.ask('PUT', path, { quotas }) : cloud.ask('GET', path));
      io.out.write(args.options['json'] === true ? `${text}\n` : quotaTable(text));
    });
  },
};

async function subjectOf(cloud: CloudClient, project: string): Promise<string> {
  return project === 'defaults' ? project : await projectNamed(cloud, project);
}

function parseChange(text: string): readonly [string, number | null] {
  const [, name, limit] = /^([a-z_]+)=(\d{1,20}|none|default)$/.exec(text) ?? [];
  if (name === undefined || limit === undefined)
    throw new UsageError(`expected NAME=LIMIT, such as objects=1000 or objects=none, not "${text}"`);
  if (limit === 'default') return [name, null];
  if (limit === 'none') return [name, -1];
  if (!Number.isSafeInteger(Number(limit)))
    throw new UsageError(`a limit is at most ${Number.MAX_SAFE_INTEGER}, or none: "${text}"`);
  return [name, Number(limit)];
}

function quotaTable(text: string): string {
  const { quotas } = JSON.parse(text) as { quotas: Readonly<Record<string, Shown | number>> };
  const limitText = (limit: number) => (limit === -1 ? 'none' : String(limit));
  const rows = Object.entries(quotas).map(([name, shown]) => {
    if (typeof shown === 'number') return [name, limitText(shown), '', ''];
    const { limit, used, is_default: isDefault } = shown;
    return [
      name,
      limitText(limit),
      used === undefined ? '' : String(used),
      isDefault === true ? 'default' : 'own',
    ];
  });
  return textTable(['quota', 'limit', 'used', ''], rows);
}
