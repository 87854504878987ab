// docs/conformance.md as it stands, read back: what a run did not ask keeps the figures it had. Knows no judge.

/** The page's head and its sections by title, in order. */
export function sectionsOf(page) {
  const [head, ...rest] = page.split(/^## /m);
  const sections = new Map(
    rest.map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1).trim()];
    }),
  );
  return {head, sections};
}

/** Rows of the first table whose header begins with `first`: a Map from header to cell each. None: []. */
export function tableRows(text, first) {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  if (start < 0) return [];
  const header = cellsOf(lines[start]);
  const rows = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(new Map(cellsOf(line).map((cell, i) => [header[i], cell])));
  }
  return rows;
}

function cellsOf(line) {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split('|')
    .map((cell) => cell.trim());
}

/** A table of these rows: Maps or arrays in the header's order. */
export function table(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map((row) => line(row instanceof Map ? header.map((name) => row.get(name) ?? '') : row)),
  ].join('\n');
}
