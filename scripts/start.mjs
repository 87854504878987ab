// `npm start`: builds and serves the demo page. PORT chooses the port; BUILT=1 takes dist/ as it is.
import path from 'node:path';
import {ROOT, run} from './lib/run.mjs';
import {serve} from './lib/serve.mjs';

if (process.env.BUILT !== '1') await run(process.execPath, ['scripts/build.mjs']);
const wanted = Number(process.env.PORT ?? 8080);
const options = {
  root: path.join(ROOT, 'dist'),
  handle(request, response) {
    if (request.url !== '/') return false;
    response.writeHead(302, {location: '/demo/'}).end();
    return true;
  },
};
const server = await serve({...options, port: wanted}).catch((error) => {
  if (error.code !== 'EADDRINUSE') throw error;
  if (!process.env.PORT) return serve(options);
  console.error(`PORT ${wanted} is in use. Choose another: PORT=${wanted + 1} npm start`);
  process.exit(1);
});
console.log(`\nThe demo page is at ${server.url}demo/   (Ctrl+C stops)`);
