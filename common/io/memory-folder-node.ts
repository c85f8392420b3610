/** The names in one folder in memory: as they are, and as a power loss may leave them. */
import { MemoryFileNode } from './memory-file-node.ts';
import type { Randomness } from './randomness.ts';

export type MemoryNode = MemoryFileNode | MemoryFolderNode;

/** A name made or removed and not synced. */
export interface NameChange {
  readonly name: string;
  /** undefined: the name was removed. */
  readonly node: MemoryNode | undefined;
  /** The other half of a rename: the old name does not go before the new one is there. */
  readonly after: NameChange | undefined;
  /** Whether a sync or a crash has kept it. */
  durable: boolean;
}

export class MemoryFolderNode {
  readonly isDirectory = true;
  readonly names = new Map<string, MemoryNode>();
  #durable = new Map<string, MemoryNode>();
  #unsynced: NameChange[] = [];

  set(name: string, node: MemoryNode | undefined, after?: NameChange): NameChange {
    if (node) this.names.set(name, node);
    else this.names.delete(name);
    const change: NameChange = { name, node, after, durable: false };
    this.#unsynced.push(change);
    return change;
  }

  beginSync(): () => void {
    const changes = this.#unsynced.slice();
    return () => {
      for (const change of changes) if (!change.durable) this.#keep(change);
      this.#unsynced = this.#unsynced.filter(({ durable }) => !durable);
    };
  }

  /**
   * The folder after a power loss, and all below it. Files that two names lead to stay one.
   * `decide` must have been called on every folder before.
   */
  afterCrash(random: Randomness, made: Map<MemoryFileNode, MemoryFileNode>): MemoryFolderNode {
    const left = new MemoryFolderNode();
    for (const [name, node] of this.#durable) {
      let copy: MemoryNode;
      if (node instanceof MemoryFileNode) {
        copy = made.get(node) ?? node.afterCrash(random);
        made.set(node, copy);
      } else {
        copy = node.afterCrash(random, made);
      }
      left.names.set(name, copy);
      left.#durable.set(name, copy);
    }
    return left;
  }

  /** Keeps any of the unsynced changes of names, here and below, as a power loss does. */
  decide(random: Randomness): void {
    for (const node of this.names.values()) if (node instanceof MemoryFolderNode) node.decide(random);
    for (const change of this.#unsynced) {
      if (change.durable || random.below(2) === 0) continue;
      // A rename is atomic: a file is never lost from both names.
      if (change.after && !change.after.durable) continue;
      this.#keep(change);
    }
  }

  #keep(change: NameChange): void {
    change.durable = true;
    if (change.node) this.#durable.set(change.name, change.node);
    else this.#durable.delete(change.name);
  }
}
