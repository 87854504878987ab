// The Python side of the judges: an environment in an ignored folder, made on demand from python/requirements.txt, and a
// process of python/serve.py that answers one request at a time. Knows no figures.
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {run} from '../../scripts/lib/run.mjs';
import {oneAtATime} from './turns.mjs';

const folder = (name) => fileURLToPath(new URL(name, import.meta.url));

/** What is fetched, and made of what was fetched; in .gitignore. */
export const CACHE = folder('.cache/');
const REQUIREMENTS = folder('python/requirements.txt');
const ENVIRONMENT = path.join(CACHE, 'python');
const PYTHON = path.join(ENVIRONMENT, 'bin/python');

/** The interpreter of the environment, which is made where it is missing or of other versions. 1.2 GB, two minutes. */
export async function preparePython() {
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  const stamp = path.join(ENVIRONMENT, 'requirements.txt');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return PYTHON;
  console.log(`installing torch and transformers into ${ENVIRONMENT} …`);
  rmSync(ENVIRONMENT, {recursive: true, force: true});
  mkdirSync(CACHE, {recursive: true});
  await run('python3', ['-m', 'venv', ENVIRONMENT]);
  await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  writeFileSync(stamp, wanted);
  return PYTHON;
}

/**
 * A running script of python/ that reads a JSON request a line and answers each with a line.
 * @returns {Promise<{ask: (request: object) => Promise<object>, close: () => Promise<void>}>} `ask` rejects with the
 *   script's own message where it answers {error}
 */
export async function openPython(script = 'serve.py') {
  const child = spawn(await preparePython(), [path.join(folder('python/'), script)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {...process.env, PYTHONDONTWRITEBYTECODE: '1', TRANSFORMERS_VERBOSITY: 'error'},
  });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', resolve);
  });
  child.stdin.on('error', () => {}); // the missing answer says it
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const turn = oneAtATime();
  return {
    ask: (request) =>
      turn(async () => {
        child.stdin.write(`${JSON.stringify(request)}\n`);
        const {value, done} = await lines.next();
        if (done) throw new Error(`${script} ended before it answered "${request.do}"`);
        const answer = JSON.parse(value);
        if (answer.error) throw new Error(`${script}: ${answer.error}`);
        return answer;
      }),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
