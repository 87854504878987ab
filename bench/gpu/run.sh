#!/bin/sh
# The unattended measurement on a machine without network, Node and packages:
#
#   bench/gpu/run.sh <folder> [--out DIR] [--commit ID] [--seconds N] [--models 'A,B']
#     [--file model.gguf] [--variants A,B] [--chunk ROWS] [--llama] [--keep] [--dry]
#
# <folder> is what pack.mjs made. Tests first, then the bench, in N seconds (default 460) in all; results go to DIR
# (default $OUT, else .). --llama measures llama.cpp on the same models instead. --keep leaves the models' files for
# another run on this machine. --file measures that file instead of generated models, and compares it with the values of
# transformers that the folder has, where they are of that file; it may be in parts (model.gguf.part00 and so on, as pack.mjs
# makes them) where a machine takes no large files. --dry allows a software adapter and shrinks everything: it proves that nothing is missing.
set -u
folder=${1:?usage: run.sh <folder> [options]}
shift
out=${OUT:-.} commit=${COMMIT:-unknown} seconds=460 mode=measure keep='' dry='' models='' file='' variants='' chunk=''
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2; shift ;;
    --commit) commit=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --models) models=$2; shift ;;
    --file) file=$2; shift ;;
    --variants) variants=$2; shift ;;
    --chunk) chunk=$2; shift ;;
    --llama) mode=llama ;;
    --keep) keep=--keep ;;
    --dry) dry=--dry ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
start=$(date +%s)
left() { echo $((seconds - $(date +%s) + start)); }
mkdir -p "$out"

# Nothing is written to the folder itself.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/node_modules/webgpu/dist/linux-x64"
xz -dc "$folder/node.xz" >"$work/node" && chmod +x "$work/node" || exit 1
xz -dc "$folder/dawn.node.xz" >"$work/node_modules/webgpu/dist/linux-x64/dawn.node" || exit 1
cp "$folder"/webgpu/index.js "$folder"/webgpu/package.json "$work/node_modules/webgpu/" || exit 1
cp -r "$folder"/*.mjs "$folder/golden" "$folder/real.json" "$work/" || exit 1
node=$work/node

# Models of several GB: in memory where there is room, so that reading them is no disk's speed.
scratch=/tmp
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print int($4 / 1048576)}')" -ge 12 ] 2>/dev/null; then scratch=/dev/shm; fi
scratch=$scratch/gemma-chat-bench-models
mkdir -p "$scratch"
[ -n "$keep" ] || trap 'rm -rf "$work" "$scratch"' EXIT
echo "models in $scratch: $(df -Ph "$scratch" | awk 'NR == 2 {print $1, $4 " free"}')"
if [ -n "$file" ] && [ ! -f "$file" ]; then
  joined=$scratch/$(basename "$file")
  cat "$file".part[0-9][0-9] >"$joined" || exit 1
  file=$joined
fi
ldconfig -p | grep -q libvulkan.so.1 || echo 'no Vulkan loader (libvulkan.so.1) on this machine'

if [ "$mode" = llama ]; then
  mkdir -p "$work/llama" && xz -dc "$folder/llama.tar.xz" | tar -C "$work/llama" -xf - || exit 1
  {
    timeout -k 10 "$(left)" "$node" "$work/llama.mjs" --libraries "$work/llama" --bundle "$work/bundle.mjs" \
      --out "$out" --scratch "$scratch" --seconds "$(($(left) - 15))" --commit "$commit" \
      ${models:+--models "$models"} ${file:+--file "$file"} $keep $dry 2>&1
    echo $? >"$work/status"
  } | tee "$out/llama.log"
  echo "done after $(($(date +%s) - start)) s"
  exit "$(cat "$work/status")"
fi

# What a test or the bench does after its own limit is cut off; what was measured until then is on disk.
status=0
limit=$(($(left) / 3))
[ -z "$dry" ] || limit=20
timeout -k 10 $((limit + 30)) "$node" "$work/tests.mjs" "$out/tests.json" "$limit" $dry >"$out/tests.log" 2>&1 || status=1
tail -n 1 "$out/tests.log"
grep -A 3 '^FAIL' "$out/tests.log"
{
  timeout -k 10 "$(left)" "$node" "$work/bundle.mjs" measure --out "$out" --scratch "$scratch" \
    --seconds "$(($(left) - 15))" --commit "$commit" --tests "$out/tests.json" ${models:+--models "$models"} \
    ${file:+--file "$file" --golden "$work/real.json"} ${variants:+--variants "$variants"} ${chunk:+--chunk "$chunk"} $keep $dry 2>&1
  echo $? >"$work/status"
} | tee "$out/gpu.log"
[ "$(cat "$work/status")" = 0 ] || status=1
echo "done after $(($(date +%s) - start)) s"
exit $status
