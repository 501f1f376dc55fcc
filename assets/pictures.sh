#!/usr/bin/env bash
# Makes the pictures of this folder again, one of each view, from a real run on the local
# cloud: a target of its own that stalls once for two seconds, and a task that is killed.
# Needs tmux, and Python with rich 15 (pip install rich==15.0.0).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release
loadtop=$PWD/target/release/loadtop
state=$(mktemp -d)
session="loadtop-pictures-$$"
target=
clean() {
    tmux kill-session -t "$session" 2>/dev/null || true
    [ -z "$target" ] || kill "$target" 2>/dev/null || true
    rm -rf "$state"
}
trap clean EXIT

screen() { tmux capture-pane -p -t "$session"; }
press() { tmux send-keys -t "$session" "$@"; }

# Waits until the screen says so, two minutes at most.
until_screen() {
    for _ in $(seq 1200); do
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

text = Text.from_ansi(sys.stdin.read().rstrip("\n"))
width = max(line.cell_len for line in text.split("\n"))
console = Console(record=True, width=width, file=open("/dev/null", "w"), force_terminal=True,
                  color_system="truecolor")
console.print(text, overflow="crop", no_wrap=True)
svg = console.export_svg(title="loadtop")
# No font from elsewhere: whoever looks at it has a monospaced one.
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S).replace("Fira Code", "monospace")
open(sys.argv[1], "w").write(svg)
' "$1"
    echo "made $1"
}

"$loadtop" target --listen 127.0.0.1:0 --latency 5ms --json >"$state/target" 2>/dev/null &
target=$!
for _ in $(seq 100); do
    [ -s "$state/target" ] && break
    sleep 0.1
done
address=$(grep -oE '127\.0\.0\.1:[0-9]+' "$state/target" | head -1)

tmux new-session -d -s "$session" -x 120 -y 40 \
    "env XDG_STATE_HOME=$state LANG=C.UTF-8 COLORTERM=truecolor $loadtop tcp://$address --ramp-up 15s"
until_screen "for 100 devices"
press ']'
press b
press 400 Enter
for devices in 400 800 1,200; do
    press +
    until_screen "$devices of $devices devices connected"
done
press +
until_screen "8[5-9] %"
picture assets/overview.svg
until_screen "1,600 of 1,600 devices connected"
# The target stalls for two seconds, which response times show and averages would not.
kill -STOP "$target"
sleep 2
kill -CONT "$target"
press 2
until_screen "i-"
picture assets/instances.svg
# A task is lost, and replaced.
pkill -KILL -o -P "$(tmux list-panes -t "$session" -F '#{pane_pid}')" -f 'loadtop agent' || true
press 3
until_screen "137"
press Enter
picture assets/tasks.svg
press Escape
press 4
sleep 20
picture assets/latency.svg
press 5
until_screen "closed|reset|no errors"
picture assets/target.svg
press 6
until_screen "137"
picture assets/notices.svg
press q
until_screen "kill and quit"
press y
for _ in $(seq 600); do
    tmux has-session -t "$session" 2>/dev/null || break
    sleep 0.1
done
