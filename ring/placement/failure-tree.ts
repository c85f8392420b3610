/**
 * The devices as a tree of what fails together: root → region → zone → rack → host → device.
 * Nodes are numbered tier by tier in sorted order, so the children of a node are neighbours and a device's node is
 * the first device node plus its leaf number. Everything is an array: a rebalance visits it millions of times.
 */
import type { RingDevice } from '../ring.ts';
import { NO_DEVICE } from '../limits.ts';

/** From the outermost that replicas should differ in to the innermost. */
export const tierNames = ['region', 'zone', 'rack', 'host', 'device'] as const;
export type TierName = (typeof tierNames)[number];
/** Entries of a path: the root (0), then one node for each tier (1 … 5). */
export const PATH_LENGTH = tierNames.length + 1;
export const DEVICE_TIER = tierNames.length;

export interface FailureTree {
  /** By leaf number: sorted by region, zone, rack, host, id. */
  readonly devices: readonly RingDevice[];
  readonly nodeCount: number;
  readonly firstDeviceNode: number;
  readonly firstChild: Int32Array;
  readonly childCount: Int32Array;
  /** `path[leaf * PATH_LENGTH + tier]` is the node of that tier above (at the device tier: of) a leaf. */
  readonly path: Int32Array;
  /** Devices with a weight above 0 under each node. */
  readonly activeDevices: Int32Array;
  /** Leaf numbers by device id; NO_DEVICE where there is none. */
  readonly leafOfDevice: Uint16Array;
}

export function buildFailureTree(unsorted: readonly RingDevice[]): FailureTree {
  const devices = unsorted.toSorted(compareDevices);
  const path = new Int32Array(devices.length * PATH_LENGTH);
  const tierStarts = [0];
  let nodeCount = 1;
  for (let tier = 1; tier < PATH_LENGTH; tier++) {
    tierStarts.push(nodeCount);
    for (let leaf = 0; leaf < devices.length; leaf++) {
      if (leaf === 0 || firstDifferingTier(devices[leaf - 1], devices[leaf]) <= tier) nodeCount++;
      path[leaf * PATH_LENGTH + tier] = nodeCount - 1;
    }
  }
  const firstChild = new Int32Array(nodeCount);
  const childCount = new Int32Array(nodeCount);
  const activeDevices = new Int32Array(nodeCount);
  const leafOfDevice = new Uint16Array(NO_DEVICE).fill(NO_DEVICE);
  let lastSeen = 0;
  for (let tier = 1; tier < PATH_LENGTH; tier++) {
    for (let leaf = 0; leaf < devices.length; leaf++) {
      const node = path[leaf * PATH_LENGTH + tier] as number;
      if (node === lastSeen) continue;
      lastSeen = node;
      const parent = path[leaf * PATH_LENGTH + tier - 1] as number;
      if (childCount[parent] === 0) firstChild[parent] = node;
      childCount[parent] = (childCount[parent] as number) + 1;
    }
  }
  for (const [leaf, device] of devices.entries()) {
    leafOfDevice[device.id] = leaf;
    if (device.weight <= 0) continue;
    for (let tier = 0; tier < PATH_LENGTH; tier++) {
      const node = path[leaf * PATH_LENGTH + tier] as number;
      activeDevices[node] = (activeDevices[node] as number) + 1;
    }
  }
  const firstDeviceNode = tierStarts[DEVICE_TIER] as number;
  return { devices, nodeCount, firstDeviceNode, firstChild, childCount, path, activeDevices, leafOfDevice };
}

function compareDevices(a: RingDevice, b: RingDevice): number {
  const byPlace = a.region - b.region || a.zone - b.zone || a.rack - b.rack;
  if (byPlace !== 0) return byPlace;
  // By code units, never by locale: the ring must be the same on every machine.
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  return a.id - b.id;
}

function firstDifferingTier(a: RingDevice | undefined, b: RingDevice | undefined): number {
  if (a === undefined || b === undefined || a.region !== b.region) return 1;
  if (a.zone !== b.zone) return 2;
  if (a.rack !== b.rack) return 3;
  if (a.host !== b.host) return 4;
  return DEVICE_TIER;
}
