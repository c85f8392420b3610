/** What O_DIRECT asks of positions, lengths and memory on every common system: multiples of a page. */
export const ALIGNMENT_BYTES = 4096;

export function alignedDown(position: number): number {
  return position - (position % ALIGNMENT_BYTES);
}

export function alignedUp(position: number): number {
  return Math.ceil(position / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
