// The results as Markdown, for people. Measures nothing.

import type {ModelFigures} from './model-figures.ts';
import type {Results} from './results.ts';

/** Three significant digits. */
const number = (value: number | null | undefined): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 4));
};
const percent = (value: number | undefined): string => (value === undefined ? '–' : `${number(100 * value)} %`);

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}

/** A column for each key that any model has, in the order of their first number. */
function keysOf(models: readonly ModelFigures[], pick: (model: ModelFigures) => object): string[] {
  const keys = new Set(models.flatMap((model) => Object.keys(pick(model))));
  return [...keys].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

export function table({dry, date, commit, adapter, tests, roofline, models, skipped}: Results): string {
  const {dispatchUs, readbackUs} = roofline;
  const parts = [
    `# ${adapter.device}${dry ? ' — a dry run: these figures mean nothing' : ''}`,
    [
      `${adapter.description}${adapter.driver ? ` (${adapter.driver})` : ''}; commit ${commit}; ${date}; `,
      `Dawn of webgpu ${adapter.dawn}, Node ${adapter.node}. Subgroups of ${adapter.subgroupSizes.join(' to ')}; `,
      `shader-f16: ${adapter.features.includes('shader-f16') ? 'yes' : adapter.furtherFeatures.includes('shader-f16') ? 'only with a toggle' : 'no'}.`,
    ].join(''),
    tests
      ? `Tests: ${tests.passed} passed, ${tests.failed.length} failed, ${tests.skipped.length} skipped, ${tests.notRun} not run. They and the plain kernels use no f16.`
      : 'Tests: not run.',
    ...(tests?.failed.map(({title, error}) => `- FAILED ${title}: ${error.split('\n')[0]}`) ?? []),
    '## Roofline',
    rows(
      ['', 'figure'],
      [
        ['copy, GB/s read and written', number(roofline.copyGBs)],
        ['read, GB/s', number(roofline.readGBs)],
        ['f32 FMA, TFLOP/s', number(roofline.fmaTFlops)],
        ...Object.entries(dispatchUs).map(([name, us]) => [`dispatch, ${name}, µs`, number(us)]),
        ...Object.entries(readbackUs).map(([name, us]) => [`step with 4 bytes read back, ${name}, µs`, number(us)]),
      ],
    ),
  ];
  if (models.length > 0) parts.push(...modelTables(models));
  for (const model of models) parts.push(kernelTables(model));
  const left = [...skipped, ...models.flatMap((model) => model.skipped.map((line) => `${model.name}: ${line}`))];
  if (left.length > 0) parts.push('## Not measured', left.map((line) => `- ${line}`).join('\n'));
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function modelTables(models: readonly ModelFigures[]): string[] {
  const prompts = keysOf(models, ({prefill}) => prefill);
  const contexts = keysOf(models, ({decode}) => decode);
  const extended = keysOf(models, ({extend}) => extend);
  const batches = keysOf(models, ({batch}) => batch);
  return [
    '## Speed, tokens/s',
    rows(
      [
        'model',
        ...prompts.map((key) => `prefill ${key}`),
        'in wide chunks',
        ...extended.map((key) => `prefill ${key}`),
        ...contexts.map((key) => `decode at ${key}`),
        ...batches.map((key) => `${key} together`),
        'steps without logits',
      ],
      models.map((model) => [
        model.name,
        ...prompts.map((key) => number(model.prefill[key])),
        model.wide ? `${number(model.wide.tokensPerSecond)} (${model.wide.prompt} by ${model.wide.chunk})` : '–',
        ...extended.map((key) => number(model.extend[key])),
        ...contexts.map((key) => number(model.decode[key])),
        ...batches.map((key) => number(model.batch[key])),
        number(model.noLogits),
      ]),
    ),
    '## A decoded token',
    rows(
      [
        'model',
        'weights read, GB',
        ...contexts.map((key) => `share of read bandwidth at ${key}`),
        'dispatches',
        'step, µs',
        'encode, µs',
        'submit, µs',
        'GPU, one pass, µs',
        'GPU, a pass a dispatch, µs',
        'read-back of logits alone, µs',
        'argmax, µs',
      ],
      models.map((model) => [
        model.name,
        number(model.tokenBytes / 1e9),
        ...contexts.map((key) => percent(model.bandwidthShare[key])),
        String(model.perToken?.dispatches ?? '–'),
        number(model.host?.stepUs),
        number(model.host?.encodeUs),
        number(model.host?.submitUs),
        number(model.steps.decode?.gpuUs),
        number(model.steps.decode?.sumUs),
        number(model.readback?.readbackUs),
        number(model.readback?.argmaxUs),
      ]),
    ),
    '## Load',
    rows(
      ['model', 'file, GB', 'whole load, s', 'upload, s', 'upload, GB/s', 'last byte to first token, s', 'types'],
      models.map((model) => [
        model.name,
        number(model.fileBytes / 1e9),
        number(model.loadMs / 1000),
        number(model.uploadMs / 1000),
        number(model.uploadGBs),
        number(model.afterLastByteMs / 1000),
        Object.entries(model.bytesByType)
          .sort(([, a], [, b]) => b - a)
          .filter(([, bytes]) => bytes > 0.001 * model.fileBytes)
          .map(([type, bytes]) => `${type} ${((100 * bytes) / model.fileBytes).toFixed(0)} %`)
          .join(', '),
      ]),
    ),
  ];
}

/** The kernels that take most of a step, and the rest in one line. */
function kernelTables(model: ModelFigures): string {
  const shown = 12;
  const parts = Object.entries(model.steps).map(([step, times]) => {
    if (!times) return '';
    const rest = times.kernels.slice(shown);
    const body = times.kernels
      .slice(0, shown)
      .map(({kernel, dispatches, us, weightGBs}) => [
        kernel,
        String(dispatches),
        number(us),
        percent(us / times.sumUs),
        number(weightGBs),
      ]);
    const us = rest.reduce((sum, each) => sum + each.us, 0);
    const dispatches = rest.reduce((sum, each) => sum + each.dispatches, 0);
    if (rest.length > 0) body.push(['the rest', String(dispatches), number(us), percent(us / times.sumUs), '–']);
    const title = `### ${model.name}, ${step}: ${number(times.gpuUs)} µs in one pass, ${number(times.sumUs)} µs in a pass a dispatch`;
    return `${title}\n\n${rows(['kernel', 'dispatches', 'µs', 'share', 'weights, GB/s'], body)}`;
  });
  return parts.filter(Boolean).join('\n\n');
}
