#!/usr/bin/env node
// `npx gemma-chat <command>`: the package's command line. Knows the commands' names only.
import {indexCommand} from './index-site/command.mjs';
import {serveOllamaCommand} from './serve-ollama/command.mjs';

const HELP = `npx gemma-chat <command>

  index          make an index of a built site's pages, for answers from them (--help for more)
  serve-ollama   hand the models of your Ollama to pages on this computer (--help for more)
`;

const [command, ...args] = process.argv.slice(2);
if (command === 'index') await indexCommand(args);
else if (command === 'serve-ollama') await serveOllamaCommand(args);
else if (command === undefined || command === '--help' || command === '-h' || command === 'help') console.log(HELP);
else {
  console.error(`gemma-chat: there is no command ${JSON.stringify(command)}\n\n${HELP}`);
  process.exitCode = 1;
}
