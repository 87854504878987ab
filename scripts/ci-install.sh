#!/usr/bin/env bash
# Installs on a bare Debian machine (as root) what the full test run needs: Chromium, and a Mesa whose lavapipe is new
# enough for Dawn, from Debian's backports. Does nothing where they are there.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

updated=0
update() { [ "$updated" = 1 ] || { apt-get update -qq; updated=1; }; }

if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  update
  apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi

mesa_major() { dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null | cut -d. -f1 || true; }
if [ "$(mesa_major | grep -E '^[0-9]+$' || echo 0)" -lt 24 ]; then
  sources=/etc/apt/sources.list.d/debian.sources
  backports=/etc/apt/sources.list.d/gemma-chat-backports.sources
  if [ -f "$sources" ] && ! grep -rqs -- '-backports' /etc/apt/sources.list.d /etc/apt/sources.list; then
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # The machine's own archive entry (the first stanza that is not the security archive), with the backports suite.
    awk -v suite="$codename-backports" 'BEGIN {RS = ""; ORS = "\n\n"} !/-security/ {gsub(/Suites:[^\n]*/, "Suites: " suite); print}' \
      "$sources" >"$backports"
    updated=0
  fi
  update
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt-get install -y -qq --no-install-recommends -t "$codename-backports" mesa-vulkan-drivers >/dev/null
  apt-get install -y -qq --no-install-recommends libvulkan1 >/dev/null
fi
