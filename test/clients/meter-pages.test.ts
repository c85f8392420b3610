/** The meter's pages in Debian's chromium: they stand alone, draw every chart, fit a small window, and print. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const LAUNCHER = join(import.meta.dirname, '../../holdfast');
/** Where it is given, screenshots and printed pages are left there for a person to look at. */
const KEEP = process.env['HOLDFAST_PAGES'];
const SMALL = '--codec custom --frame-bytes 20000 --fps 50 --clip-length 1s --warmup 200ms --pre-buffer 250';
const SCRIPT = `
steps:
  - {name: two streams, streams: 2, codec: custom, frame-bytes: 20000, fps: 50, clip-length: 1s, duration: 1s, target: FOLDER}
  - {name: a mix, mode: ops, duration: 1s, warmup: 100ms, objects: 20, size: 4k, target: FOLDER}
`;

/** `charts` that are drawn by the library, and figures drawn without it. */
const PAGES = [
  { mode: 'streams', args: `${SMALL} --streams 3 --duration 2s`, charts: 2, verdict: /0 late/ },
  { mode: 'search', args: `${SMALL} --streams-max 2 --step-duration 600ms --duration 1s`, charts: 2 },
  { mode: 'ops', args: '--duration 2s --warmup 200ms --objects 50 --size 4k --mix get:50,put:50', charts: 3 },
  { mode: 'classic', args: '--create 2m --files 3 --duration 2s --blocks 64k,1m --remove', charts: 2 },
  { mode: 'run', args: '', charts: 0, verdict: /2 steps/ },
] as const;

let folder: string;
let browser: Browser;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-pages-'));
  mkdirSync(join(folder, 'media'));
  // Tests run as root in containers, where chromium's own sandbox cannot be made.
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});

after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Of each canvas of a page the pixels that something was drawn on. */
const INK = `[...document.querySelectorAll('figure.chart canvas')].map((canvas) => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let alpha = 3; alpha < pixels.length; alpha += 4) if (pixels[alpha] > 0) ink += 1;
  return ink;
})`;

function widthOver(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}

describe('the page of holdfast meter', () => {
  for (const { mode, args, charts, ...expected } of PAGES) {
    test(`${mode} stands alone, draws and prints`, async () => {
      const media = join(folder, 'media');
      const html = join(folder, `${mode}.html`);
      const script = join(folder, 'script.yaml');
      writeFileSync(script, SCRIPT.replaceAll('FOLDER', media));
      const words = mode === 'run' ? [script] : ['--target', media, ...args.split(' ')];
      const ended = spawnSync(LAUNCHER, ['meter', mode, ...words, '--html', html], { encoding: 'utf8' });
      assert.equal(ended.status, 0, ended.stdout + ended.stderr);

      await using context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
      const page = await context.newPage();
      const faults: string[] = [];
      const asked: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => faults.push(message.text()));
      page.on('request', (request) => asked.push(request.url()));
      const url = pathToFileURL(html).href;
      await page.goto(url);
      assert.deepEqual([faults, asked], [[], [url]]);
      const verdict = await page.locator('.verdict').innerText();
      if ('verdict' in expected) assert.match(verdict, expected.verdict);
      else assert.notEqual(verdict, '');
      assert.ok((await page.locator('table tbody tr').count()) > 0);
      const ink = await page.evaluate<number[]>(INK);
      assert.ok(ink.length >= charts, `${ink.length} charts`);
      for (const pixels of ink) assert.ok(pixels > 500, `a chart with ${pixels} pixels drawn`);
      assert.ok((await widthOver(page)) <= 0, 'wider than its window');
      if (KEEP !== undefined) await page.screenshot({ path: join(KEEP, `${mode}.png`), fullPage: true });

      await page.setViewportSize({ width: 420, height: 800 });
      await page.waitForTimeout(100);
      assert.ok((await widthOver(page)) <= 0, 'wider than a small window');
      if (KEEP !== undefined)
        await page.screenshot({ path: join(KEEP, `${mode}-small.png`), fullPage: true });

      await page.setViewportSize({ width: 1200, height: 900 });
      const pdf = await page.pdf({ format: 'A4' });
      const sheets = pdf.toString('latin1').split(/\/Type\s*\/Page\b/).length - 1;
      assert.ok(sheets >= 1 && sheets <= 6, `${sheets} sheets`);
      if (KEEP !== undefined) writeFileSync(join(KEEP, `${mode}.pdf`), pdf);
    });
  }
});
