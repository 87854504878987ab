import {expect} from 'chai';
import {openHandles} from '../../../src/element/model/files/handles.ts';

/** A handle as a picker's: it has to be asked for anew at every visit. */
function handle(name: string, state: PermissionState, answer: PermissionState = state) {
  const asked: string[] = [];
  const fake = {
    kind: 'file',
    name,
    asked,
    queryPermission: async () => state,
    async requestPermission({mode}: {mode: string}) {
      asked.push(mode);
      return answer;
    },
    getFile: async () => ({name}) as File,
  };
  return fake as unknown as FileSystemFileHandle & {asked: string[]};
}

describe('the files behind kept handles', () => {
  it('are opened where the visitor let us before, without asking', async () => {
    const granted = handle('a', 'granted');
    expect(await openHandles([granted])).to.deep.equal([{name: 'a'}]);
    expect(granted.asked).to.deep.equal([]);
  });

  it('are asked for, to read and no more, and opened where the visitor agrees', async () => {
    const handles = [handle('a', 'prompt', 'granted'), handle('b', 'prompt', 'granted')];
    expect(await openHandles(handles)).to.deep.equal([{name: 'a'}, {name: 'b'}]);
    expect(handles.map(({asked}) => asked)).to.deep.equal([['read'], ['read']]);
  });

  it('are left alone where the visitor refuses one', async () => {
    expect(await openHandles([handle('a', 'granted'), handle('b', 'prompt', 'denied')])).to.equal(null);
  });

  it('reject where a file is gone', async () => {
    const gone = Object.assign(handle('a', 'granted'), {
      getFile: () => Promise.reject(new DOMException('gone', 'NotFoundError')),
    });
    expect(await openHandles([gone]).catch((error) => error.name)).to.equal('NotFoundError');
  });
});
