// The contract, over every source there is; and what is particular to memory and blobs.
import {expect} from 'chai';
import {blobSource} from '../../../src/store/sources/blob-source.ts';

import {joinedSource} from '../../../src/store/sources/joined-source.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {describeByteSource} from './byte-source-contract.ts';
import {type LocalServer, serveRanges, serveWhole, startServer} from './local-server.ts';
import {openUrl} from './open-url.ts';
import {rejection} from './rejection.ts';

describe('byte sources', () => {
  let server: LocalServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  describeByteSource('memory', async (bytes) => memorySource(bytes, 'bytes'));
  describeByteSource('a blob', async (bytes) => blobSource(new Blob([bytes as BlobPart]), 'blob'));
  describeByteSource('files end to end', async (bytes) => {
    // Cut where the contract's ranges lie across, with an empty file among them.
    const cuts = [0, 65_536, 65_536, 4 * 2 ** 20, bytes.length];
    return joinedSource(cuts.slice(1).map((end, i) => memorySource(bytes.subarray(cuts[i], end))));
  });
  describeByteSource('an HTTP server with ranges', async (bytes) => {
    server.handler = serveRanges(bytes);
    return openUrl(server.url);
  });
  describeByteSource('an HTTP server without ranges, for a small file', async (bytes) => {
    server.handler = serveWhole(bytes);
    return openUrl(server.url);
  });

  it('says that a file on disk was changed when the browser no longer reads it', async () => {
    const gone = Object.assign(new Blob(['abcd']), {
      slice: () => ({arrayBuffer: () => Promise.reject(new DOMException('was modified', 'NotReadableError'))}),
    });
    const error = await rejection(blobSource(gone as unknown as Blob, 'gone.gguf').read(0, 2));
    expect(error).to.include({code: 'file-changed'});
    expect(String(error)).to.match(/gone\.gguf.*was modified.*choose it again/);
  });
});
