// The command line of serve-ollama: reads its options, starts the server, says where the models are.
import {existsSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {listModels} from './models.mjs';
import {serveOllama} from './server.mjs';

// Beside Ollama's own 11434.
const DEFAULT_PORT = 11435;

const HELP = `npx gemma-chat serve-ollama [options]

Serves the model files of an Ollama on this computer, to pages on this computer only. A model is then
  <gemma-chat model-src="http://localhost:${DEFAULT_PORT}/gemma4:e2b"></gemma-chat>
Ollama itself need not run.

  --models <folder>   Ollama's models folder, with manifests/ and blobs/. Default: OLLAMA_MODELS, else ~/.ollama/models,
                      else /usr/share/ollama/.ollama/models
  --port <number>     Default ${DEFAULT_PORT}; 0 takes any that is free
  --origin <origin>   A site that may read the models, as https://example.com; may be given several times. Pages of this
                      computer itself (http://localhost, on any port) always may; no other site may unless it is named
  --help              This text`;

const OPTIONS = {
  models: {type: 'string'},
  port: {type: 'string'},
  origin: {type: 'string', multiple: true},
  help: {type: 'boolean', short: 'h'},
};

/** Where Ollama keeps its models: what OLLAMA_MODELS says, or the first usual place that is there. */
export function defaultModels({env = process.env, home = homedir(), exists = existsSync} = {}) {
  if (env.OLLAMA_MODELS) return env.OLLAMA_MODELS;
  const own = path.join(home, '.ollama', 'models');
  // Where the installer for Linux runs Ollama as a service.
  const places = [own, '/usr/share/ollama/.ollama/models', '/var/lib/ollama/.ollama/models'];
  return places.find((place) => exists(path.join(place, 'manifests'))) ?? own;
}

export async function serveOllamaCommand(args) {
  try {
    const {values} = parseArgs({args, options: OPTIONS});
    if (values.help) return console.log(HELP);
    const port = readPort(values.port);
    const origins = (values.origin ?? []).map(readOrigin);
    const models = path.resolve(values.models ?? defaultModels());
    if (!existsSync(path.join(models, 'manifests'))) {
      throw new Error(`${models} is no models folder of Ollama: it has no manifests/. Name yours with --models`);
    }
    const server = await serveOllama({models, port, origins});
    await announce(models, server.url, origins);
    const stop = () => server.close();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  } catch (error) {
    const inUse = error.code === 'EADDRINUSE' ? ': is another one running? Choose another with --port' : '';
    console.error(`serve-ollama: ${error.message}${inUse}`);
    process.exitCode = 1;
  }
}

async function announce(models, url, origins) {
  console.log(`Serving ${models} at ${url}`);
  const sites =
    origins.length > 0
      ? ` and of ${origins.join(', ')}`
      : '; other sites are refused unless you name them with --origin';
  console.log(`Pages of this computer may read it${sites}`);
  const found = await listModels(models);
  for (const {name, size} of found) console.log(`  model-src="${url}${name}"  ${(size / 1e9).toFixed(2)} GB`);
  if (found.length === 0) console.log('  There is no model in it yet: ollama pull gemma3');
}

function readPort(text) {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new Error(`--port is ${JSON.stringify(text)}; expected a number from 0 to 65535`);
}

function readOrigin(text) {
  if (URL.canParse(text) && new URL(text).origin !== 'null') return new URL(text).origin;
  throw new Error(`--origin is ${JSON.stringify(text)}; expected an origin, as https://example.com`);
}
