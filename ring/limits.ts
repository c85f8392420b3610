/** The bounds of every ring: builder, file and reader hold to them. */
export const PARTITION_POWER_MAX = 20;
export const REPLICAS_MAX = 16;
/** Stands in a table of device ids where a replica has no device. */
export const NO_DEVICE = 0xffff;
export const DEVICE_ID_MAX = NO_DEVICE - 1;
/** Regions, zones and racks are numbers, 0 … 65,535. */
export const PLACE_NUMBER_MAX = 0xffff;
/** A host's name and an address's host, in UTF-8. */
export const HOST_BYTES_MAX = 255;
export const WEIGHT_MAX = 1e9;
/** Overload above this changes nothing that a cluster could use. */
export const OVERLOAD_MAX = 1000;
export const MOVE_INTERVAL_HOURS_MAX = 24 * 365;
export const VERSION_MAX = 0xffff_ffff;
