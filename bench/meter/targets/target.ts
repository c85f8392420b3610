/**
 * What can be measured: a place that keeps objects of generated content. Every method throws OperationFailure for
 * what the storage does wrong; a read that returns other bytes than were written is one.
 */
import { OperationFailure } from '../../load/operation-failure.ts';
import type { ContentKey } from '../../load/content.ts';

/** A file, an object, or an area of a device, whose bytes follow from the run's seed. */
export interface MediaObject {
  /** Unreserved characters and `/` only. */
  readonly name: string;
  readonly key: ContentKey;
  readonly sizeBytes: number;
}

/** What every figure has to say of where it was measured. */
export interface TargetTraits {
  /** Without credentials. */
  readonly url: string;
  readonly protocol: string;
  /** Which caches stand between the meter and the medium, in words. */
  readonly caches: string;
  /** When what is written counts as stored, in words. */
  readonly durability: string;
  readonly writable: boolean;
  /** Whether bytes can be read while the object is being written. */
  readonly growing: boolean;
  /** Whether what is read is compared with what was written. */
  readonly verified: boolean;
  /** Least bytes of one append of a recording, 1 when any will do. */
  readonly appendBytesMin: number;
  /** Most appends of one recording; undefined where there may be any number. */
  readonly appendsMax?: number;
}

/** An object that is being written from its start to its end. Appends may overlap in time; they are given in order. */
export interface Recording {
  append(position: number, lengthBytes: number): Promise<void>;
  /** Makes the object whole. */
  finish(): Promise<void>;
  /** Gives up; whatever is there may stay until the object is removed. */
  abort(): Promise<void>;
}

export interface MediaTarget {
  readonly traits: TargetTraits;
  /** Makes sure that it answers, that it lets us in, and that there is a place for us. */
  prepare(): Promise<void>;
  /** Writes the whole object. */
  put(object: MediaObject): Promise<void>;
  /** Reads and compares bytes `position` … `position + lengthBytes`. */
  read(object: MediaObject, position: number, lengthBytes: number): Promise<void>;
  record(object: MediaObject): Promise<Recording>;
  remove(object: MediaObject): Promise<void>;
  /** Bytes of the object; undefined when there is none. */
  stat(object: MediaObject): Promise<number | undefined>;
  /** Names below a prefix, at most `limit` of them; resolves to how many there were. */
  list(prefix: string, limit: number): Promise<number>;
  /**
   * Removes the place, where it was made for this run, or taken up again, and is empty. Throws `condition-failed` where a
   * place that was made for this run is not.
   */
  removePlace(): Promise<void>;
  /** Gives up requests that are still under way, where the protocol can; others end by themselves. */
  breakOff?(): void;
  /** Breaks whatever is under way. */
  close(): void;
}

export type SyncMode = 'none' | 'end' | 'each';
export type DirectMode = 'auto' | 'on' | 'off';

/** Everything that opens a target, in any process. All of it can be cloned; it may hold secrets. */
export interface TargetSpec {
  readonly scheme: 'file' | 's3' | 'swift' | 'http' | 'iscsi';
  /** As it is reported. */
  readonly url: string;
  /** A path, or the server's own URL. */
  readonly place: string;
  /** Bucket or container; '' where there is none. */
  readonly bucket: string;
  /** Whether bucket or folder is the run's alone. */
  readonly ownBucket: boolean;
  /** Whether nobody else can have given it its name. */
  readonly drawn: boolean;
  /** What the names of all our objects begin with; ends with `/`. */
  readonly prefix: string;
  /** Whether the place may hold what an earlier run kept. */
  readonly reuse: boolean;
  readonly seed: string;
  readonly region: string;
  readonly user: string;
  readonly secret: string;
  readonly sessionToken: string;
  readonly sync: SyncMode;
  readonly direct: DirectMode;
  readonly ioBytes: number;
  readonly timeoutMs: number;
  readonly connections: number;
  /** Whether the processes that measure ask the system to come before others. */
  readonly priority: 'normal' | 'high';
  /** Where is written what is read here; undefined for here. */
  readonly writer?: TargetSpec | undefined;
}

/** What a run says to a place of its own that holds what may be somebody's. */
export function placeTaken(place: string): OperationFailure {
  const why = `${place} is there and not empty: give another --name, or --reuse for clips that were kept`;
  return new OperationFailure('invalid-argument', 'place', why);
}

/** What a place says that was to be removed: by now, or because somebody else uses it, there is something in it. */
export function placeNotEmpty(place: string): OperationFailure {
  return new OperationFailure('condition-failed', 'http-409', `${place} is not empty: http-409`);
}
