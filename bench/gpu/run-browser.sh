#!/bin/sh
# The measurement in a real browser on a machine without network and browser:
#
#   run-browser.sh --stage FILE …               joins parts of the packed browser, in the order given; may be called again
#   run-browser.sh [--out DIR] [--commit ID] [--seconds N] [--models 'A,B'] [--dry]
#
# The parts are what pack-browser.mjs made. A machine that takes little at a time gets them in several calls. Results go
# to DIR (default $OUT, else .): browser.json, browser.md, browser.log. --dry runs in small on SwiftShader.
set -u
scratch=/tmp
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print int($4 / 1048576)}')" -ge 12 ] 2>/dev/null; then scratch=/dev/shm; fi
scratch=$scratch/gemma-chat-bench-browser
mkdir -p "$scratch"
if [ "${1:-}" = --stage ]; then
  shift
  for part; do cp "$part" "$scratch/" || exit 1; done
  ls -l "$scratch"
  exit 0
fi
out=${OUT:-.} commit=${COMMIT:-unknown} seconds=400 models='' dry=''
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift ;;
    --commit) commit=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --models) models=$2; shift ;;
    --dry) dry=--dry ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
if [ ! -d "$scratch/box" ]; then
  cat "$scratch"/browser.part* | xz -dc | tar -C "$scratch" -xf - || exit 1
fi
box=$scratch/box
# Only what the machine lacks: its own libraries fit its drivers.
mkdir -p "$scratch/lib"
for file in "$box"/lib/*; do
  name=$(basename "$file")
  ldconfig -p | grep -q "^[[:space:]]*$name " || ln -sf "$file" "$scratch/lib/$name"
done
icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
if [ -z "$dry" ] && [ -z "${VK_DRIVER_FILES:-}" ] && [ -f $icd ]; then export VK_DRIVER_FILES=$icd; fi
export HOME="$scratch" XDG_RUNTIME_DIR="$scratch"
mkdir -p "$out"
{
  LD_LIBRARY_PATH="$scratch/lib:${LD_LIBRARY_PATH:-}" timeout -k 10 "$seconds" "$box/node" "$box/browser.mjs" --box "$box" \
    --chrome "$box/chromium/chromium-headless-shell" --scratch "$scratch" --out "$out" --seconds "$((seconds - 15))" \
    --commit "$commit" ${models:+--models "$models"} $dry 2>&1
  echo $? >"$scratch/status"
} | tee "$out/browser.log"
exit "$(cat "$scratch/status")"
