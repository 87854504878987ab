// The judge's own operations against values worked out by hand.
import {expect} from 'chai';
import {judge, SMALL, TOKENS, testModel} from '../../helpers/engine.ts';
import {ReferenceModel} from '../../reference/forward.ts';
import {attend, gelu, rmsNorm, rope, softcap, topExperts} from '../../reference/model-ops.ts';

describe('reference operations', () => {
  it('gelu is the tanh form, finite everywhere', () => {
    expect(gelu(1)).to.be.closeTo(0.8411919906, 1e-10);
    expect(gelu(-1)).to.be.closeTo(-0.1588080094, 1e-10);
    expect([gelu(40), gelu(1e4)]).to.deep.equal([40, 1e4]);
    expect(Math.abs(gelu(-40)) + Math.abs(gelu(-1e4))).to.equal(0);
  });

  it('rms_norm gives a unit root mean square, then the weight', () => {
    const y = rmsNorm(Float64Array.of(3, -4, 0, 0), 0, Float32Array.of(1, 2, 1, 1));
    [1.2, -3.2, 0, 0].forEach((value, i) => {
      expect(y[i]).to.be.closeTo(value, 1e-15); // rms 2.5
    });
  });

  it("rope turns Gemma 4's full layers by 1 rad, by 1e6^(−126/512), and not at all behind a quarter", () => {
    const factors = Float32Array.from({length: 256}, (_, i) => (i < 64 ? 1 : 1e30));
    const turned = (i: number) => {
      const x = new Float64Array(512);
      x[i] = 1;
      const y = rope(x, 512, 1, 1e6, factors);
      return Math.atan2(y[i + 256], y[i]);
    };
    expect(turned(0)).to.be.closeTo(1, 1e-12);
    expect(turned(63)).to.be.closeTo(0.0333762, 1e-7);
    expect(turned(64)).to.be.closeTo(0, 1e-25);
  });

  // Values that name their position: the mean of those that are visible tells which they were.
  for (const [position, window, first] of [
    [511, 512, 0],
    [512, 512, 1],
    [512, 0, 0],
    [0, 1, 0],
    [5, 1, 5],
  ]) {
    it(`attention at ${position} with a window of ${window} sees ${first} … ${position}`, () => {
      const zeros = Array.from({length: position + 1}, () => Float64Array.of(0, 0, 0, 0));
      const values = zeros.map((_, p) => Float64Array.of(p, 1, 0, 0));
      const shape = {nHead: 1, nHeadKv: 1, headDim: 4, window, scale: 1, softcap: 0};
      const y = attend(Float64Array.of(0, 0, 0, 0), zeros, values, position, shape);
      expect(y[0]).to.be.closeTo((first + position) / 2, 1e-9);
      expect(y[1]).to.be.closeTo(1, 1e-12);
    });
  }

  it('attention gives query head j the KV head ⌊j·G/H⌋', () => {
    const keys = [new Float64Array(8)];
    const values = [Float64Array.of(1, 1, 1, 1, 2, 2, 2, 2)];
    const shape = {nHead: 4, nHeadKv: 2, headDim: 4, window: 0, scale: 1, softcap: 0};
    const y = attend(new Float64Array(16), keys, values, 0, shape);
    expect([0, 4, 8, 12].map((at) => y[at])).to.deep.equal([1, 1, 2, 2]);
  });

  it('topExperts takes the largest, equals by index, with the softmax over them alone', () => {
    const chosen = topExperts(Float64Array.of(1, 1 + Math.log(3), 0, 1), 2);
    expect(chosen.map(({expert}) => expert)).to.deep.equal([1, 0]);
    expect(chosen[0].weight).to.be.closeTo(0.75, 1e-15);
    expect(chosen[1].weight).to.be.closeTo(0.25, 1e-15);
  });

  it('softcap bends into ±cap, and 0 leaves alone', () => {
    expect(softcap(Float64Array.of(1e6, -1e6, 0), 30)).to.deep.equal(Float64Array.of(30, -30, 0));
    expect(softcap(Float64Array.of(1e6), 0)).to.deep.equal(Float64Array.of(1e6));
  });
});

describe('ReferenceModel', () => {
  it('is causal, and gives the logits that are asked for', async () => {
    const {source, file} = await testModel({type: 'Q4_K'});
    const model = await ReferenceModel.load(source, file);
    const whole = await judge({type: 'Q4_K'});
    const part = model.logits(TOKENS.slice(0, 20), {from: 18});
    expect(part).to.deep.equal(whole.slice(18, 20));
  });

  it('shows its intermediate rows by name', async () => {
    const {source, file} = await testModel({type: 'Q4_K'});
    const model = await ReferenceModel.load(source, file);
    const seen: string[] = [];
    model.logits([2, 5], {
      trace: (name, rows) => {
        seen.push(name);
        expect(rows[0].length).to.equal(SMALL.nEmbd);
      },
    });
    expect(seen).to.include.members(['inp_scaled', 'attn_out-0', 'ffn_out-4', 'l_out-4', 'result_norm']);
  });
});
