// Runs a command of the project with its output shown; rejects when it fails.
import {spawn} from 'node:child_process';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * @param {string} command a program, or the name of one in node_modules/.bin
 * @returns {Promise<string>} what it printed on standard output
 */
export function run(command, args = [], {env = {}, quiet = false, cwd = ROOT} = {}) {
  const PATH = [path.join(ROOT, 'node_modules/.bin'), process.env.PATH].join(path.delimiter);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: {...process.env, PATH, ...env},
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      if (!quiet) process.stdout.write(data);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(Object.assign(new Error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${code}`}`), {output}));
    });
  });
}

/** Runs a script's body; a failure is one line and exit code 1, since the command that failed has said why. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error.message.split('\n')[0].slice(0, 300));
    process.exitCode = 1;
  }
}
