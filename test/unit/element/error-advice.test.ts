import {expect} from 'chai';
import {advise, type Situation} from '../../../src/element/chat/error-advice.ts';
import {ENGLISH} from '../../../src/element/languages/index.ts';
import {ERROR_CODES, type ErrorCode, GemmaError} from '../../../src/errors.ts';

const LOADING: Situation = {loaded: false, ownFile: false, online: true, secure: true};
const advice = (code: ErrorCode, situation: Partial<Situation> = {}, detail = {}) =>
  advise(new GemmaError(code, 'x', {detail}), {...LOADING, ...situation}, ENGLISH);

describe('what a visitor can do about an error', () => {
  it('is something for every code, or is the owner’s business, or another browser’s', () => {
    for (const code of ERROR_CODES) {
      const {title, text, notes, remedies} = advice(code);
      expect(title, code).not.to.equal(text);
      const helped = remedies.length > 0 || notes.length > 0 || /Chrome/.test(text);
      expect(helped, code).to.equal(true);
    }
  });

  it('names browsers where WebGPU is missing, and asks for nothing that would fail again', () => {
    const {text, remedies, hopeless} = advice('webgpu-missing');
    expect(text).to.match(/Chrome.*Edge.*Safari.*Firefox/);
    expect({remedies, hopeless}).to.deep.equal({remedies: [], hopeless: true});
  });

  it('says how much space is needed and free', () => {
    const {notes, title} = advice('storage-full', {}, {needed: 3_400_000_000, free: 900_000_000});
    expect(notes).to.deep.equal(['Needed: 3.4 GB. Free: 900 MB.']);
    expect(title).to.equal('There is no room for the model');
    expect(advice('storage-full', {}, {needed: 'x', free: null}).notes).to.deep.equal([]);
  });

  it('reloads the page where two versions meet, and begins anew where a conversation is full', () => {
    expect(advice('protocol-mismatch').remedies).to.deep.equal(['reload']);
    expect(advice('context-overflow', {loaded: true}).remedies).to.deep.equal(['fresh', 'retry']);
  });

  it('tells being offline from a network that fails', () => {
    expect(advice('network', {online: false}).text).to.include('You are offline');
    expect(advice('network').text).to.include('Check your connection');
    expect(advice('cors', {online: false}).text).not.to.include('offline');
  });

  it('sends to the owner what only the owner can change, unless the file is the visitor’s', () => {
    const owner = 'Only the owner of this site can change that.';
    expect(advice('not-gguf').notes).to.deep.equal([owner]);
    expect(advice('not-gguf', {ownFile: true}).notes).to.deep.equal([]);
    expect(advice('device-lost').notes).to.deep.equal([]);
  });

  it('does not blame the device for an answer that found no memory', () => {
    const {title, hopeless} = advice('out-of-memory', {loaded: true});
    expect({title, hopeless}).to.deep.equal({title: 'This could not be answered', hopeless: false});
  });
});
