/** The sections that every page of the meter has: where it was measured, by which settings, and what was checked. */
import type { MeterDocument } from './meter-document.ts';
import { pairsHtml, type Section } from './html-page.ts';

export function surroundings(document: MeterDocument): Section[] {
  const { machine, target, settings } = document;
  const memory = `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    {
      title: 'Where',
      html: pairsHtml([
        ['target', target?.url],
        ['protocol', target?.protocol],
        ['caches', target?.caches],
        ['durability', target?.durability],
        ['processor', `${machine.processors} × ${machine.processor}`],
        ['memory', memory],
        ['system', `${machine.kernel}, Node ${machine.node}`],
        ['MD5 of one core', `${machine.md5MiBPerS} MiB/s`],
        ['started', document.startedAt],
        ['finished', document.finishedAt],
      ]),
    },
    { title: 'Settings', html: pairsHtml(Object.entries(settings)) },
    {
      title: 'What was checked',
      html: pairsHtml([
        [
          'content',
          target?.verified === false
            ? 'not known here: only its length was compared'
            : 'generated from the seed, cannot be compressed or de-duplicated; every byte read was compared',
        ],
        ['complete', document.complete ? 'yes' : `no: ${document.stopped ?? 'it was cut off'}`],
        ['valid', document.valid ? 'yes' : `no: ${document.invalidReasons.join(', ') || 'not complete'}`],
      ]),
    },
  ];
}
