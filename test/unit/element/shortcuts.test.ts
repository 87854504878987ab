import {expect} from 'chai';
import {pressed, type ShortcutActions} from '../../../src/element/page/shortcuts.ts';

const PLAIN = {altKey: false, shiftKey: false, ctrlKey: false, metaKey: false, isComposing: false, code: ''};
const ALT = {...PLAIN, altKey: true, shiftKey: true};

/** Which action a key takes, and whether the page still gets it. */
function press(init: object, without: keyof ShortcutActions | null = null): string[] {
  const done: string[] = [];
  const event = {defaultPrevented: false, preventDefault: () => done.push('kept from the page'), ...PLAIN, ...init};
  const action = (name: keyof ShortcutActions) => (name === without ? null : () => void done.push(name));
  pressed(event as unknown as KeyboardEvent, {
    stop: action('stop'),
    history: action('history'),
    fresh: action('fresh'),
  });
  return done;
}

describe('shortcuts', () => {
  it('stop, list and begin', () => {
    expect(press({key: 'Escape'})).to.deep.equal(['kept from the page', 'stop']);
    // Alt may write another character: the place of the key counts.
    expect(press({...ALT, key: 'Ó', code: 'KeyH'})).to.deep.equal(['kept from the page', 'history']);
    expect(press({...ALT, key: 'N', code: 'KeyN'})).to.deep.equal(['kept from the page', 'fresh']);
  });

  it('leave to others what is not theirs', () => {
    for (const init of [
      {key: 'h', code: 'KeyH'},
      {...ALT, shiftKey: false, key: 'h', code: 'KeyH'},
      {...ALT, ctrlKey: true, key: 'H', code: 'KeyH'},
      {...ALT, key: 'Escape'},
      {...ALT, key: 'x', code: 'toString'},
      {key: 'Escape', isComposing: true},
      {key: 'Escape', defaultPrevented: true},
    ]) {
      expect(press(init), JSON.stringify(init)).to.deep.equal([]);
    }
  });

  it('leave a key alone that has nothing to do', () => {
    expect(press({key: 'Escape'}, 'stop')).to.deep.equal([]);
    expect(press({...ALT, key: 'H', code: 'KeyH'}, 'history')).to.deep.equal([]);
  });
});
