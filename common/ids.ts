/**
 * Branded identifiers. A brand costs nothing when the program runs; it stops one kind of id from being passed
 * where another is meant.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A device's number in the ring, 0 … 65,535. Never used again for another disk. */
export type DeviceId = Branded<number, 'DeviceId'>;

/** 16 random bytes as 32 lower-case hexadecimal digits: one stripe of one body. */
export type BlobId = Branded<string, 'BlobId'>;

/** 16 bytes as 32 lower-case hexadecimal digits: the namespace that a bucket's (or an account's) records live in. */
export type SpaceId = Branded<string, 'SpaceId'>;

const HEX_32 = /^[0-9a-f]{32}$/;

export function deviceId(value: number): DeviceId {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff)
    throw new RangeError(`not a device id: ${value}`);
  return value as DeviceId;
}

export function blobId(value: string): BlobId {
  if (!HEX_32.test(value)) throw new RangeError('not a blob id');
  return value as BlobId;
}

export function isSpaceId(value: string): boolean {
  return HEX_32.test(value);
}

export function spaceId(value: string): SpaceId {
  if (!HEX_32.test(value)) throw new RangeError('not a space id');
  return value as SpaceId;
}
