/** `2009-10-12T17:50:30.000Z`: a time as S3's XML has it. Those of headers are in proxy/http. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
