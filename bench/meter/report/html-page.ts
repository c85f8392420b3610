/**
 * One HTML page that needs nothing else: styles, the chart library (uPlot) and the data are in it. Sections are made of
 * strings that are HTML already; `escaped` makes one of text.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly color: string;
  /** Bars in place of a line. */
  readonly bars?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly x: readonly number[];
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Whether the y axis is logarithmic. */
  readonly logarithmic?: boolean;
}

export function escaped(value: unknown): string {
  return String(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

export function tableHtml(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const isNumber = (value: unknown): boolean =>
    typeof value === 'number' || /^-?[\d.,]+( %)?$/.test(String(value));
  const isNothing = (value: unknown): boolean => /^(|-|–|null|undefined)$/.test(String(value));
  const isMissing = (value: unknown): boolean => /^[-–]$/.test(String(value));
  // A column of numbers, with what is missing of them, stands to the right with its title.
  const numeric = header.map(
    (_, column) =>
      rows.some((row) => isNumber(row[column]) || isMissing(row[column])) &&
      rows.every((row) => isNumber(row[column]) || isNothing(row[column])),
  );
  const right = (column: number): string => (numeric[column] === true ? ' class="n"' : '');
  const head = header.map((title, column) => `<th${right(column)}>${escaped(title)}</th>`).join('');
  const cell = (value: unknown, column: number): string =>
    `<td${right(column)}>${escaped(value ?? '–')}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

export function pairsHtml(pairs: readonly (readonly [string, unknown])[]): string {
  const rows = pairs.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(shown(value))}</dd>`);
  return `<dl>${rows.join('\n')}</dl>`;
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The page's own script finds it and draws. Of a chart of bars without any it is said in words. */
export function chartHtml(chart: Chart): string {
  const bars = chart.series.filter((one) => one.bars === true);
  if (bars.length > 0 && bars.every(({ values }) => values.every((value) => value === null || value === 0)))
    return `<figure><figcaption>${escaped(chart.title)}</figcaption><p class="note">None.</p></figure>`;
  const data = JSON.stringify(chart).replaceAll('<', '\\u003c');
  return `<figure class="chart"><figcaption>${escaped(chart.title)}</figcaption><div></div><script type="application/json">${data}</script></figure>`;
}

export interface HeatMap {
  readonly title: string;
  readonly columns: number;
  readonly rowLabels: readonly string[];
  readonly xLabel: string;
  /** Counts by column, then by row; 0 is left blank. */
  count(column: number, row: number): number;
}

const HEAT_WIDTH = 900;
const HEAT_ROW_HEIGHT = 14;
const HEAT_LEFT = 70;

/** Darker is more, by the logarithm. */
export function heatMapHtml(map: HeatMap): string {
  const { columns, rowLabels } = map;
  const width = (HEAT_WIDTH - HEAT_LEFT) / Math.max(1, columns);
  const height = rowLabels.length * HEAT_ROW_HEIGHT;
  let most = 1;
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < rowLabels.length; row++) most = Math.max(most, map.count(column, row));
  const cells: string[] = [];
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < rowLabels.length; row++) {
      const count = map.count(column, row);
      if (count === 0) continue;
      const opacity = (0.15 + (0.85 * Math.log(count + 1)) / Math.log(most + 1)).toFixed(2);
      const x = (HEAT_LEFT + column * width).toFixed(1);
      const y = height - (row + 1) * HEAT_ROW_HEIGHT;
      const label = `${column} s, ${rowLabels[row]}: ${count}`;
      cells.push(
        `<rect x="${x}" y="${y}" width="${Math.max(0.5, width - 0.5).toFixed(1)}" height="${HEAT_ROW_HEIGHT - 1}" fill-opacity="${opacity}"><title>${escaped(label)}</title></rect>`,
      );
    }
  const labels = rowLabels.map(
    (label, row) =>
      `<text x="${HEAT_LEFT - 6}" y="${height - row * HEAT_ROW_HEIGHT - 3}" text-anchor="end">${escaped(label)}</text>`,
  );
  return `<figure><figcaption>${escaped(map.title)}</figcaption><svg viewBox="0 0 ${HEAT_WIDTH} ${height + 20}" role="img" aria-label="${escaped(map.title)}"><g fill="#1c6e8c">${cells.join('')}</g><g class="labels">${labels.join('')}<text x="${HEAT_WIDTH}" y="${height + 14}" text-anchor="end">${escaped(map.xLabel)}</text></g></svg></figure>`;
}

export interface Section {
  readonly title: string;
  readonly html: string;
}

export interface Page {
  readonly title: string;
  /** The one sentence that matters, and whether it is good news. */
  readonly verdict: string;
  readonly outcome: 'good' | 'bad' | 'doubtful';
  readonly sections: readonly Section[];
}

const STYLE = `
:root{color-scheme:light;font:15px/1.45 system-ui,sans-serif;color:#1d2430;background:#fff}
body{max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #d5dae1;padding-bottom:.2rem}
.wide{overflow-x:auto}
.verdict{font-size:1.15rem;padding:.8rem 1rem;border-left:6px solid;border-radius:4px;white-space:pre-line}
.good{background:#e8f5ec;border-color:#2a8a4a}.bad{background:#fdecea;border-color:#c0392b}.doubtful{background:#fff6e0;border-color:#c98a00}
table{border-collapse:collapse;width:100%;font-size:.85rem}th,td{padding:.25rem .5rem;border-bottom:1px solid #e4e8ee;text-align:left;vertical-align:top}
td.n,th.n{text-align:right}td.n{font-variant-numeric:tabular-nums}thead th{background:#f3f5f8}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;font-size:.9rem}dt{color:#5b6675}dd{margin:0;overflow-wrap:anywhere}
figure{margin:1rem 0;break-inside:avoid}figcaption{font-weight:600;margin-bottom:.3rem}svg{width:100%;height:auto}svg text{font-size:10px;fill:#5b6675}
p.note{color:#5b6675;font-size:.9rem}
@media print{body{margin:0;max-width:none}.wide{overflow:visible}table{font-size:.72rem}th,td{padding:.15rem .3rem}.u-legend{break-inside:avoid}h2{break-after:avoid}table{break-inside:auto}tr{break-inside:avoid}.verdict{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;

/** Draws every chart that the page holds; the data come from the page's own JSON. */
const SCRIPT = `
for (const figure of document.querySelectorAll('figure.chart')) {
  const chart = JSON.parse(figure.querySelector('script').textContent);
  const bars = uPlot.paths.bars({ size: [0.8, 40] });
  const series = chart.series.map(({ label, color, bars: asBars }) => ({
    label, stroke: color, width: asBars ? 0 : 1.5, points: { show: false },
    ...(asBars ? { fill: color, paths: bars } : {}),
  }));
  const width = () => Math.min(920, figure.clientWidth);
  const plot = new uPlot({
    width: width(), height: 240,
    legend: { live: false, show: chart.series.length > 1 },
    cursor: { show: false },
    scales: { x: { time: false, ...(chart.series.some((one) => one.bars) ? { range: (u, low, high) => [low - 0.5, high + 0.5] } : {}) }, y: chart.logarithmic ? { distr: 3 } : { range: (u, low, high) => [0, Math.max(1, high * 1.05)] } },
    axes: [{ label: chart.xLabel, ...(chart.series.some((one) => one.bars) ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] } : {}) }, { label: chart.yLabel, size: 70 }],
    series: [{}, ...series],
  }, [chart.x, ...chart.series.map(({ values }) => values)], figure.querySelector('div'));
  addEventListener('resize', () => plot.setSize({ width: width(), height: 240 }));
}
`;

/** A file of the chart library, as the package has it. */
function libraryFile(name: string): string {
  return readFileSync(fileURLToPath(import.meta.resolve(`uplot/dist/${name}`)), 'utf8');
}

export function pageHtml(page: Page): string {
  const sections = page.sections.map(({ title, html }) => `<h2>${escaped(title)}</h2>\n${html}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(page.title)}</title>
<style>${libraryFile('uPlot.min.css')}${STYLE}</style></head>
<body><h1>${escaped(page.title)}</h1>
<p class="verdict ${page.outcome}">${escaped(page.verdict.trim())}</p>
${sections.join('\n')}
<script>${libraryFile('uPlot.iife.min.js')}</script>
<script>${SCRIPT}</script>
</body></html>
`;
}
