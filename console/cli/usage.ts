/** `holdfast usage`: what projects have used. */
import { textOption } from './arguments.ts';
import { projectNamed, projectNames } from './cloud-client.ts';
import type { ParsedCommand } from './command.ts';
import { textTable } from './ring/text-table.ts';
import { sizeText } from './size-text.ts';
import { withCloud } from './with-cloud.ts';

interface UsageRow {
  readonly project_id: string;
  readonly hour?: string;
  readonly requests: Readonly<Record<'read' | 'list' | 'write' | 'delete', number>>;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly bytes: number;
  readonly objects: number;
  readonly byte_hours: number;
}

export const usageCommand: ParsedCommand = {
  name: 'usage',
  synopsis: '[--project NAME] [--from TIME] [--to TIME] [--hourly] [--csv] [--json] [--data DIR]',
  summary: 'tells what projects have used',
  about: `
Requests, bytes in and out, and what was stored for how long, as the proxies have counted it, from the beginning of the month
unless --from says otherwise. Times are UTC: 2026-01-31, or 2026-01-31T09:00:00Z. The present hour is a minute behind.

  holdfast usage                        every project, since the first of the month
  holdfast usage --hourly --csv         a line for each project and hour, for a spreadsheet
`,
  options: {
    project: { value: 'NAME', about: 'only this one, by its name or id' },
    from: { value: 'TIME', about: 'the first hour (default: the first of the month)' },
    to: { value: 'TIME', about: 'the end (default: now)' },
    hourly: { about: 'a row for each hour' },
    csv: { about: 'as CSV' },
    json: { about: 'as JSON' },
    data: { value: 'DIR', about: 'the folder that holds the cluster (default ./data)' },
  },
  words: [0, 0],
  run: (args, io) =>
    withCloud('usage', args, io, async (cloud) => {
      const query = new URLSearchParams({ by: args.options['hourly'] === true ? 'hour' : 'project' });
      const project = textOption(args, 'project');
      if (project !== undefined) query.set('project', await projectNamed(cloud, project));
      for (const name of ['from', 'to']) {
        const time = textOption(args, name);
        if (time !== undefined) query.set(name, time);
      }
      const isCsv = args.options['csv'] === true;
      if (isCsv) query.set('format', 'csv');
      const { text } = await cloud.ask('GET', `/v1/usage?${query.toString()}`);
      if (isCsv || args.options['json'] === true) return void io.out.write(isCsv ? text : `${text}\n`);
      const { usage } = JSON.parse(text) as { usage: readonly UsageRow[] };
      io.out.write(usageTable(usage, await projectNames(cloud)));
    }),
};

function usageTable(rows: readonly UsageRow[], names: ReadonlyMap<string, string>): string {
  const head = [
    'project',
    'hour',
    'reads',
    'lists',
    'writes',
    'deletes',
    'in',
    'out',
    'objects',
    'stored',
    'GiB hours',
  ];
  const cells = rows.map(({ project_id: id, hour = '', requests, ...row }) => [
    names.get(id) ?? id,
    hour.slice(0, 13),
    ...[requests.read, requests.list, requests.write, requests.delete].map(String),
    ...[sizeText(row.bytes_in), sizeText(row.bytes_out), String(row.objects), sizeText(row.bytes)],
    (row.byte_hours / 2 ** 30).toFixed(3),
  ]);
  const isHourly = rows.some(({ hour }) => hour !== undefined);
  const shown = (row: readonly string[]) => row.filter((_, at) => at !== 1 || isHourly);
  return textTable(shown(head), cells.map(shown));
}
