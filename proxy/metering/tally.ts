/** What a run has counted of one account in one hour. */
import type { SpaceId } from '#common/ids.ts';
import type { Hour, RequestClass, TrafficRecord } from '#control/protocol/metering-record.ts';
import type { RequestTrace } from '#proxy/traffic/request-trace.ts';

export class Tally {
  readonly hour: Hour;
  readonly account: SpaceId;
  /** Under which it is written. */
  readonly run: string;
  readonly requests: Record<RequestClass, number> = { read: 0, list: 0, write: 0, delete: 0 };
  bytesIn = 0;
  bytesOut = 0;
  /** Of the last time that it was written, or tried to be. */
  #sequence = 0;
  isChanged = false;

  constructor(hour: Hour, account: SpaceId, run: string) {
    this.hour = hour;
    this.account = account;
    this.run = run;
  }

  /** As it is to be written now, under a new sequence. */
  next(): TrafficRecord {
    this.#sequence += 1;
    const { requests, bytesIn, bytesOut } = this;
    return { sequence: this.#sequence, requests: { ...requests }, bytesIn, bytesOut };
  }
}

export function classOf({ method, namesObject }: RequestTrace): RequestClass {
  if (method === 'DELETE') return 'delete';
  if (method !== 'GET' && method !== 'HEAD') return 'write';
  return namesObject ? 'read' : 'list';
}

/** Whether an account is charged for it: not for what was refused, nor for what we failed. */
export function isCharged(status: number): boolean {
  return status !== 0 && status !== 401 && status !== 403 && status < 500;
}
