import { type ReportType, reportTypes } from './bulk-report.ts';

/**
 * The form of a report that a client accepts best (RFC 9110, section 12.5.1); undefined when it accepts none of ours. Text
 * for a client that does not say.
 */
export function reportTypeOf(accept: string | undefined): ReportType | undefined {
  if (accept === undefined || accept.trim() === '') return 'text/plain';
  let best: { readonly type: ReportType; readonly quality: number } | undefined;
  for (const item of accept.split(',', 32)) {
    const [range = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2)) || 0;
    const type = reportTypes.find(
      (known) => range === '*/*' || range === '*' || known === range || range === `${known.split('/')[0]}/*`,
    );
    if (type !== undefined && quality > (best?.quality ?? 0)) best = { type, quality };
  }
  return best?.type;
}
