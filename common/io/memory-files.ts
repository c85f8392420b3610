/**
 * A disk in memory that knows what is durable, fails on demand, and can be taken through a power loss.
 *
 * Stricter than any one file system: a name is durable only when its folder was synced, and of what was not synced a
 * power loss keeps anything.
 */
import { HoldfastError } from '#common/errors.ts';
import type { FileInfo, FileLock, Files, OpenFile, OpenMode, Space } from './files.ts';
import { type Fault, FaultPlan, fileError } from './memory-faults.ts';
import { MemoryFileNode } from './memory-file-node.ts';
import { MemoryFolderNode, type MemoryNode } from './memory-folder-node.ts';
import type { Randomness } from './randomness.ts';

const TOTAL_BYTES = 1024 * 1024 * 1024;

export class MemoryFiles implements Files {
  /** What the disk holds at most; changing it makes the disk fuller or emptier. */
  totalBytes: number = TOTAL_BYTES;
  readonly #root: MemoryFolderNode;
  readonly #faults = new FaultPlan();
  readonly #locks = new Set<string>();

  constructor(root: MemoryFolderNode = new MemoryFolderNode()) {
    this.#root = root;
  }

  /** Calls made so far, of every kind. */
  get calls(): number {
    return this.#faults.calls;
  }

  /** Fails a call to come. */
  fail(fault: Fault): void {
    this.#faults.add(fault);
  }

  /** From the call that makes `calls` on, every call fails: the machine has stopped. */
  haltAt(calls: number): void {
    this.#faults.haltAt = calls;
  }

  get halted(): boolean {
    return this.#faults.halted;
  }

  /** The disk as a power loss now would leave it. This one must not be used any more. */
  crash(random: Randomness): MemoryFiles {
    this.#faults.haltAt = 0;
    this.#root.decide(random);
    return this.#next(this.#root.afterCrash(random, new Map()));
  }

  /** The disk as a process that is killed leaves it: everything written is there, and no more durable than it was. */
  restart(): MemoryFiles {
    this.#faults.haltAt = 0;
    return this.#next(this.#root);
  }

  /** Turns one bit of a file over. */
  flip(path: string, position: number, bit: number): void {
    this.#file(path).flip(position, bit);
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    await this.#faults.call('open', path);
    const { folder, name } = this.#parent(path);
    const found = folder.names.get(name);
    if (found?.isDirectory) throw fileError('EISDIR', path);
    if (found && mode === 'create') throw fileError('EEXIST', path);
    if (!found && mode === 'read') throw fileError('ENOENT', path);
    const node = found instanceof MemoryFileNode ? found : new MemoryFileNode();
    if (!found) folder.set(name, node);
    return new MemoryFile(node, path, mode !== 'read', this.#faults, (bytes) => this.#checkRoom(bytes, path));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#faults.call('rename', from);
    const source = this.#parent(from);
    const target = this.#parent(to);
    const node = source.folder.names.get(source.name);
    if (!node) throw fileError('ENOENT', from);
    if (source.folder === target.folder && source.name === target.name) return;
    const made = target.folder.set(target.name, node);
    source.folder.set(source.name, undefined, made);
  }

  async unlink(path: string): Promise<void> {
    await this.#faults.call('unlink', path);
    const { folder, name } = this.#parent(path);
    const node = folder.names.get(name);
    if (!node) throw fileError('ENOENT', path);
    if (node.isDirectory) throw fileError('EISDIR', path);
    folder.set(name, undefined);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#faults.call('makeDirectory', path);
    let folder = this.#root;
    for (const name of parts(path)) {
      let next = folder.names.get(name);
      if (!next) {
        next = new MemoryFolderNode();
        folder.set(name, next);
      }
      if (!(next instanceof MemoryFolderNode)) throw fileError('EEXIST', path);
      folder = next;
    }
  }

  async list(path: string): Promise<FileInfo[]> {
    await this.#faults.call('list', path);
    const names = this.#folder(path).names;
    return Array.from(names, ([name, { isDirectory }]) => ({ name, isDirectory }));
  }

  async exists(path: string): Promise<boolean> {
    await this.#faults.call('exists', path);
    return this.#find(path) !== undefined;
  }

  async syncDirectory(path: string): Promise<void> {
    const end = this.#folder(path).beginSync();
    await this.#faults.call('syncDirectory', path);
    end();
  }

  async space(path: string): Promise<Space> {
    await this.#faults.call('space', path);
    return { totalBytes: this.totalBytes, freeBytes: Math.max(0, this.totalBytes - usedBytes(this.#root)) };
  }

  async lock(path: string): Promise<FileLock> {
    if (this.#locks.has(path)) throw new HoldfastError('data-in-use', `the lock ${path} is held`);
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  #next(root: MemoryFolderNode): MemoryFiles {
    const next = new MemoryFiles(root);
    next.totalBytes = this.totalBytes;
    return next;
  }

  #checkRoom(grownBytes: number, path: string): void {
    if (usedBytes(this.#root) + grownBytes > this.totalBytes) throw fileError('ENOSPC', path);
  }

  #find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.#root;
    for (const name of parts(path)) {
      if (!(node instanceof MemoryFolderNode)) return undefined;
      node = node.names.get(name);
    }
    return node;
  }

  #folder(path: string): MemoryFolderNode {
    const node = this.#find(path);
    if (!node) throw fileError('ENOENT', path);
    if (!(node instanceof MemoryFolderNode)) throw fileError('ENOTDIR', path);
    return node;
  }

  #file(path: string): MemoryFileNode {
    const node = this.#find(path);
    if (!(node instanceof MemoryFileNode)) throw fileError('ENOENT', path);
    return node;
  }

  #parent(path: string): { folder: MemoryFolderNode; name: string } {
    const all = parts(path);
    const name = all.pop();
    if (name === undefined) throw fileError('EISDIR', path);
    return { folder: this.#folder(all.join('/')), name };
  }
}

class MemoryFile implements OpenFile {
  readonly #node: MemoryFileNode;
  readonly #path: string;
  readonly #writable: boolean;
  readonly #faults: FaultPlan;
  readonly #checkRoom: (grownBytes: number) => void;
  #closed = false;
  /** Of a write through: the next sync fails with it, too. */
  #failedSync: unknown;

  constructor(
    node: MemoryFileNode,
    path: string,
    writable: boolean,
    faults: FaultPlan,
    checkRoom: (grownBytes: number) => void,
  ) {
    this.#node = node;
    this.#path = path;
    this.#writable = writable;
    this.#faults = faults;
    this.#checkRoom = checkRoom;
  }

  async read(into: Buffer, offset: number, length: number, position: number): Promise<number> {
    this.#mustBeOpen();
    const part = await this.#faults.call('read', this.#path);
    return this.#node.read(into, offset, Math.floor(length * part), position);
  }

  readNow(into: Buffer, offset: number, length: number, position: number): number {
    this.#mustBeOpen();
    const part = this.#faults.callNow('readNow', this.#path);
    return this.#node.read(into, offset, Math.floor(length * part), position);
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    this.#mustBeWritable();
    const bytes = Buffer.concat(chunks);
    // The bytes are in the page cache before the call returns: a crash in the meantime may keep any of them.
    const fault = this.#faults.take('write', this.#path);
    if (fault) {
      this.#node.write(bytes.subarray(0, Math.floor(bytes.length / 2)), position);
      throw fault;
    }
    this.#checkRoom(Math.max(0, position + bytes.length - this.#node.length));
    this.#node.write(bytes, position);
    await this.#faults.turn();
  }

  async writeThrough(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const before = this.#node.order;
    this.#node.mustBeSynced(position);
    const written = this.write(chunks, position);
    // Of these bytes alone: they are in the page cache already.
    const syncing = this.#node.beginSync(before);
    await written;
    try {
      await this.#end(syncing);
    } catch (error) {
      this.#failedSync = error;
      throw error;
    }
  }

  endWritesThrough(): void {
    this.#mustBeOpen();
  }

  async sync(): Promise<void> {
    this.#mustBeOpen();
    const failed = this.#failedSync;
    this.#failedSync = undefined;
    if (failed !== undefined) throw failed;
    await this.#end(this.#node.beginSync());
  }

  async #end({ succeed, fail }: ReturnType<MemoryFileNode['beginSync']>): Promise<void> {
    try {
      await this.#faults.call('sync', this.#path);
    } catch (error) {
      // A machine that stopped has not failed the sync; it may still have done any part of it.
      if (!this.#faults.halted) fail();
      throw error;
    }
    succeed();
  }

  async truncate(length: number): Promise<void> {
    this.#mustBeWritable();
    await this.#faults.call('truncate', this.#path);
    this.#node.truncate(length);
  }

  async size(): Promise<number> {
    this.#mustBeOpen();
    await this.#faults.call('size', this.#path);
    return this.#node.length;
  }

  async close(): Promise<void> {
    this.#mustBeOpen();
    this.#closed = true;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw fileError('EBADF', this.#path);
  }

  #mustBeWritable(): void {
    this.#mustBeOpen();
    if (!this.#writable) throw fileError('EBADF', this.#path);
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function usedBytes(folder: MemoryFolderNode): number {
  let bytes = 0;
  for (const node of folder.names.values()) {
    bytes += node instanceof MemoryFolderNode ? usedBytes(node) : node.length;
  }
  return bytes;
}
