/** Random clusters for the property tests, and what the tests ask of a builder. fast-check prints the seed of a failure. */
import fc from 'fast-check';
import type { DeviceId } from '#common/ids.ts';
import { type BuilderSettings, type NewDevice, RingBuilder } from './builder.ts';
import { NO_DEVICE } from './limits.ts';
import { type DispersionReport, reportDispersion } from './dispersion.ts';

export function deviceAt(place: Partial<NewDevice> = {}): NewDevice {
  return {
    region: 1,
    zone: 1,
    rack: 0,
    host: 'a',
    address: { host: '127.0.0.1', port: 21100 },
    weight: 100,
    ...place,
  };
}

/** 1 … 24 devices in few places, so that places are shared in every way. */
export function arbitraryDevices(weights: readonly number[], minLength = 1): fc.Arbitrary<NewDevice[]> {
  const device = fc
    .record({
      region: fc.integer({ min: 1, max: 2 }),
      zone: fc.integer({ min: 1, max: 3 }),
      rack: fc.integer({ min: 0, max: 1 }),
      host: fc.constantFrom('a', 'b', 'c'),
      weight: fc.constantFrom(...weights),
    })
    .map(deviceAt);
  return fc.array(device, { minLength, maxLength: 24 });
}

export function balancedBuilder(
  devices: readonly NewDevice[],
  settings: Partial<BuilderSettings>,
): RingBuilder {
  const builder = RingBuilder.create(settings);
  for (const device of devices) builder.add(device);
  builder.rebalance({ nowMs: 0, seed: 7 });
  return builder;
}

export function dispersionOf({ state }: RingBuilder): DispersionReport {
  return reportDispersion(state.devices, state.rows, state.epochs.length);
}

/** Replicas on the device. */
export function heldBy(builder: RingBuilder, id: DeviceId): number {
  return builder.state.rows.reduce((sum, row) => sum + row.filter((member) => member === id).length, 0);
}

export function membersOf({ state }: RingBuilder, partition: number): number[] {
  return state.rows.map((row) => row[partition] ?? NO_DEVICE).filter((id) => id !== NO_DEVICE);
}

export interface Difference {
  readonly partition: number;
  /** Devices that left and joined the partition. */
  readonly left: readonly number[];
  readonly joined: readonly number[];
}

/** The partitions whose members differ between two states of a builder. */
export function differences(before: RingBuilder, after: RingBuilder): Difference[] {
  return Array.from(before.state.epochs, (_, partition) => {
    const was = membersOf(before, partition);
    const is = membersOf(after, partition);
    const left = was.filter((id) => !is.includes(id));
    return { partition, left, joined: is.filter((id) => !was.includes(id)) };
  }).filter(({ left, joined }) => left.length + joined.length > 0);
}

/** Another builder in the same state. */
export function copyOf(builder: RingBuilder): RingBuilder {
  return new RingBuilder(builder.state);
}
