import {expect} from 'chai';

type Rules = {createScriptURL: (url: string) => string};

/** A fresh copy of the module, in a page with these Trusted Types. */
async function load(trustedTypes: unknown): Promise<(url: string) => string> {
  Object.assign(globalThis, {trustedTypes});
  const fresh = `../../../src/client/trusted-types.ts?${Math.random()}`;
  return (await import(fresh)).workerScript;
}

describe('the address of the worker under Trusted Types', () => {
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'trustedTypes');
  });

  it('goes through one policy, which lets nothing else through', async () => {
    const made: {name: string; rules: Rules}[] = [];
    const createPolicy = (name: string, rules: Rules) => {
      made.push({name, rules});
      return {createScriptURL: (url: string) => `trusted ${rules.createScriptURL(url)}`};
    };
    const workerScript = await load({createPolicy});
    expect(workerScript('https://a.example/w.js')).to.equal('trusted https://a.example/w.js');
    expect(workerScript('blob:x')).to.equal('trusted blob:x');
    expect(made.map(({name}) => name)).to.deep.equal(['gemma-chat']);
    expect(() => made[0].rules.createScriptURL('https://a.example/w.js')).to.throw(TypeError);
  });

  it('stays as it is where there are none, or the page allows us no policy', async () => {
    const refuse = () => {
      throw new TypeError('Policy "gemma-chat" disallowed.');
    };
    for (const types of [undefined, {createPolicy: refuse}]) {
      expect((await load(types))('https://a.example/w.js')).to.equal('https://a.example/w.js');
    }
  });
});
