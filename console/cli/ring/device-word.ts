import { type DeviceId, deviceId } from '#common/ids.ts';
import { numberFrom, UsageError } from './subcommand.ts';

/** A device's id on the command line. Throws UsageError. */
export function deviceFrom(word: string | undefined): DeviceId {
  const value = numberFrom(word, 'the device');
  try {
    return deviceId(value);
  } catch (error) {
    throw new UsageError(`a device has a number from 0 to 65534, not ${value}`, { cause: error });
  }
}
