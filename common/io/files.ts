/**
 * The file seam: everything the engine does to a disk goes through here, so that a test can hold the disk in memory,
 * lose what was not synced, and fail any call.
 */

/** How a file is opened. `create` fails when it exists; `append` creates it when missing and keeps what it holds. */
export type OpenMode = 'read' | 'create' | 'append';

export interface OpenFile {
  /**
   * Reads up to `length` bytes at `position` into `into` at `offset`; fewer only at the end of the file.
   * Returns the bytes read.
   */
  read(into: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** The same without leaving the thread: for small reads that the page cache is expected to hold. */
  readNow(into: Buffer, offset: number, length: number, position: number): number;
  /** Writes all of `chunks`, in order, at `position`. A short write is continued; an error leaves the tail undefined. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * The same, and the bytes are durable when it returns (open(2), O_DSYNC): a write and a sync for one wait. It covers no bytes that were
   * written before; where it overlaps them, or a truncation, they are to be synced first. An error may be of either half: a sync that failed
   * fails the next `sync`, too, if the system keeps its errors.
   */
  writeThrough(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Nothing more will be written through: gives back what that holds. */
  endWritesThrough(): void;
  /** fdatasync: returns when the bytes written before the call, and the length, are durable. Never retried on error. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  /** Once, when every other call has been answered. */
  close(): Promise<void>;
}

export interface FileInfo {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Held until it is released or the process ends. */
export interface FileLock {
  release(): Promise<void>;
}

export interface Files {
  /** @param uncachedFromBytes large writes that end so far into the file, or behind that, may go past the page cache; none when left out. */
  open(path: string, mode: OpenMode, uncachedFromBytes?: number): Promise<OpenFile>;
  /** Atomic within one file system; durable after `syncDirectory` of both folders. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes the folder and its parents; no error when it is there. */
  makeDirectory(path: string): Promise<void>;
  list(path: string): Promise<FileInfo[]>;
  exists(path: string): Promise<boolean>;
  /** fsync of a folder: makes the names made, renamed and removed in it durable. */
  syncDirectory(path: string): Promise<void>;
  space(path: string): Promise<Space>;
  /** Takes the lock that the folder `path` stands for, making the folder; `data-in-use` when any process holds it. */
  lock(path: string): Promise<FileLock>;
}
