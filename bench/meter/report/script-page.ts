/** The table, the page and the rows of a script. */
import type { ScriptDocument } from '../agents/script-document.ts';
import type { StreamsDocument } from '../streams/streams-document.ts';
import { textTable } from '../../report/text-table.ts';
import { formatFigure } from '../../load/units.ts';
import { pageHtml, tableHtml } from './html-page.ts';
import { csvLines, type OutputForms } from './outputs.ts';
import { surroundings } from './surroundings.ts';

const HEADER = ['step', 'streams', 'frames', 'late', 'dropped', 'MiB/s', 'p99 ms', 'worst ms', 'notes'];

function lines({ steps }: ScriptDocument): string[][] {
  return steps.map(({ name, kind, result }) => {
    if (kind !== 'streams' || result === null || !('runs' in result)) {
      const exit = result !== null && 'exitCode' in result ? `exit code ${result.exitCode ?? '-'}` : '';
      return [name, '', '', '', '', '', '', '', `${kind} ${exit}`.trim()];
    }
    const document: StreamsDocument = result;
    const run = document.runs.at(-1);
    const latency = run?.latencyMs ?? run?.recordLatencyMs;
    const notes = [...document.invalidReasons, ...(document.stopped === null ? [] : [document.stopped])];
    return [
      name,
      String(document.streams),
      String(document.framesTotal),
      String(document.framesLate),
      String(document.framesDropped),
      formatFigure(run?.mebibytesPerS ?? 0),
      latency === null || latency === undefined ? '-' : formatFigure(latency.p99),
      formatFigure(document.worstFrameMs),
      notes.join(', '),
    ];
  });
}

export function scriptTable(document: ScriptDocument): string {
  return textTable(HEADER, lines(document));
}

export function scriptVerdict({ agents, steps, valid, stopped, invalidReasons }: ScriptDocument): string {
  const lost = agents.filter((agent) => agent.lost !== null);
  const who = agents.length === 0 ? 'this machine' : `${agents.length} agents`;
  const gone =
    lost.length === 0
      ? ''
      : `; LOST: ${lost.map(({ address, lost: why }) => `${address} (${why ?? ''})`).join(', ')}`;
  const doubt = valid ? '' : `\nNOT VALID: ${invalidReasons.join(' ') || (stopped ?? 'not complete')}`;
  return `${steps.length} steps by ${who}${gone}${doubt}`;
}

export const scriptForms: OutputForms<ScriptDocument> = {
  csv: (document) => csvLines(HEADER, lines(document)),
  html: (document) =>
    pageHtml({
      title: 'Media storage meter: a script',
      verdict: scriptVerdict(document),
      outcome: document.valid ? 'good' : 'doubtful',
      sections: [
        { title: 'Steps', html: tableHtml(HEADER, lines(document)) },
        {
          title: 'Agents',
          html: tableHtml(
            ['address', 'host', 'processor', 'clock ahead ms', 'lost'],
            document.agents.map((one) => [
              one.address,
              one.host,
              one.processor,
              one.clockAheadMs?.toFixed(3),
              one.lost,
            ]),
          ),
        },
        ...surroundings(document),
      ],
    }),
};
