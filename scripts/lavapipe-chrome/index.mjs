// Launch options under which Chromium's WebGPU adapter is lavapipe (f16, subgroups of 8). Test and bench only; needs gcc,
// Vulkan's headers and Mesa's lavapipe (Debian: gcc libvulkan-dev mesa-vulkan-drivers). Says null where they lack.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const LAYER = 'VK_LAYER_GEMMA_lavapipe';
const here = path.dirname(fileURLToPath(import.meta.url));

/** @returns {{args: string[], env: Record<string, string>} | null} additions to the browser's flags and environment */
export function lavapipeChrome() {
  if (process.platform !== 'linux' || !existsSync('/usr/share/vulkan/icd.d/lvp_icd.json')) return null;
  const folder = path.join(os.tmpdir(), 'gemma-chat-lavapipe-chrome');
  mkdirSync(folder, {recursive: true});
  const library = path.join(folder, 'libshim.so');
  const built = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, path.join(here, 'shim.c'), '-ldl']);
  if (built.status !== 0) return null;
  const functions = {vkNegotiateLoaderLayerInterfaceVersion: 'vkNegotiateLoaderLayerInterfaceVersion'};
  const layer = {name: LAYER, type: 'GLOBAL', library_path: './libshim.so', api_version: '1.3.0', functions};
  const manifest = {
    file_format_version: '1.1.2',
    layer: {...layer, implementation_version: '1', description: 'lavapipe as software adapter'},
  };
  writeFileSync(path.join(folder, 'layer.json'), JSON.stringify(manifest));
  return {
    args: ['--use-angle=vulkan', '--enable-features=Vulkan', '--ignore-gpu-blocklist'],
    env: {
      ...process.env,
      LD_PRELOAD: library,
      VK_LOADER_DRIVERS_SELECT: 'lvp_icd*',
      VK_LAYER_PATH: folder,
      VK_INSTANCE_LAYERS: LAYER,
    },
  };
}
