/** The type of an object that was sent without one, by the end of its name. */
const DEFAULT_TYPE = 'application/octet-stream';

/** What clients of Swift meet most, as Python's `mimetypes`, which Swift asks, has them. */
const types: Readonly<Record<string, string>> = {
  aac: 'audio/aac',
  aif: 'audio/x-aiff',
  avi: 'video/x-msvideo',
  bin: 'application/octet-stream',
  bmp: 'image/bmp',
  c: 'text/plain',
  css: 'text/css',
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  eml: 'message/rfc822',
  eps: 'application/postscript',
  epub: 'application/epub+zip',
  gif: 'image/gif',
  h: 'text/plain',
  heic: 'image/heic',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/vnd.microsoft.icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  md: 'text/markdown',
  mid: 'audio/midi',
  mjs: 'text/javascript',
  mkv: 'video/x-matroska',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  mpeg: 'video/mpeg',
  mpg: 'video/mpeg',
  odp: 'application/vnd.oasis.opendocument.presentation',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odt: 'application/vnd.oasis.opendocument.text',
  ogg: 'audio/ogg',
  opus: 'audio/opus',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  ps: 'application/postscript',
  py: 'text/x-python',
  rtf: 'application/rtf',
  sh: 'application/x-sh',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  tsv: 'text/tab-separated-values',
  ttf: 'font/ttf',
  txt: 'text/plain',
  wasm: 'application/wasm',
  wav: 'audio/x-wav',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'text/xml',
  zip: 'application/zip',
};

/** A packing (`.gz` and so on) names how the file is packed: the type is that of what is within. */
const packings: ReadonlySet<string> = new Set(['gz', 'bz2', 'xz', 'z', 'br', 'zst']);

export function guessContentType(name: string): string {
  const segments = name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .split('.');
  let extension = segments.length > 1 ? segments.pop() : undefined;
  if (extension === 'tgz') return 'application/x-tar';
  if (extension !== undefined && packings.has(extension))
    extension = segments.length > 1 ? segments.pop() : undefined;
  if (extension === undefined || !Object.hasOwn(types, extension)) return DEFAULT_TYPE;
  return types[extension] as string;
}
