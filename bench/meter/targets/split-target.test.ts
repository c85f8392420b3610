import assert from 'node:assert/strict';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { conforms, meter, MeterFolder } from '../meter-harness.ts';
import type { SearchDocument } from '../search/search-document.ts';

/** Offers the files of a folder with ranges, as web servers do. */
async function serveFolder(folder: string) {
  const server = createServer((request, response) => {
    const path = join(folder, request.url ?? '');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || found.isDirectory()) return response.writeHead(404).end();
    const whole = from === undefined || to === undefined;
    const part = whole ? {} : { start: Number(from), end: Number(to) };
    const length = whole ? found.size : Number(to) - Number(from) + 1;
    response.writeHead(whole ? 200 : 206, { 'content-length': length });
    return createReadStream(path, part).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

test('a web server is searched, whose clips are written into its folder and removed from it', async () => {
  using folder = new MeterFolder();
  await using server = await serveFolder(folder.path);
  const stream =
    '--codec custom --frame-bytes 20000 --clip-length 1s --warmup 0ms --stagger 0ms --processes 0';
  const bounds = '--streams-max 3 --step-duration 500ms --duration 500ms --pre-buffer 100';
  const { exitCode, err, document } = await meter<SearchDocument>(
    `search --target ${server.url} --write-at ${folder.path} ${stream} ${bounds}`,
  );
  assert.equal(exitCode, 0, err);
  conforms(document());
  assert.equal(document().streams, 3);
  assert.equal(document().target?.verified, true);
  assert.match(document().target?.durability ?? '', /^written at file:/);
  assert.deepEqual(readdirSync(folder.path), []);
});

test('what cannot be written at is told in one line', async () => {
  for (const [args, line] of [
    ['--target http://127.0.0.1:9/a --write-at /x', /ends with \//],
    ['--target s3:// --endpoint http://127.0.0.1:9 --write-at /x', /folder of a web server/],
    ['--target http://127.0.0.1:9/a/ --write-at http://127.0.0.1:9/a/', /takes no http/],
    ['--target http://127.0.0.1:9/a/', /--write-at, or --name/],
  ] as const) {
    const { exitCode, err } = await meter(`search ${args}`);
    assert.equal(exitCode, 2, err);
    assert.match(err, line);
  }
});
