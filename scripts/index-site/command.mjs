// The command line of index: reads its options, makes the index, says what came of it.
import path from 'node:path';
import {parseArgs} from 'node:util';

const HELP = `npx gemma-chat index <folder> [options]

Makes an index of the built site in <folder> (HTML as any generator writes it; Markdown and text where there is no HTML),
so that a chat finds passages in it and answers from them:
  <gemma-chat model-src="…gguf" knowledge-src="/knowledge/"></gemma-chat>
A second run writes only what has changed. Nothing runs on the server; upload the folder with the site.

  --out <folder>        Where the index goes. Default: <folder>/knowledge
  --language <code>     Language of pages that name none, as en or de. Default: en
  --vectors <folder>    Let questions find what they mean in other words: a folder with a small BERT for sentences as Hugging
                        Face stores it (config.json, vocab.txt, model.safetensors), such as
                        sentence-transformers/all-MiniLM-L6-v2. It becomes part of the index, in 4 bits: 8 MB that a
                        visitor's browser fetches after the first question
  --exclude <path>      A folder or file to leave out; may be given several times
  --list                Name every file that was skipped
  --help                This text

A page is left out by <meta name="robots" content="noindex">, a part of it by the attribute data-gemma-ignore (or
data-pagefind-ignore); data-gemma-body (or data-pagefind-body) marks the part that counts.`;

const OPTIONS = {
  out: {type: 'string'},
  language: {type: 'string'},
  vectors: {type: 'string'},
  exclude: {type: 'string', multiple: true},
  list: {type: 'boolean'},
  help: {type: 'boolean', short: 'h'},
};

/** Why a file is no part of an index, in words. */
const REASONS = {
  noindex: 'say noindex',
  redirect: 'only lead on to another page',
  empty: 'have no text',
  links: 'are lists of links',
  'too-deep': 'are nested too deeply',
  'too-large': 'are too large',
  duplicate: 'say what another page says',
  source: 'are text beside built pages',
  unreadable: 'cannot be read',
};

/** Where the function is: built. `load` is for tests. */
const built = () => import('../../dist/index-site.js');

export async function indexCommand(args, {load = built, log = console.log, stream = process.stderr} = {}) {
  try {
    const {values, positionals} = parseArgs({args, options: OPTIONS, allowPositionals: true});
    if (values.help) return log(HELP);
    if (positionals.length !== 1) throw new Error('name one folder, that of the built site (--help for more)');
    const {indexSite} = await load();
    const {out, language, vectors, exclude, list} = values;
    const report = await indexSite({
      folder: positionals[0],
      out,
      language,
      vectors,
      exclude,
      onProgress: progress(stream),
    });
    if (stream.isTTY) stream.write('\r\x1b[K');
    log(table(report, {out: out ?? path.join(positionals[0], 'knowledge'), list}));
  } catch (error) {
    console.error(`index: ${error.message}`);
    process.exitCode = 1;
  }
}

function progress(stream) {
  if (!stream.isTTY) return undefined;
  let last = -1;
  return (done, total) => {
    const percent = Math.floor((100 * done) / Math.max(total, 1));
    if (percent !== last) stream.write(`\r${percent} % of ${total} files`);
    last = percent;
  };
}

function table(report, {out, list}) {
  const {pages, passages, files, bytes, written, removed, vectors, skipped, integrity, milliseconds} = report;
  const size = bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
  const rows = [
    ['pages', pages],
    ['passages', passages],
    ['files', `${files}, ${size}; ${written} written, ${removed} removed`],
    ...(vectors
      ? [['vectors', `${vectors.model} (licence: ${vectors.license || 'not named'}); ${vectors.reused} taken over`]]
      : []),
    ['seconds', (milliseconds / 1000).toFixed(1)],
    ['folder', out],
    ['integrity', integrity],
    ...Object.entries(skipped).map(([reason, names]) => [
      'skipped',
      `${names.length} ${REASONS[reason] ?? reason}`,
      names,
    ]),
  ];
  return rows
    .flatMap(([name, value, names]) => [
      `${name.padEnd(10)} ${value}`,
      ...(names && list ? names.map((each) => `             ${each}`) : []),
    ])
    .join('\n');
}
