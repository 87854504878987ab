import {expect} from 'chai';
import {GemmaError, isAbort} from '../../src/errors.ts';
import {wireError} from '../../src/protocol/wire-error.ts';

describe('GemmaError', () => {
  it('keeps code, message and detail across the wire', () => {
    const error = new GemmaError('quant-unsupported', 'x is IQ1_S', {detail: {type: 'IQ1_S'}});
    const copy = GemmaError.fromWire(structuredClone(wireError(error)));
    expect(wireError(copy)).to.deep.equal(wireError(error));
    expect(copy).to.be.instanceOf(GemmaError);
  });

  it('cuts texts of any length, which files and servers may bring in', () => {
    const error = new GemmaError('template-invalid', 'x'.repeat(3e6), {detail: {reason: 'y'.repeat(3e6), n: 7}});
    expect(JSON.stringify(wireError(error))).to.have.length.below(2200);
    expect(error.detail.n).to.equal(7);
  });

  it('wraps what is not a GemmaError and keeps the cause', () => {
    const cause = new TypeError('boom');
    const error = GemmaError.from(cause);
    expect([error.code, error.message, error.cause]).to.deep.equal(['internal', 'boom', cause]);
  });

  it('tells an abort from an error', () => {
    expect(isAbort(new DOMException('stopped', 'AbortError'))).to.equal(true);
    expect(isAbort(new GemmaError('internal', 'x'))).to.equal(false);
  });
});
