/** What is noted of a request on its way, for whoever counts it when it is over. */
import type { SpaceId } from '#common/ids.ts';

export type Door = 's3' | 'swift';

export interface RequestTrace {
  /** `none` for what breaks before a door has taken it. */
  door: Door | 'none';
  /** Of the door's own set of names; empty until the request has been routed. */
  operation: string;
  /** Whose the bucket or account is that the request names; else the sender's; undefined while neither is known. */
  account: SpaceId | undefined;
  readonly method: string;
  /** Whether the path names an object. */
  namesObject: boolean;
}

export interface FinishedRequest {
  readonly trace: RequestTrace;
  /** 0 when no answer was begun. */
  readonly status: number;
  readonly seconds: number;
}

/** Bytes of a connection since they were last counted, heads included, as TCP carried them. */
export interface TransferredBytes {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface TrafficListener {
  /**
   * Some bytes of a request: while it runs, any number of times, and the rest when it is over.
   * @param status undefined while it runs.
   */
  transferred(trace: RequestTrace, bytes: TransferredBytes, status: number | undefined): void;
  finished(request: FinishedRequest): void;
}
