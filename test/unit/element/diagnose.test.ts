import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import {type DiagnosedChat, diagnose} from '../../../src/element/diagnose.ts';
import {VERSION} from '../../../src/element/version.ts';
import {GemmaError} from '../../../src/errors.ts';
import {PROTOCOL_VERSION} from '../../../src/protocol/messages.ts';

const CHAT: DiagnosedChat = {
  protocol: PROTOCOL_VERSION,
  status: 'consent',
  model: 'gemma.gguf',
  client: null,
  error: null,
  settings: {seed: null},
};

const navigatorWith = (parts: object) => ({userAgent: 'Browser/1', onLine: true, ...parts}) as unknown as Navigator;

const GPU = {
  requestAdapter: async () => ({
    info: {vendor: 'acme', architecture: 'a1', device: '', description: 'Acme GPU'},
    features: new Set(['subgroups', 'shader-f16']),
    limits: {maxBufferSize: 1024, maxStorageBufferBindingSize: 512},
  }),
};

describe('the report', () => {
  it('names the release that package.json names', () => {
    expect(JSON.parse(readFileSync('package.json', 'utf8')).version).to.equal(VERSION);
  });

  it('tells browser, adapter, features, limits, storage and settings', async () => {
    const storage = {estimate: async () => ({usage: 5, quota: 10}), persisted: async () => true};
    const report = await diagnose({...CHAT, settings: {seed: 3, maxTokens: null}}, navigatorWith({gpu: GPU, storage}));
    for (const line of [
      `gemma-chat: ${VERSION}, protocol ${PROTOCOL_VERSION}`,
      'browser: Browser/1',
      'adapter: acme, a1, Acme GPU',
      'features: shader-f16 subgroups',
      'storage: 5 of 10 bytes, persistent',
      'settings: seed=3',
      'model: gemma.gguf',
      'worker: not connected',
      'last error: none',
    ]) {
      expect(report.split('\n')).to.include(line);
    }
    expect(report).to.include('maxBufferSize=1024 maxStorageBufferBindingSize=512');
  });

  it('is whole where nothing can be learnt', async () => {
    const refuse = () => Promise.reject(new Error('no'));
    const failing = navigatorWith({gpu: {requestAdapter: refuse}, storage: {estimate: refuse, persisted: refuse}});
    expect(await diagnose(CHAT, failing))
      .to.include('webgpu: no adapter')
      .and.to.include('storage: unknown');
    expect(await diagnose(CHAT, navigatorWith({}))).to.include('webgpu: missing');
    const dead = {shared: true, model: {name: 'G\nemma', parameters: 7}, stats: refuse} as never;
    const report = await diagnose({...CHAT, client: dead}, navigatorWith({}));
    expect(report).to.include('worker: shared, no answer').and.to.include('model: name=G emma parameters=7');
  });

  it('holds no address, and of an error’s facts only numbers', async () => {
    const error = new GemmaError('http-status', 'https://secret.example/m.gguf?sig=KEY:\nanswered 404 (see blob:x)', {
      detail: {status: 404, url: 'https://secret.example/'},
    });
    const report = await diagnose({...CHAT, error}, navigatorWith({}));
    expect(report).to.include('last error: http-status: (address)').and.to.include('error facts: status=404');
    expect(report).not.to.match(/secret|KEY/);
  });
});
