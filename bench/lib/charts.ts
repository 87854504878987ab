// Three kinds of chart as SVG text that reads on light and dark pages. Knows nothing of what is measured.

export interface Series {
  name: string;
  /** x and y, by growing x. */
  points: readonly (readonly [number, number])[];
}
export interface Panel {
  title: string;
  series: readonly Series[];
}
export interface Bar {
  name: string;
  value: number;
}
export interface Group {
  title: string;
  /** Shares of 1. */
  bars: readonly Bar[];
}
export interface Stack {
  title: string;
  parts: readonly Bar[];
}

/** Distinguishable with any colour vision, on white and on dark grey. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c8c'];
const WIDTH = 760;

const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const round = (value: number): string => String(Math.round(10 * value) / 10);
const text = (x: number, y: number, content: string, extra = ''): string =>
  `<text x="${round(x)}" y="${round(y)}" ${extra}>${escapeXml(content)}</text>`;
const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en-US') : value >= 100 ? value.toFixed(0) : value.toFixed(1);

function page(title: string, height: number, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${Math.ceil(height)}" role="img" aria-label="${escapeXml(title)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.grid { stroke: #8c8c8c; stroke-opacity: 0.35; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }
</style>
${text(12, 22, title, 'class="title"')}
${body.join('\n')}
</svg>
`;
}

function legend(names: readonly string[], y: number): string {
  let x = 12;
  return names
    .map((name, i) => {
      const item = `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${COLOURS[i % COLOURS.length]}"/>${text(x + 15, y, name)}`;
      x += 32 + 6.6 * name.length;
      return item;
    })
    .join('');
}

/** The smallest 1, 2 or 5 times a power of ten that is not below `value`. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return power * ([1, 2, 5, 10].find((each) => each * power >= value) ?? 10);
}

/** Panels beside each other, lines over a common kind of x; y from 0. */
export function lines(title: string, panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({series}) => series.map(({name}) => name)))];
  const perRow = 3;
  const [width, height] = [WIDTH / perRow, 210];
  const body = panels.map(({title: panelTitle, series}, index) => {
    const left = (index % perRow) * width + 46;
    const top = 74 + Math.floor(index / perRow) * height;
    const [w, h] = [width - 66, height - 62];
    const all = series.flatMap(({points}) => points);
    const right = Math.max(1, ...all.map(([x]) => x));
    const ceiling = niceCeiling(Math.max(...all.map(([, y]) => y), 1));
    const px = (x: number) => left + (x / right) * w;
    const py = (y: number) => top + h - (y / ceiling) * h;
    const grid = [0, 0.5, 1].map((share) => {
      const y = py(share * ceiling);
      const label = text(left - 6, y + 4, number(share * ceiling), 'text-anchor="end"');
      return `<line class="grid" x1="${round(left)}" x2="${round(left + w)}" y1="${round(y)}" y2="${round(y)}"/>${label}`;
    });
    const ticks = [...new Set(all.map(([x]) => x))].map((x) =>
      text(px(x), top + h + 16, x.toLocaleString('en-US'), 'text-anchor="middle"'),
    );
    const drawn = series.map(({name, points}) => {
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      const path = points.map(([x, y]) => `${round(px(x))},${round(py(y))}`).join(' ');
      const dots = points.map(([x, y]) => `<circle cx="${round(px(x))}" cy="${round(py(y))}" r="3" fill="${colour}"/>`);
      return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
    });
    return [text(left, top - 10, panelTitle), ...grid, ...ticks, ...drawn].join('\n');
  });
  return page(title, 74 + Math.ceil(panels.length / perRow) * height, [legend(names, 44), ...body]);
}

/** Groups of horizontal bars; values are shares of 1. */
export function bars(title: string, groups: readonly Group[]): string {
  const names = [...new Set(groups.flatMap((group) => group.bars.map(({name}) => name)))];
  const left = 150;
  const w = WIDTH - left - 70;
  let y = 66;
  const body = groups.flatMap(({title: groupTitle, bars: all}) => {
    const label = text(left - 8, y + 8 * all.length + 4, groupTitle, 'text-anchor="end"');
    const drawn = all.map(({name, value}) => {
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      const bar = `<rect x="${left}" y="${y}" width="${round(Math.max(1, value * w))}" height="13" fill="${colour}"/>`;
      const shown = text(left + value * w + 6, y + 11, `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`);
      y += 16;
      return bar + shown;
    });
    y += 10;
    return [label, ...drawn];
  });
  return page(title, y + 6, [legend(names, 44), ...body]);
}

/** One horizontal bar a stack, its largest parts told apart, all bars to one scale. */
export function stacks(title: string, all: readonly Stack[]): string {
  const shown = COLOURS.length - 1;
  const totals = new Map<string, number>();
  for (const {parts} of all) for (const {name, value} of parts) totals.set(name, (totals.get(name) ?? 0) + value);
  const named = [...totals]
    .sort((a, b) => b[1] - a[1])
    .slice(0, shown)
    .map(([name]) => name);
  const left = 150;
  const w = WIDTH - left - 80;
  const sum = ({parts}: Stack) => parts.reduce((total, {value}) => total + value, 0);
  const largest = Math.max(...all.map(sum), 1);
  const body = all.map((stack, i) => {
    const y = 66 + 24 * i;
    let x = left;
    const other = stack.parts.filter(({name}) => !named.includes(name)).reduce((total, {value}) => total + value, 0);
    const pieces = [...named.map((name) => stack.parts.find((part) => part.name === name)?.value ?? 0), other];
    const drawn = pieces.map((value, index) => {
      const piece = `<rect x="${round(x)}" y="${y}" width="${round((value / largest) * w)}" height="16" fill="${COLOURS[index % COLOURS.length]}"/>`;
      x += (value / largest) * w;
      return value > 0 ? piece : '';
    });
    const total = text(x + 6, y + 12, number(sum(stack)));
    return [text(left - 8, y + 12, stack.title, 'text-anchor="end"'), ...drawn, total].join('');
  });
  return page(title, 66 + 24 * all.length + 8, [legend([...named, 'other'], 44), ...body]);
}
