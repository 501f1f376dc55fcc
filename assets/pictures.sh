#!/usr/bin/env bash
# Makes the pictures of this folder again, from a real run on the local cloud.
# Needs tmux, and Python with rich 15 (pip install rich==15.0.0).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release
state=$(mktemp -d)
session="loadtop-pictures-$$"
trap 'tmux kill-session -t "$session" 2>/dev/null || true; rm -rf "$state"' EXIT

screen() { tmux capture-pane -p -t "$session"; }

# Waits until the screen says so, a minute at most.
until_screen() {
    for _ in $(seq 600); do
        if screen | grep -qE -- "$1"; then return; fi
        sleep 0.1
    done
    echo "the screen never said: $1" >&2
    screen >&2
    exit 1
}

picture() {
    tmux capture-pane -p -e -t "$session" | python3 -c '
import re
import sys
from rich.console import Console
from rich.text import Text

console = Console(record=True, width=120, file=open("/dev/null", "w"), force_terminal=True,
                  color_system="truecolor")
console.print(Text.from_ansi(sys.stdin.read().rstrip("\n")), overflow="crop", no_wrap=True)
svg = console.export_svg(title="loadtop")
# No font from elsewhere: whoever looks at it has a monospaced one.
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S).replace("Fira Code", "monospace")
open(sys.argv[1], "w").write(svg)
' "$1"
    echo "made $1"
}

tmux new-session -d -s "$session" -x 120 -y 40 \
    "env XDG_STATE_HOME=$state LANG=C.UTF-8 COLORTERM=truecolor target/release/loadtop --ramp-up 15s"
until_screen "for 100 devices"
tmux send-keys -t "$session" ']'
tmux send-keys -t "$session" b
tmux send-keys -t "$session" 400 Enter
for devices in 400 800 1,200; do
    tmux send-keys -t "$session" +
    until_screen "$devices of $devices devices connected"
done
tmux send-keys -t "$session" +
until_screen "8[5-9] %"
picture assets/dashboard.svg
tmux send-keys -t "$session" q
until_screen "kill and quit"
tmux send-keys -t "$session" y
for _ in $(seq 600); do
    tmux has-session -t "$session" 2>/dev/null || break
    sleep 0.1
done
