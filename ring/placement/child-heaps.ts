/**
 * For every node of the failure tree a binary heap of its children, the highest key on top. Children are neighbours in
 * the tree's numbering, so all heaps share one array: the slice that has a node's children is its heap.
 */
import type { FailureTree } from './failure-tree.ts';

export class ChildHeaps {
  readonly #tree: FailureTree;
  readonly #parent: Int32Array;
  readonly #keys: Float64Array;
  /** Heap order: `#order[slot]` is a node, `#slots[node]` its slot. */
  readonly #order: Int32Array;
  readonly #slots: Int32Array;
  readonly #frontier: number[] = [];

  constructor(tree: FailureTree) {
    this.#tree = tree;
    this.#parent = new Int32Array(tree.nodeCount);
    for (let node = 0; node < tree.firstDeviceNode; node++) {
      const first = tree.firstChild[node] as number;
      this.#parent.fill(node, first, first + (tree.childCount[node] as number));
    }
    this.#keys = new Float64Array(tree.nodeCount);
    this.#order = Int32Array.from({ length: tree.nodeCount }, (_, node) => node);
    this.#slots = Int32Array.from(this.#order);
  }

  key(node: number): number {
    return this.#keys[node] as number;
  }

  setKey(node: number, key: number): void {
    const rises = key > (this.#keys[node] as number);
    this.#keys[node] = key;
    const base = this.#tree.firstChild[this.#parent[node] as number] as number;
    if (rises) this.#siftUp(node, base);
    else this.#siftDown(node, base, this.#tree.childCount[this.#parent[node] as number] as number);
  }

  /** The child with the highest key that `accepts` takes, or −1. Looks at little more than the refused ones. */
  best(parent: number, accepts: (child: number) => boolean): number {
    const base = this.#tree.firstChild[parent] as number;
    const count = this.#tree.childCount[parent] as number;
    const frontier = this.#frontier;
    frontier.length = 0;
    if (count > 0) frontier.push(0);
    while (frontier.length > 0) {
      let top = 0;
      for (let i = 1; i < frontier.length; i++) {
        if (this.#keyAt(base + (frontier[i] as number)) > this.#keyAt(base + (frontier[top] as number)))
          top = i;
      }
      const index = frontier[top] as number;
      const node = this.#order[base + index] as number;
      if (accepts(node)) return node;
      frontier[top] = frontier.at(-1) as number;
      frontier.length--;
      if (2 * index + 1 < count) frontier.push(2 * index + 1);
      if (2 * index + 2 < count) frontier.push(2 * index + 2);
    }
    return -1;
  }

  #keyAt(slot: number): number {
    return this.#keys[this.#order[slot] as number] as number;
  }

  #siftUp(node: number, base: number): void {
    let index = (this.#slots[node] as number) - base;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (this.#keyAt(base + above) >= (this.#keys[node] as number)) break;
      this.#swap(base + index, base + above);
      index = above;
    }
  }

  #siftDown(node: number, base: number, count: number): void {
    let index = (this.#slots[node] as number) - base;
    while (2 * index + 1 < count) {
      let below = 2 * index + 1;
      if (below + 1 < count && this.#keyAt(base + below + 1) > this.#keyAt(base + below)) below++;
      if (this.#keyAt(base + below) <= (this.#keys[node] as number)) break;
      this.#swap(base + index, base + below);
      index = below;
    }
  }

  #swap(a: number, b: number): void {
    const nodeA = this.#order[a] as number;
    const nodeB = this.#order[b] as number;
    this.#order[a] = nodeB;
    this.#order[b] = nodeA;
    this.#slots[nodeA] = b;
    this.#slots[nodeB] = a;
  }
}
