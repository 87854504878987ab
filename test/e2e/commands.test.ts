// The README's commands: `npm run ask` and `npm start`, over the files that are built already.
import {spawn} from 'node:child_process';
import path from 'node:path';
import {expect} from 'chai';

const root = path.resolve(import.meta.dirname, '../..');

function run(script: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    env: {...process.env, BUILT: '1', ...env},
  });
  const output = {stdout: '', stderr: ''};
  child.stdout.on('data', (data) => {
    output.stdout += data;
  });
  child.stderr.on('data', (data) => {
    output.stderr += data;
  });
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {child, output, code};
}

describe('npm run ask', () => {
  it('prints the element’s answer and exits with 0', async () => {
    const {output, code} = run('scripts/ask.mjs', ['How do I put you on my page?']);
    expect(await code, output.stderr).to.equal(0);
    expect(output.stdout).to.include('<gemma-chat model-src=');
  });

  it('says in one line what failed and exits with 1', async () => {
    const {output, code} = run('scripts/ask.mjs', ['Hello?'], {ASK_MODEL: 'demo/models/no-such-model.gguf'});
    expect(await code).to.equal(1);
    expect(output.stderr).to.match(/^ask: http-status: .*404/m);
  });

  it('asks for a question when there is none', async () => {
    const {output, code} = run('scripts/ask.mjs', []);
    expect(await code).to.equal(1);
    expect(output.stderr).to.include('npm run ask -- ');
  });
});

describe('npm start', () => {
  it('serves the demo page and its model by ranges', async () => {
    const {child, output, code} = run('scripts/start.mjs', [], {PORT: '0'});
    try {
      while (!/http:\S+/.test(output.stdout)) {
        await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), code]);
        if (child.exitCode !== null) throw new Error(output.stderr);
      }
      const url = output.stdout.match(/http:\S+/)![0];
      const page = await fetch(url);
      expect(page.status).to.equal(200);
      expect(await page.text()).to.include('<gemma-chat');
      const model = await fetch(new URL('models/gemma-chat-demo.gguf', url), {headers: {range: 'bytes=0-3'}});
      expect([model.status, await model.text()]).to.deep.equal([206, 'GGUF']);
    } finally {
      child.kill();
      await code;
    }
  });
});
