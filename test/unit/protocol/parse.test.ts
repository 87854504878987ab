import {expect} from 'chai';
import type {GemmaError} from '../../../src/errors.ts';
import {parseReply} from '../../../src/protocol/parse-reply.ts';
import {parseRequest} from '../../../src/protocol/parse-request.ts';

describe('parseRequest', () => {
  const good = [
    {type: 'hello', id: 1, version: 1, lock: null},
    {type: 'load', id: 1, model: {url: 'https://x/y.gguf'}, options: {contextLength: 64, perLayerEmbeddings: 'host'}},
    {type: 'load', id: 1, model: {files: [{blob: new Blob([]), name: 'x'}]}},
    {type: 'chat', id: 1, request: {messages: [{role: 'user', content: 'x'}], temperature: 0}},
    {type: 'completion', id: 1, request: {prompt: [1, 2]}},
    {type: 'tokenize', id: 1, text: ''},
    {type: 'template', id: 1, messages: [{role: 'user', content: 'x'}]},
    {type: 'abort', id: 1},
    {type: 'bye'},
  ];
  for (const message of good) {
    it(`takes ${message.type}`, () => {
      expect(parseRequest(message)).to.equal(message);
    });
  }

  it('drops what has no id to answer to', () => {
    for (const garbage of [null, undefined, 1, 'bye', [], {}, {type: 'load'}, {id: -1}, {id: 1.5, type: 'stats'}]) {
      expect(parseRequest(garbage)).to.equal(null);
    }
  });

  const bad: [unknown, string][] = [
    [{type: 'news', id: 1}, 'protocol-mismatch'],
    [{type: 'constructor', id: 1}, 'protocol-mismatch'],
    [{type: 'load', id: 1, model: {files: [{blob: 'text', name: 'x'}]}}, 'protocol-mismatch'],
    [{type: 'inspect', id: 1, model: {files: []}}, 'protocol-mismatch'],
    [{type: 'load', id: 1, model: {url: 'x', integrity: 7}}, 'protocol-mismatch'],
    [{type: 'load', id: 1, model: {url: 'x'}, options: {contextLength: 0}}, 'option-invalid'],
    [{type: 'load', id: 1, model: {url: 'x'}, options: {perLayerEmbeddings: 'disk'}}, 'option-invalid'],
    [{type: 'load', id: 1, model: {url: 'x'}, options: {memoryBudget: 1}}, 'option-unknown'],
    [{type: 'remove', id: 1}, 'protocol-mismatch'],
    [{type: 'detokenize', id: 1, ids: [-1]}, 'protocol-mismatch'],
    [{type: 'chat', id: 1, request: null}, 'protocol-mismatch'],
    [{type: 'chat', id: 1, request: {}}, 'option-invalid'],
    [{type: 'chat', id: 1, request: {messages: [{role: 'user'}]}}, 'option-invalid'],
    [{type: 'completion', id: 1, request: {prompt: 'x', top_k: -1}}, 'option-invalid'],
    [{type: 'completion', id: 1, request: {prompt: 'x', top_logprobs: 1}}, 'option-invalid'],
    [{type: 'completion', id: 1, request: {prompt: 'x', beams: 2}}, 'option-unknown'],
  ];
  for (const [message, code] of bad) {
    it(`says ${code} to ${JSON.stringify(message)}`, () => {
      const parsed = parseRequest(message) as {type: string; id: number; error: GemmaError};
      expect([parsed.type, parsed.id, parsed.error.code]).to.deep.equal(['bad', 1, code]);
    });
  }
});

describe('parseReply', () => {
  it('takes an error of a known code only', () => {
    const reply = {type: 'error', id: 1, error: {code: 'network', message: 'm'}};
    expect(parseReply(reply)).to.equal(reply);
    const strange = parseReply({type: 'error', id: 1, error: {code: 'nonsense', message: 'm'}});
    expect(strange).to.have.nested.property('error.code', 'protocol-mismatch');
  });

  it('refuses lists with holes and of any length, without walking through them', () => {
    const start = performance.now();
    const endless: number[] = [];
    endless.length = 2 ** 32 - 1;
    const holed = [2, 3, 5];
    delete holed[1];
    for (const ids of [endless, holed, new Array(2 ** 21).fill(1)]) {
      expect(parseRequest({type: 'detokenize', id: 1, ids})).to.have.property('type', 'bad');
      expect(parseRequest({type: 'completion', id: 1, request: {prompt: ids}})).to.have.property('type', 'bad');
      expect(parseRequest({type: 'chat', id: 1, request: {messages: ids}, resume: ids})).to.have.property(
        'type',
        'bad',
      );
    }
    expect(performance.now() - start).to.be.below(1000);
  });
});
