/** Statuses as reports write them: `404 Not Found`. */
import { STATUS_CODES } from 'node:http';

/** Where Swift's words are not Node's. */
const words: Readonly<Record<number, string>> = {
  413: 'Request Entity Too Large',
  416: 'Requested Range Not Satisfiable',
  422: 'Unprocessable Entity',
  500: 'Internal Error',
};

export function statusLine(status: number): string {
  return `${status} ${words[status] ?? STATUS_CODES[status] ?? 'Error'}`;
}
