// Finds a Chromium-family browser, or gets one. CHROME_PATH goes first; then the usual places; then an install.
import {execFileSync, spawnSync} from 'node:child_process';
import {accessSync, constants, existsSync} from 'node:fs';
import path from 'node:path';

const NAMES = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'microsoft-edge'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ...['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) =>
    process.env[variable]
      ? [
          path.join(process.env[variable], 'Google/Chrome/Application/chrome.exe'),
          path.join(process.env[variable], 'Microsoft/Edge/Application/msedge.exe'),
        ]
      : [],
  ),
];

/** Flags under which WebGPU runs on a machine without a GPU, and nothing is asked of the network. */
export const CHROME_ARGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-quic',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
];

const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The path of an installed browser, or null. */
export function findChrome() {
  const wanted = process.env.CHROME_PATH;
  if (wanted) {
    if (!isExecutable(wanted)) throw new Error(`CHROME_PATH is ${wanted}, which is no executable file`);
    return wanted;
  }
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const onPath = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return [...onPath, ...PLACES].find(isExecutable) ?? playwrightChrome();
}

/** A browser that Playwright downloaded earlier, or null. */
function playwrightChrome() {
  const script = "import('playwright-core').then(({chromium}) => process.stdout.write(chromium.executablePath()))";
  const {stdout} = spawnSync(process.execPath, ['--input-type=module', '-e', script], {encoding: 'utf8'});
  return stdout && isExecutable(stdout) ? stdout : null;
}

/** The path of a browser; installs one where there is none. Throws the one line to type where that fails. */
export function ensureChrome() {
  const found = findChrome();
  if (found) return found;
  console.log('No Chrome, Chromium or Edge found; getting one.');
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    const options = {stdio: 'inherit', env: {...process.env, DEBIAN_FRONTEND: 'noninteractive'}};
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], options);
  } else {
    spawnSync('npx', ['playwright-core', 'install', '--only-shell', 'chromium'], {stdio: 'inherit'});
  }
  const installed = findChrome();
  if (installed) return installed;
  throw new Error('No browser could be installed. Install Chrome and type: CHROME_PATH=/path/to/chrome npm test');
}

/** The version the browser reports of itself. */
export const chromeVersion = (file) => execFileSync(file, ['--version'], {encoding: 'utf8'}).trim();
